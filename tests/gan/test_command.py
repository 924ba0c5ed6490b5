"""How flags are read and errors are said, whatever the command."""

import errno
import json
import shlex
import subprocess
import sys

import pytest

import gan.train
from gan.command import Parser, add_switch, command_to_copy, integer, truth


@pytest.fixture(autouse=True)
def home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")


def test_a_path_may_begin_at_home():
    """A shell leaves `~` behind an equals sign as it is."""
    parser = Parser()
    parser.add_argument("run")
    parser.add_argument("--steps", type=integer)
    parser.add_argument_group("output").add_argument("--out", action="append")
    flags = parser.parse_args(["~/run", "--out=~/x.png", "--out", "a~/y.png", "--steps=3"])
    assert (flags.run, flags.out) == ("/home/ada/run", ["/home/ada/x.png", "a~/y.png"])
    assert flags.steps == 3


def test_settings_that_are_paths(run_main):
    flags = ["--preset=smoke", "--data_dir=~/data", "--warm_start=~/run", "--dry_run"]
    status, out, _ = run_main(gan.train.main, *flags)
    assert status == 0
    config = json.loads(out)
    assert config["data"]["data_dir"] == "/home/ada/data"
    assert config["training"]["warm_start"] == "/home/ada/run"


@pytest.mark.parametrize(
    "name", ["my runs/first try", "it's", 'say "7"', "$HOME", "a;b&c|d", "(*)", "~", "é"]
)
def test_a_command_to_copy_is_what_a_shell_reads(monkeypatch, tmp_path, name):
    monkeypatch.setattr(sys, "executable", f"/opt/{name}/python")
    command = command_to_copy("gan.generate", f"--run={name}", "--class=0")
    expected = [f"/opt/{name}/python", "-m", "gan.generate", f"--run={name}", "--class=0"]
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == expected
    assert shlex.split(command) == expected


def switches():
    parser = Parser()
    parser.add_argument("path", nargs="?")
    parser.add_argument("--steps", type=integer)
    parser.add_argument("--num", "--eval_images", dest="eval_images", type=integer)
    parser.add_argument("--jit_compile", type=truth)
    add_switch(parser.add_argument_group("group"), "--dry_run", help="stop")
    add_switch(parser, "--no_check", help="do less")
    return parser


@pytest.mark.parametrize(
    ("arguments", "jit_compile", "dry_run", "path"),
    [
        ([], None, False, None),
        (["--jit_compile"], True, False, None),
        (["--jit_compile", "--dry_run"], True, True, None),
        (["--jit_compile=true", "--dry_run=false"], True, False, None),
        (["--jit_compile=False", "--dry_run=YES"], False, True, None),
        (["--jit_compile=0", "--dry_run=on"], False, True, None),
        (["--jit_compile", "false", "--dry_run", "true"], False, True, None),
        (["--jit_compile", "folder", "--dry_run"], True, True, "folder"),
        (["--dry_run", "--", "--jit_compile"], None, True, "--jit_compile"),
    ],
)
def test_flags_that_are_true_or_false(arguments, jit_compile, dry_run, path):
    flags = switches().parse_args(arguments)
    assert (flags.jit_compile, flags.dry_run, flags.path) == (jit_compile, dry_run, path)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--jit_compile=maybe", "--jit_compile: 'maybe' is neither true nor false. Expected =true"),
        ("--dry_run=2", "--dry_run: '2' is neither true nor false. Expected =true or =false"),
        ("--dry_run=", "--dry_run: '' is neither true nor false. Expected =true or =false"),
        ("--nojit_compile", "--nojit_compile: no such flag. Did you mean --jit_compile=false?"),
        ("--no_jit_compile", "--no_jit_compile: no such flag. Did you mean --jit_compile=false?"),
        ("--no-dry-run", "--no-dry-run: no such flag. Did you mean --dry_run=false?"),
        ("--no_steps", "--no_steps: no such flag. Did you mean --steps?"),
        ("--no_chekc", "--no_chekc: no such flag. Did you mean --no_check?"),
        ("--dry-run", "--dry-run: no such flag. Did you mean --dry_run?"),
    ],
)
def test_errors_name_what_is_meant(capsys, argument, message):
    with pytest.raises(SystemExit) as end:
        switches().parse_args([argument])
    error = capsys.readouterr().err
    assert end.value.code == 1
    assert error.startswith(f"error: {message}")
    assert error.count("\n") == 1


def test_a_word_too_many(capsys):
    with pytest.raises(SystemExit):
        switches().parse_args(["folder", "other"])
    assert "other: belongs to no flag. Expected --FLAG=VALUE" in capsys.readouterr().err


def test_values_are_named_by_the_flag_that_was_written():
    parser = switches()
    for flag in ("--num", "--eval_images"):
        parser.parse_args([f"{flag}=1"])
        assert parser.named("eval_images", 1) == f"{flag}=1"
    parser = switches()
    parser.parse_args(["--num", "1"])
    assert parser.named("eval_images", 1) == "--num=1"
    assert parser.named("path", "runs/digits") == "runs/digits"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device."),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded."),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "Broken pipe."),
        (OSError(errno.EFBIG, "File too large", "a/b"), "a/b: File too large."),
        (OSError(errno.EFBIG, "File too large", b"caf\xc3\xa9"), "café: File too large."),
        (OSError(errno.EXDEV, "Invalid link", "a", None, "b"), "b: Invalid link."),
    ],
)
def test_an_error_of_the_system_is_one_line(run_main, error, message):
    def main():
        raise error

    assert run_main(main) == (1, "", f"error: {message}\n")


def test_what_only_looks_like_one_is_a_defect(run_main):
    def main():
        raise OSError("image file is truncated")

    with pytest.raises(OSError, match="truncated"):
        run_main(main)
