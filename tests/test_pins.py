"""The pins in environment/: one TensorFlow each, layers that agree, wheels for every platform."""

import concurrent.futures
import pathlib
import shutil
import subprocess

import pytest
from packaging.requirements import Requirement

ENVIRONMENT = pathlib.Path(__file__).parent.parent / "environment"
PYTHONS = {
    "tfgan": ("3.9", "3.10", "3.11"),
    "current": ("3.10", "3.11", "3.12", "3.13"),
    "oldest": ("3.9", "3.10", "3.11", "3.12"),
}
# uv's names; its macOS is 13, older than what the newest wheels of some packages want.
PLATFORMS = {
    "x86_64-manylinux_2_28": ("linux", "x86_64"),
    "aarch64-manylinux_2_28": ("linux", "aarch64"),
    "aarch64-apple-darwin": ("darwin", "arm64"),
}
CASES = [
    (stack, python, platform)
    for stack, pythons in PYTHONS.items()
    for python in pythons
    for platform in PLATFORMS
    # array-record has no wheel for Python 3.9 on macOS: choose_stack.sh knows it.
    if (stack, python, platform) != ("tfgan", "3.9", "aarch64-apple-darwin")
]
ONLY_TESTS = ("pytest", "pytest-xdist", "hypothesis", "ruff", "tf2onnx", "onnx", "onnxruntime")


def pins(name, python, platform):
    """What a file of pins installs: versions by package."""
    system, machine = PLATFORMS[platform]
    here = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": system,
        "platform_system": system.capitalize(),
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    found = {}
    for line in (ENVIRONMENT / f"{name}.txt").read_text().splitlines():
        requirement = Requirement(line.split("#")[0])
        if requirement.marker is None or requirement.marker.evaluate(here):
            assert found.setdefault(requirement.name, requirement.specifier) == (
                requirement.specifier
            )
    return found


def tensorflows(found):
    return {name for name in found if name in ("tensorflow", "tensorflow-cpu")}


@pytest.mark.parametrize("stack, python, platform", CASES)
def test_one_tensorflow_and_layers_that_agree(stack, python, platform):
    commands = pins(stack, python, platform)
    expected = "tensorflow-cpu" if platform == "x86_64-manylinux_2_28" else "tensorflow"
    assert tensorflows(commands) == {expected}
    assert not any(name.startswith("nvidia-") for name in commands)
    if stack == "oldest":
        return
    assert not set(ONLY_TESTS) & set(commands)
    assert "apache-beam" not in commands
    tests = pins(f"{stack}-test", python, platform)
    assert set(ONLY_TESTS) <= set(tests)
    assert not tensorflows(tests)
    for name in set(commands) & set(tests):  # tests add packages and change none
        assert commands[name] == tests[name], name


@pytest.mark.parametrize("stack", ["tfgan", "current"])
def test_a_gpu_gets_the_same_versions_with_cuda(stack):
    for python in PYTHONS[stack]:
        cpu, gpu = (pins(name, python, "x86_64-manylinux_2_28") for name in (stack, f"{stack}-gpu"))
        assert gpu.pop("tensorflow") == cpu.pop("tensorflow-cpu")
        cuda = {name for name in gpu if name.startswith("nvidia-")}
        assert {"nvidia-cudnn-cu12", "nvidia-cublas-cu12"} <= cuda
        assert {name: gpu[name] for name in set(gpu) - cuda} == cpu


def resolve(stack, device, python, platform):
    files = [f"{stack}{device}.txt"] + ([f"{stack}-test.txt"] if stack != "oldest" else [])
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    # promise, which tfds needs, is a source distribution without anything to compile.
    command += ["--only-binary", ":all:", "--no-binary", "promise"]
    command += ["--python-platform", platform, "--python-version", python, *files]
    return subprocess.run(command, cwd=ENVIRONMENT, capture_output=True, text=True, check=False)


@pytest.mark.skipif(
    shutil.which("uv") is None, reason="needs uv, which resolves for other platforms"
)
def test_wheels_for_every_platform_and_python():
    cases = [(stack, "", python, platform) for stack, python, platform in CASES]
    cases += [
        (stack, "-gpu", python, "x86_64-manylinux_2_28")
        for stack in ("tfgan", "current")
        for python in PYTHONS[stack]
    ]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda case: resolve(*case), cases))
    errors = {case: each.stderr for case, each in zip(cases, done) if each.returncode}
    if any("Failed to fetch" in text or "Could not connect" in text for text in errors.values()):
        pytest.skip("needs the network, to see which wheels there are")
    assert not errors
