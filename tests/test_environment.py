"""`make setup`: which stack it chooses, and what it says."""

import pathlib
import re
import shutil
import subprocess

import pytest

ENVIRONMENT = pathlib.Path(__file__).parent.parent / "environment"


@pytest.fixture
def clone(tmp_path):
    """A clone with nothing but the script, and a path with fake Pythons and no uv."""
    (tmp_path / "clone" / "environment").mkdir(parents=True)
    for path in (*ENVIRONMENT.glob("*.sh"), *ENVIRONMENT.glob("*.txt")):
        shutil.copy(path, tmp_path / "clone" / "environment")
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

    def add_tool(name, script):
        (binaries / name).write_text(f"#!/bin/sh\n{script}\n")
        (binaries / name).chmod(0o755)

    def set_machine(system="Linux", processor="x86_64"):
        add_tool("uname", f"case $1 in -s) echo {system} ;; -m) echo {processor} ;; esac")

    set_machine()

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
                '  "-m pip install "*) echo "pip: $*"; [ -z "$PIP_FAILS" ] || kill -9 $$ ;;\nesac\n'
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

    create.add_python, create.add_tool, create.set_machine = add_python, add_tool, set_machine
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
        f"current stack (for PYTHON={named['PYTHON']}), Python 3.13, into .venv-current"
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
    expected = "tfgan stack: .venv-tfgan is up to date (it is made already), for the CPU.\n"
    assert again.stdout == expected
    constraints = clone.folder / "environment" / "tfgan.txt"
    constraints.write_text(constraints.read_text() + "# changed\n")
    assert "Done" in clone().stdout


def test_unknown_stack(clone):
    done = clone("torch")
    assert done.returncode == 1
    assert done.stderr == "error: STACK=torch: unknown. Expected tfgan or current.\n"


def pins_installed(done):
    """The files of pins that pip was given, in order."""
    assert done.returncode == 0, done.stderr
    return re.findall(r"--requirement environment/(\S+)\.txt", done.stdout)


@pytest.mark.parametrize("stack", ["tfgan", "current"])
def test_the_tests_packages_are_added_to_what_is_made(clone, stack):
    clone.add_python("python3.11", "3.11")
    assert pins_installed(clone(stack)) == [stack]
    marker = clone.folder / f".venv-{stack}" / "kept"
    marker.write_text("")
    added = clone(stack, "test")
    assert pins_installed(added) == [f"{stack}-test"]
    assert "what only the tests need is added" in added.stdout
    assert f"--constraint environment/{stack}.txt" in added.stdout
    assert marker.exists()
    for arguments in ((stack, "test"), (stack,), (stack, "test")):
        again = clone(*arguments)
        assert "is up to date" in again.stdout
        assert pins_installed(again) == []


def test_both_layers_from_nothing(clone):
    clone.add_python("python3.11", "3.11")
    assert pins_installed(clone("", "test")) == ["tfgan", "tfgan-test"]
    assert "up to date" in clone("").stdout


@pytest.mark.parametrize("changed", ["tfgan", "tfgan-test"])
def test_changed_pins_make_the_environment_anew(clone, changed):
    clone.add_python("python3.11", "3.11")
    clone("tfgan", "test")
    marker = clone.folder / ".venv-tfgan" / "gone"
    marker.write_text("")
    pins = clone.folder / "environment" / f"{changed}.txt"
    pins.write_text(pins.read_text() + "# changed\n")
    if changed == "tfgan-test":  # what the commands need has not changed
        assert "up to date" in clone("tfgan").stdout
    assert pins_installed(clone("tfgan", "test")) == ["tfgan", "tfgan-test"]
    assert not marker.exists()


