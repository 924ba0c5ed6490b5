"""python -m checkpoints.convert and .inspect, as a person uses them, and all that can go wrong."""

import json
import shlex
import sys
import zipfile

import numpy as np
import pytest
from conftest import write_checkpoint
from released_checkpoint import write_small

import checkpoints
import checkpoints.convert
import checkpoints.inspect
from checkpoints.weights_folder import Description, write_weights_folder
from gan.networks import make_generator, weights_by_path
from gan.presets import smoke

COMMANDS = {"convert": checkpoints.convert.main, "inspect": checkpoints.inspect.main}


@pytest.fixture
def run_command(run_main):
    """Runs a command in this process; returns exit status, standard output and error."""

    return lambda command, *arguments: run_main(COMMANDS[command], *arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_help(run_command, command):
    status, out, _ = run_command(command, "--help")
    assert status == 0
    assert f"python -m checkpoints.{command}" in out
    assert "hamgan_strong" in out


def test_convert_and_inspect(run_command, tmp_path):
    write_small(tmp_path / "source")
    target = tmp_path / "my models" / "converted"
    status, out, error = run_command("convert", tmp_path / "source", target, "--ham=cd")
    assert status == 0, error
    assert f"Written: {target}" in out
    command = shlex.split(out.partition("Draw from it: ")[2])
    assert command == [sys.executable, "-m", "gan.generate", f"--run={target}"]
    assert "assumed as published: ham_steps=6, ham_groups=1, generator_ham_rank=1," in out

    content = json.loads((target / "config.json").read_text())
    assert (content["step"], content["source"]["name"]) == (12, "model.ckpt-12")
    assert list(content["source"]["files"]) == [
        "model.ckpt-12.data-00000-of-00001",
        "model.ckpt-12.index",
    ]
    assert str(tmp_path) not in (target / "config.json").read_text()

    first = checkpoints.load(str(tmp_path / "source"), ham="cd")
    second = checkpoints.load(str(target))
    assert (second.config, second.step) == (first.config, first.step)
    for network in ("generator", "discriminator"):
        pair = (getattr(loaded, network).get_weights() for loaded in (first, second))
        for a, b in zip(*pair):
            assert np.array_equal(a, b)

    for path, format_ in ((tmp_path / "source", "TensorFlow 1"), (target, "converted by ham_tf")):
        status, out, _ = run_command("inspect", path, "--names")
        assert status == 0
        for fact in (
            format_,
            "32×32, colour",
            "step            12",
            "classes         5",
            "not told by the checkpoint",
            "each used once",
            "all values",
            "block1/norm1/gamma",
        ):
            assert fact in out, fact
    # Converted once more: the same weights, and still the record of the first source.
    status, _, error = run_command("convert", target, tmp_path / "again")
    assert status == 0, error
    for name in ("config.json", "weights.npz"):
        assert (tmp_path / "again" / name).read_bytes() == (target / name).read_bytes()
    # A second conversion must not write over the first.
    status, _, error = run_command("convert", tmp_path / "source", target)
    assert status == 1
    assert "the folder is not empty" in error


def test_classes_of_a_data_set_go_with_a_converted_model(run_command, tmp_path):
    names = ("cats, small", "\udce9", "z\n")
    config = smoke().replace({"dataset": "/data", "num_classes": 3})
    config = config.with_found(class_names=names)
    random = np.random.RandomState(0)
    weights = weights_by_path(make_generator(config.model))
    arrays = {f"generator/{path}": random.rand(*w.shape) for path, w in weights.items()}
    description = Description(config, 7, {"format": "test"}, [])
    write_weights_folder(str(tmp_path / "first"), description, arrays.items())
    status, _, error = run_command("convert", tmp_path / "first", tmp_path / "second")
    assert status == 0, error
    text = (tmp_path / "second" / "config.json").read_bytes().decode("utf-8")
    assert json.loads(text)["config"]["found"]["class_names"] == list(names)
    status, out, _ = run_command("inspect", tmp_path / "second")
    assert status == 0
    assert "classes         3: 0=cats, small, 1=\\udce9, 2=z\\n\n" in out
    assert checkpoints.load(str(tmp_path / "second")).config.classes().resolve("\udce9") == 1


def test_inspect_the_shipped_model(run_command):
    status, out, _ = run_command("inspect", "digits")
    assert status == 0
    assert "classes         10\n" in out
    assert "119,810 trainable parameters" in out
    assert "16×16, grey" in out
    assert "48 channels, rank 6, 6 steps, 1 group" in out


def test_inspect_what_cannot_be_used(run_command, tmp_path):
    def change(variables):
        variables["Generator/generator/g_bn/beta"] *= np.float32(np.nan)
        del variables["Generator/generator/g_bn/gamma"]

    write_small(tmp_path, change=change)
    status, out, _ = run_command("inspect", tmp_path)
    assert status == 1
    assert "g_bn/gamma is missing" in out
    assert "NOT: Generator/generator/g_bn/beta" in out


def make_bad_paths(folder):
    (folder / "empty").mkdir()
    (folder / "torch").mkdir()
    (folder / "torch" / "model.pth").write_bytes(b"PK\x03\x04" + bytes(40))
    (folder / "model.bin").write_bytes(b"\x80\x02}q\x00.")
    with zipfile.ZipFile(folder / "archive.ckpt", "w") as archive:
        archive.writestr("a_name_longer_than_any_first_block_of_a_file_that_was_read/data.pkl", b"")
    (folder / "damaged").mkdir()
    (folder / "damaged" / "weights.npz").write_bytes(b"PK")
    (folder / "damaged" / "config.json").write_text('{"format": "ham_tf')
    (folder / "notes.txt").write_text("hello")
    write_checkpoint(str(folder / "other" / "model.ckpt-3"), {"a": np.zeros(3)})
    for name in ("a", "b"):
        write_checkpoint(str(folder / "two" / name), {"a": np.zeros(3)})
    write_small(folder / "good")
    write_small(folder / "short")
    data = folder / "short" / "model.ckpt-12.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-1000])


BAD = [
    (["nowhere"], "nowhere: there is no such file or folder, and no released model of that name."),
    (["empty"], "empty: no checkpoint here. Expected a run folder, a converted checkpoint"),
    (["torch"], "torch: holds PyTorch files (model.pth), no TensorFlow checkpoint."),
    (["torch/model.pth"], "model.pth: a PyTorch file."),
    (["model.bin"], "model.bin: a PyTorch file."),
    (["archive.ckpt"], "archive.ckpt: a PyTorch file."),
    (["damaged"], "config.json: the checkpoint is damaged (JSONDecodeError"),
    (["notes.txt"], "notes.txt: no checkpoint. Expected a folder, or files of a TensorFlow"),
    (["other"], "a TensorFlow checkpoint, but not of HamGAN"),
    (["two"], "holds several checkpoints (a.index, b.index). Name one of them."),
    (["short"], "model.ckpt-12: the checkpoint is damaged"),
    (["good", "--step=3"], "no checkpoint of step 3. There are: 12."),
    (["good/model.ckpt-12", "--step=3"], "of step 12, but step 3 was asked for."),
    (["good", "--preset=hamgan_strong"], "num_classes is 5 in the checkpoint, but 1000 was given"),
    (["good", "--preset=strong"], "--preset=strong: unknown."),
    (["digits", "--preset=hamgan_baby"], "image_size is 16, but 128 was given."),
    (["hamgan_baby"], "hamgan_baby: does not ship with us. Download it from the Google Drive"),
]


def test_bad_sources(run_command, tmp_path, monkeypatch):
    make_bad_paths(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    for (source, *flags), message in BAD:
        for command, target in (("inspect", []), ("convert", ["target"])):
            status, _, error = run_command(command, source, *target, *flags)
            assert status == 1, source
            assert message in error
            assert error.startswith("error: ")
            assert error.count("\n") == 1, error
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_impossible_flags_and_targets(run_command, tmp_path):
    write_small(tmp_path / "good")
    for arguments, message in (
        (["--num_classes=7"], "num_classes is 5 in the checkpoint, but 7 was given"),
        (["--ham=pca"], "--ham=pca: must be one of nmf"),
        (["--stepz=1"], "--stepz: no such flag."),
    ):
        status, _, error = run_command("convert", tmp_path / "good", tmp_path / "new", *arguments)
        assert status == 1
        assert message in error
        assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    status, _, error = run_command("convert", tmp_path / "good", tmp_path / "file")
    assert status == 1
    assert "this is a file" in error
    for target in ("", tmp_path / "file" / "below"):
        status, _, error = run_command("convert", tmp_path / "good", target)
        assert status == 1
        assert "cannot be written" in error
    status, _, error = run_command("convert", tmp_path / "good", tmp_path / "new.npz")
    assert status == 1
    assert "new.npz: ends in .npz as a file does. Choose a folder, or put a slash" in error
