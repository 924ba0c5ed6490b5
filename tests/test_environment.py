"""`make setup`: which stack it chooses, and what it says."""

import pathlib
import shutil
import subprocess

import pytest

ENVIRONMENT = pathlib.Path(__file__).parent.parent / "environment"


@pytest.fixture
def clone(tmp_path):
    """A clone with nothing but the script, and a path with fake Pythons and no uv."""
    (tmp_path / "clone" / "environment").mkdir(parents=True)
    for name in ("choose_stack.sh", "create.sh", "run.sh", "tfgan.txt", "current.txt"):
        shutil.copy(ENVIRONMENT / name, tmp_path / "clone" / "environment")
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for tool in (
        "bash",
        "sh",
        "env",
        "dirname",
        "cksum",
        "cat",
        "rm",
        "ls",
        "mkdir",
        "cp",
        "chmod",
    ):
        (binaries / tool).symlink_to(shutil.which(tool))

    def add_python(name, version):
        """An interpreter of `version`; None: a version manager's shim for a missing one."""
        script = binaries / name
        if version is None:
            script.write_text("#!/bin/sh\necho 'not installed' >&2\nexit 127\n")
        else:
            # `-m venv FOLDER` makes a copy of itself; `-m pip` succeeds.
            script.write_text(
                "#!/bin/sh\n"
                f'case "$*" in\n  *version_info*) echo {version} ;;\n'
                f"  --version) echo Python {version} ;;\n"
                '  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;\n'
                '  "-m pip install "*) echo "pip: $*" ;;\nesac\n'
            )
        script.chmod(0o755)

    def create(*arguments, script="create", **variables):
        return subprocess.run(
            [binaries / "bash", f"environment/{script}.sh", *arguments],
            cwd=tmp_path / "clone",
            env={"PATH": str(binaries), **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    create.add_python = add_python
    create.folder = tmp_path / "clone"
    return create


def test_prefers_the_tfgan_stack(clone):
    clone.add_python("python3.12", "3.12")
    clone.add_python("python3.10", "3.10")
    done = clone()
    assert done.returncode == 0, done.stderr
    assert "tfgan stack (it has both training engines" in done.stdout
    assert "Python 3.10, into .venv-tfgan" in done.stdout
    assert "--constraint environment/tfgan.txt" in done.stdout
    assert (clone.folder / ".venv-tfgan" / ".complete").exists()


def test_falls_back_to_the_current_stack(clone):
    clone.add_python("python3", "3.13")
    done = clone()
    assert done.returncode == 0, done.stderr
    assert "current stack (no Python 3.9 to 3.11 runs here" in done.stdout


def test_empty_shims_do_not_count(clone):
    clone.add_python("python3.11", None)
    clone.add_python("python3.12", "3.12")
    done = clone()
    assert "current stack" in done.stdout
    forced = clone("tfgan")
    assert forced.returncode == 1
    assert (
        "the tfgan stack needs one of Python 3.11, 3.10, 3.9, and none runs here" in forced.stderr
    )
    assert "Install one" in forced.stderr
    assert not (clone.folder / ".venv-tfgan").exists()


def test_too_new_for_either(clone):
    clone.add_python("python3", "3.14")
    done = clone()
    assert done.returncode == 1
    assert "the current stack needs one of Python 3.13, 3.12, 3.11, 3.10" in done.stderr


def test_a_named_interpreter(clone, tmp_path):
    clone.add_python("my-python", "3.9")
    done = clone("tfgan", PYTHON=str(tmp_path / "bin" / "my-python"))
    assert done.returncode == 0, done.stderr
    assert "(asked for), Python 3.9" in done.stdout


def test_a_named_interpreter_decides_the_stack_before_what_is_made(clone, tmp_path):
    clone.add_python("python3.11", "3.11")
    clone.add_python("my-python", "3.13")
    clone()
    named = {"PYTHON": str(tmp_path / "bin" / "my-python")}
    done = clone(**named)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        f"current stack (for PYTHON={named['PYTHON']}), Python 3.13, into .venv-current."
    )
    for variables, version in ((named, "3.13"), ({}, "3.11"), ({"PYTHON": ""}, "3.11")):
        ran = clone("", "--version", script="run", **variables)
        assert ran.stdout == f"Python {version}\n"
    assert clone("tfgan", "--version", script="run").stdout == "Python 3.11\n"


@pytest.mark.parametrize(
    "version, found", [("3.14", "is 3.14"), (None, "does not run, or lacks one of: venv, ensurepi")]
)
def test_a_named_interpreter_of_no_stack(clone, tmp_path, version, found):
    clone.add_python("python3.11", "3.11")
    clone.add_python("my-python", version)
    path = str(tmp_path / "bin" / "my-python")
    done = clone(PYTHON=path)
    assert done.returncode == 1
    assert f"needs one of Python 3.13, 3.12, 3.11, 3.10, and PYTHON={path} {found}" in done.stderr


def test_another_interpreter_makes_another_environment(clone, tmp_path):
    clone.add_python("python3.11", "3.11")
    clone.add_python("my-python", "3.9")
    clone("tfgan")
    again = clone("tfgan", PYTHON=str(tmp_path / "bin" / "my-python"))
    assert "Python 3.9, into .venv-tfgan" in again.stdout
    assert "up to date" in clone("tfgan", PYTHON=str(tmp_path / "bin" / "my-python")).stdout


def test_again_is_instant_and_new_pins_are_not_missed(clone):
    clone.add_python("python3.11", "3.11")
    assert "Done" in clone().stdout
    again = clone()
    assert again.stdout == "tfgan stack: .venv-tfgan is up to date (it is made already).\n"
    constraints = clone.folder / "environment" / "tfgan.txt"
    constraints.write_text(constraints.read_text() + "# changed\n")
    assert "Done" in clone().stdout


def test_unknown_stack(clone):
    done = clone("torch")
    assert done.returncode == 1
    assert done.stderr == "error: STACK=torch: unknown. Expected tfgan or current.\n"