@pytest.mark.parametrize("made_before", [(), ("tfgan",), ("tfgan", "test")])
def test_an_interrupted_installation_is_made_anew(clone, made_before):
    clone.add_python("python3.11", "3.11")
    if made_before:
        clone(*made_before)
        pins = clone.folder / "environment" / "tfgan-test.txt"
        pins.write_text(pins.read_text() + "# changed\n")
    assert clone("tfgan", "test", PIP_FAILS="1").returncode != 0
    assert pins_installed(clone("tfgan", "test")) == ["tfgan", "tfgan-test"]
    assert "up to date" in clone("tfgan", "test").stdout


def test_an_environment_of_an_older_clone_is_made_anew(clone):
    clone.add_python("python3.11", "3.11")
    (clone.folder / ".venv-tfgan").mkdir()
    (clone.folder / ".venv-tfgan" / ".complete").write_text("1234 5678\n")
    assert pins_installed(clone("tfgan")) == ["tfgan"]


GPU_ANSWERS = "echo 'GPU 0: NVIDIA H200 (UUID: GPU-0)'"


@pytest.mark.parametrize(
    "smi, variables, pins, said",
    [
        (None, {}, "tfgan", "for the CPU"),
        (GPU_ANSWERS, {}, "tfgan-gpu", "with CUDA (a GPU answers; GPU=0 takes the CPU's"),
        (GPU_ANSWERS, {"GPU": "0"}, "tfgan", "for the CPU"),
        (None, {"GPU": "1"}, "tfgan-gpu", "with CUDA (GPU=1)"),
        (None, {"GPU": ""}, "tfgan", "for the CPU"),
        ("echo 'No devices were found'; exit 6", {}, "tfgan", "for the CPU"),
        ("echo 'NVIDIA-SMI has failed' >&2; exit 9", {}, "tfgan", "for the CPU"),
    ],
)
def test_a_gpu(clone, smi, variables, pins, said):
    clone.add_python("python3.11", "3.11")
    if smi:
        clone.add_tool("nvidia-smi", smi)
    done = clone(**variables)
    assert pins_installed(done) == [pins]
    assert said in done.stdout
    # What is made stays, without the variable and with the tests.
    assert pins_installed(clone("", "test")) == ["tfgan-test"]
    again = clone()
    assert "up to date" in again.stdout
    assert ("with CUDA" in again.stdout) == (pins == "tfgan-gpu")


def test_another_device_makes_another_environment(clone):
    clone.add_python("python3.11", "3.11")
    for gpu, pins in (("0", "tfgan"), ("1", "tfgan-gpu"), ("0", "tfgan")):
        assert pins_installed(clone(GPU=gpu)) == [pins]


@pytest.mark.parametrize("machine", [("Darwin", "arm64"), ("Linux", "aarch64")])
def test_no_cuda_on_other_machines(clone, machine):
    clone.add_python("python3.11", "3.11")
    clone.set_machine(*machine)
    done = clone(GPU="1")
    assert done.returncode == 1
    assert f"for Linux on x86_64, and this is {' on '.join(machine)}" in done.stderr
    clone.add_tool("nvidia-smi", GPU_ANSWERS)
    assert pins_installed(clone()) == ["tfgan"]


def test_an_unknown_gpu(clone):
    clone.add_python("python3.11", "3.11")
    done = clone(GPU="yes")
    assert done.returncode == 1
    assert done.stderr == "error: GPU=yes: unknown. Expected 1 or 0.\n"
    done = clone("oldest", GPU="1")
    assert done.stderr == "error: GPU=1: the oldest stack has no pins for a GPU. Leave GPU out.\n"


def test_python_3_9_is_for_linux(clone):
    clone.add_python("python3", "3.9")
    clone.set_machine("Darwin", "arm64")
    done = clone("tfgan")
    assert "the tfgan stack needs one of Python 3.11, 3.10, and none runs here" in done.stderr


def test_the_oldest_stack_is_made_when_asked_for(clone):
    clone.add_python("python3.12", "3.12")
    assert pins_installed(clone("oldest")) == ["oldest"]
    assert (clone.folder / ".venv-oldest" / ".complete").exists()
