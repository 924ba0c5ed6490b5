"""python -m gan.generate as a person uses it, and all that can go wrong."""

import functools
import os

import numpy as np
import pytest
from conftest import write_checkpoint
from PIL import Image
from released_checkpoint import write_small

import gan.generate
from checkpoints.conversion import convert
from checkpoints.tensor_names import average_name
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import smoke
from gan.run_folder import RunFolder


@pytest.fixture
def generate(run_main, monkeypatch, tmp_path):
    """Runs the command in this process, in an empty folder; returns status, output, errors."""
    monkeypatch.chdir(tmp_path)

    return functools.partial(run_main, gan.generate.main)


def write_run(path, config, averages=None):
    """A run folder with a checkpoint of random weights, which every stack can write.

    With `averages` it also holds averages of the generator's: the weights times that number.
    """
    run = RunFolder(str(path))
    run.write_config(config)
    random = np.random.RandomState(0)
    variables = {}
    for scope, model in (
        ("Generator", make_generator(config.model)),
        ("Discriminator", make_discriminator(config.model)),
    ):
        for name, weight in weights_by_path(model).items():
            value = random.rand(*weight.shape) - (0.5 if weight.trainable else 0.0)
            variables[f"{scope}/{model.name}/{name}"] = np.float32(value)
    if averages is not None:
        for name in [name for name in variables if name.startswith("Generator/")]:
            variables[average_name(name)] = variables[name] * np.float32(averages)
    write_checkpoint(os.path.join(run.checkpoint_dir, "model.ckpt-7"), variables)
    return run.path


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "untrained", smoke())


@pytest.fixture(scope="module")
def imagenet_run(tmp_path_factory):
    """A tiny model of the thousand classes, in colour."""
    values = {"dataset": "imagenet2012", "num_classes": 1000, "image_channels": 3}
    return write_run(tmp_path_factory.mktemp("runs") / "imagenet", smoke().replace(values))


def test_same_flags_same_bytes(generate, run_folder, tmp_path):
    def draw(name, *arguments):
        status, out, error = generate(f"--run={run_folder}", f"--out={name}", *arguments)
        assert (status, error) == (0, "")
        assert name in out
        return (tmp_path / name).read_bytes()

    first = draw("a.png", "--class=7", "--num=16", "--seed=3")
    assert draw("b.png", "--class=7", "--num=16", "--seed=3") == first
    assert draw("c.png", "--class=seven", "--seeds=3-18", "--batch_size=5") == first
    assert draw("d.png", "--class=7", "--num=16", "--seed=4") != first
    assert draw("e.png", "--class=6", "--num=16", "--seed=3") != first
    assert draw("f.png", "--class=7", "--num=16", "--seed=3", "--truncation=0.5") != first


def test_the_model_that_ships_draws_digits(generate, tmp_path):
    """Without any flag: one row per class, told apart by the brightest place of each."""
    status, out, _ = generate()
    assert status == 0
    (path,) = (tmp_path / "samples").iterdir()
    assert path.name.startswith("digits_class_all_seeds_0-9_step_")
    assert f"100 images of step 4000: {os.path.join('samples', path.name)}" in out
    assert generate("--out=a.npz")[0] == 0
    content = np.load(tmp_path / "a.npz")
    rows = content["arr_0"][..., 0].reshape(10, 10, 256)
    assert content["arr_1"].tolist() == [label for label in range(10) for _ in range(10)]
    means = rows.mean(axis=1)
    nearest = np.linalg.norm(rows[:, :, None] - means, axis=-1).argmin(axis=-1)
    assert (nearest == np.arange(10)[:, None]).mean() > 0.8


def test_a_run_with_a_released_models_name(generate, tmp_path):
    """It is the run for --run, no flag is the model that ships, and --model=digits is refused."""
    status, _, error = generate("--run=digits")
    assert (status, error) == (
        1,
        "error: --run: there is no folder digits. --model=digits is the released model.\n",
    )
    write_run(tmp_path / "digits", smoke())
    for flag, step, folder in (
        ("--run=digits", 7, "digits/samples"),
        ("--model=./digits", 7, "digits/samples"),
        ("--seed=0", 4000, "samples"),
    ):
        status, out, error = generate(flag, "--class=0", "--num=1")
        assert status == 0, error
        assert f"1 images of step {step}: " in out
        assert os.path.relpath(out.split(": ")[1]).startswith(folder)
    status, _, error = generate("--model=digits")
    assert status == 1
    assert error.startswith("error: digits: names a released model, and there is something of that")


@pytest.mark.parametrize("batch_size", [1, 5])
def test_no_byte_depends_on_the_batch_size(generate, tmp_path, batch_size):
    assert generate("--num=130", "--out=a.npz", "--out=a")[0] == 0
    assert generate("--num=130", "--out=b.npz", f"--batch_size={batch_size}")[0] == 0
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()
    # One of them alone, and as a PNG file, is the same image.
    assert generate("--class=9", "--seeds=129", "--out=c.npz")[0] == 0
    alone = np.load(tmp_path / "c.npz")["arr_0"][0]
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["arr_0"][129], alone)
    with Image.open(tmp_path / "a" / "class_9_seed_000129.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), alone[..., 0])


def test_imagenet_by_name(generate, imagenet_run, tmp_path):
    model = f"--model={imagenet_run}"
    for name, text in (("a", "goldfish"), ("b", "n01443537"), ("c", "1")):
        assert generate(model, f"--class={text}", "--num=2", f"--out={name}.png")[0] == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "c.png").read_bytes()
    assert generate(model, "--class=2-3,toilet_tissue", "--seeds=8", "--out=d")[0] == 0
    assert sorted(os.listdir("d")) == [
        "class_002_great_white_shark_seed_000008.png",
        "class_003_tiger_shark_seed_000008.png",
        "class_999_toilet_tissue_seed_000008.png",
    ]
    status, _, error = generate(model, "--out=e.npz")
    assert status == 0
    assert "The model has 1000 classes: 10 of them are drawn." in error
    assert np.load("e.npz")["arr_0"].shape == (100, 16, 16, 3)


def test_averaged_weights_are_used_and_named(generate, run_folder, tmp_path):
    averaged = write_run(tmp_path / "averaged", smoke(), averages=0.9)
    status, _, error = generate(f"--run={averaged}", "--class=2", "--num=3", "--out=a.png")
    assert (status, error) == (
        0,
        "Weights of the generator: their moving averages over training.\n",
    )
    status, _, error = generate(f"--run={run_folder}", "--class=2", "--num=3", "--out=b.png")
    assert (status, error) == (0, "")
    # The trained weights of both runs are the same.
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_settings_that_a_checkpoint_does_not_tell(generate, tmp_path):
    """Of the authors' format; the variables of NMF and CD are the same."""
    released = tmp_path / "released"
    released.mkdir()
    write_small(released)

    def draw(name, *flags):
        status, _, error = generate(f"--model={released}", "--seeds=0-3", f"--out={name}", *flags)
        assert status == 0, error
        return np.load(name)["arr_0"], error

    assumed, error = draw("assumed.npz")
    assert "assumed as published: ham=nmf, ham_steps=6" in error
    named, error = draw("named.npz", "--ham=nmf")
    assert "assumed as published: ham_steps=6" in error
    np.testing.assert_array_equal(assumed, named)
    assert (draw("cd.npz", "--ham=cd")[0] != assumed).any()
    status, _, error = generate(f"--model={released}", "--preset=hamgan_strong")
    assert status == 1
    assert "is 5 in the checkpoint, but 1000 was given" in error


def test_series(generate, run_folder):
    flags = [f"--run={run_folder}", "--class=3,8", "--frames=4"]
    assert generate(*flags, "--interpolate=classes", "--out=a.png", "--out=a.gif")[0] == 0
    assert generate(*flags, "--interpolate=latents", "--seeds=0-2", "--out=b.png")[0] == 0
    sweep = ["--truncation_sweep=0.2,1,inf", "--seeds=0-4", "--class=3", "--out=c.png"]
    assert generate(f"--run={run_folder}", *sweep)[0] == 0
    with Image.open("a.gif") as animation:
        assert animation.n_frames == 2 * 4 - 2
    sizes = {}
    for name in "abc":
        with Image.open(f"{name}.png") as picture:
            sizes[name] = picture.size
    for name, columns, rows, lines in (("a", 4, 1, 1), ("b", 7, 2, 1), ("c", 5, 3, 2)):
        assert sizes[name][0] >= columns * 50 + 2
        assert sizes[name][1] == rows * 50 + 2 + 18 * lines


def test_default_names(generate, run_folder):
    assert generate(f"--run={run_folder}", "--class=2", "--num=3")[0] == 0
    flags = ["--class=1,2", "--interpolate=classes", "--frames=2"]
    status, out, _ = generate(f"--run={run_folder}", *flags)
    assert status == 0
    names = [
        "class_2_num_3_seed_0_step_7.png",
        "classes_class_1-2_seed_0_frames_2_step_7.gif",
        "classes_class_1-2_seed_0_frames_2_step_7.png",
    ]
    assert sorted(os.listdir(os.path.join(run_folder, "samples"))) == names
    assert all(name in out for name in names[1:])
    assert os.listdir(".") == []


def test_help(generate):
    status, out, _ = generate("--help")
    assert status == 0
    assert "usage: python -m gan.generate" in out
    for group in ("checkpoint:", "images:", "series:", "output:", "model:", "examples:"):
        assert f"\n{group}" in out


WRONG_FLAGS = [
    (["--num=0"], "--num=0: must be at least 1."),
    (["--num=many"], "--num: 'many' is not an integer."),
    (["--batch_size=0"], "--batch_size=0: must be at least 1."),
    (["--seed=-1"], "--seed=-1: must be in [0, 4294967296)."),
    (["--seed=4294967296"], "--seed=4294967296: must be in [0, 4294967296)."),
    (["--seeds=5-3"], "--seeds=5-3: 5-3 goes backwards."),
    (["--seeds=a"], "--seeds=a: 'a' is no seed."),
    (["--num=3", "--seeds=0-2"], "--num and --seeds exclude each other"),
    (["--seed=3", "--seeds=0-2"], "--seed and --seeds exclude each other"),
    (["--truncation=0"], "--truncation: a truncation of 0 leaves no latents."),
    (["--truncation=-1"], "--truncation: a truncation of -1 leaves no latents."),
    (["--truncation=nan"], "--truncation: a truncation of nan leaves no latents."),
    (["--truncation=some"], "--truncation: 'some' is not a number."),
    (["--truncation_sweep=1,0"], "--truncation_sweep: a truncation of 0 leaves no latents."),
    (["--truncation_sweep="], "--truncation_sweep: '' is not a number."),
    (["--truncation_sweep=1", "--truncation=1"], "--truncation and --truncation_sweep exclude"),
    (["--truncation_sweep=1", "--num=1"], "--num and --truncation_sweep exclude"),
    (["--truncation_sweep=1", "--out=a.npz"], "with --truncation_sweep the name must end in .png."),
    (["--interpolate=colours"], "--interpolate: invalid choice: 'colours'"),
    (["--interpolate=latents"], "--interpolate=latents: needs the seeds to pass"),
    (["--interpolate=latents", "--seeds=3"], "--seeds=3: --interpolate=latents needs at least"),
    (["--interpolate=classes"], "--interpolate=classes: needs the classes to pass"),
    (["--interpolate=classes", "--class=3"], "--class=3: --interpolate=classes needs at least two"),
    (["--interpolate=classes", "--class=1,2", "--num=2"], "--num and --interpolate exclude"),
    (["--interpolate=classes", "--class=1,2", "--frames=1"], "--frames=1: must be at least 2."),
    (
        ["--interpolate=classes", "--class=1,2", "--out=folder"],
        "--out=folder: with --interpolate the name must end in .png or .gif.",
    ),
    (["--frames=3"], "--frames=3: only for --interpolate."),
    (["--out=x.txt"], "--out=x.txt: no .txt can be written. Expected a name that ends in .png"),
    (["--out=a.png", "--out=digits.jpeg"], "--out=digits.jpeg: no .jpeg can be written."),
    (["--out=x.tar.gz", "--interpolate=classes", "--class=1,2"], "x.tar.gz: no .gz can be written"),
    (["--out=a.gif"], "--out=a.gif: an animation needs --interpolate=latents or classes."),
    (["--out=a.png", "--out=./a.png"], "--out=./a.png: given twice."),
    (["--out=a.png", "--num=50000"], "megapixels, more than 89. Draw fewer, or let --out name"),
    (["--class=10"], "--class=10: the model has 10 classes, 0 to 9."),
    (["--class=-1"], "--class=-1: the model has 10 classes, 0 to 9."),
    (["--class=sevn"], "--class=sevn: no such class. Did you mean seven (7)?"),
    (["--step=3"], "no checkpoint of step 3."),
    (["--ham=cd"], "digits: ham is nmf, but cd was given."),
    (["--preset=hamgan_strong"], "digits: image_size is 16, but 128 was given."),
    (["--preset=strong"], "--preset=strong: unknown."),
    (["--model=nowhere"], "nowhere: there is no such file or folder"),
    (["--stepz=3"], "--stepz: no such flag. Did you mean --step?"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG_FLAGS)
def test_wrong_flags(generate, arguments, message):
    status, out, error = generate(*arguments)
    assert (status, out) == (1, "")
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert os.listdir(".") == []


def test_ambiguous_and_unknown_names(generate, imagenet_run):
    for text, message in (
        ("crane", "--class=crane: names 2 classes: 134 n02012849 crane; 517 n03126707 crane."),
        ("goldfsh", "--class=goldfsh: no such class. Did you mean goldfish (1), "),
    ):
        status, _, error = generate(f"--model={imagenet_run}", f"--class={text}")
        assert status == 1
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("full", "--out=full: the folder is not empty. Choose a new one."),
        (
            "full/file",
            "--out=full/file: this is a file, and of no kind known here. Expected a name",
        ),
        ("full/file/a.png", "full/file is no folder that can be written to."),
        ("full/file/deep/folder", "full/file is no folder that can be written to."),
        ("a.png", "--out=a.png: this is a folder. Expected a file to write."),
        ("a.npz", "--out=a.npz: this is a folder. Expected a file to write."),
    ],
)
def test_targets_that_cannot_be_written(generate, tmp_path, out, message):
    for folder in ("full", "a.png", "a.npz"):
        (tmp_path / folder).mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    status, _, error = generate(f"--out={out}")
    assert status == 1
    assert message in error
    assert error.count("\n") == 1
    assert (tmp_path / "full" / "file").read_text() == "mine"
    assert sorted(os.listdir(".")) == ["a.npz", "a.png", "full"]
    assert os.listdir("full") == ["file"]


def test_a_run_that_is_cut_short_leaves_nothing(generate, monkeypatch, tmp_path):
    import gan.sampling.sampler

    real = gan.sampling.sampler.sample_images

    def fail(*arguments):
        yield next(real(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(gan.sampling.sampler, "sample_images", fail)
    (tmp_path / "a.npz").write_text("old")
    status, out, error = generate("--out=a.npz", "--out=folder", "--out=a.png")
    assert (status, out) == (130, "")
    assert os.listdir(".") == ["a.npz"]
    assert (tmp_path / "a.npz").read_text() == "old"


@pytest.mark.parametrize(
    ("failing", "out", "kept"),
    [
        ("folder.to_png", "folder", []),  # while images are drawn
        ("writer.write_atomically", "a.png", ["folder"]),  # when all are
    ],
)
def test_a_target_that_cannot_be_written_is_named(generate, monkeypatch, failing, out, kept):
    def fail(*arguments):
        raise OSError(28, "No space left on device", ".unfinished-something")

    monkeypatch.setattr(f"gan.image_files.{failing}", fail)
    np.savez("a.npz", mine=1)
    before = os.listdir(".")
    status, _, error = generate("--num=2", "--out=a.npz", "--out=a.png", "--out=folder")
    assert status == 1
    rest = "Kept: folder." if kept else "Nothing was kept."
    assert error == f"error: {out}: cannot be written (No space left on device). {rest}\n"
    assert sorted(os.listdir(".")) == before + kept
    assert list(np.load("a.npz")) == ["mine"]


def test_weights_that_cannot_be_read_are_no_fault_of_the_target(generate, monkeypatch):
    import checkpoints.loading

    def fail(*arguments, **kwargs):
        raise OSError(5, "Input/output error", "model.ckpt-7.data")

    monkeypatch.setattr(checkpoints.loading, "load_opened", fail)
    status, _, error = generate("--out=a.png", "--out=folder")
    assert (status, error) == (1, "error: model.ckpt-7.data: Input/output error.\n")
    assert os.listdir(".") == []


def of_folders(*names):
    """The configuration of a run of class folders."""
    config = smoke().replace({"dataset": "/data", "num_classes": len(names)})
    return config.with_found(class_names=names)


def test_class_folders_by_name_also_from_a_converted_model(generate, tmp_path):
    names = ("cats, small", "dogs", os.fsdecode(b"\xe9"))
    run = write_run(tmp_path / "run", of_folders(*names))
    convert(run, str(tmp_path / "converted"))
    for model in (run, "converted"):
        pictures = []
        for label, text in enumerate((names[0], "dogs", names[2])):
            status, _, error = generate(
                f"--run={model}", f"--class={text}", "--num=1", f"--out={label}.png"
            )
            assert (status, error.split("=")[0]) == (0, f"Classes: {label}")
            pictures.append((tmp_path / f"{label}.png").read_bytes())
            assert generate(f"--run={model}", f"--class={label}", "--num=1", "--out=b.png")[0] == 0
            assert (tmp_path / "b.png").read_bytes() == pictures[-1]
        assert len(set(pictures)) == 3
        status, _, error = generate(f"--run={model}", "--class=dgos", "--num=1")
        assert (status, error) == (
            1,
            "error: --class=dgos: no such class. Did you mean dogs (1)?\n",
        )
        assert (
            generate(f"--run={model}", "--num=3", f"--out={tmp_path}/all_of_{model[-3:]}")[0] == 0
        )
    assert sorted(os.listdir(tmp_path / "all_of_ted")) == [
        "class_0_cats_small_seed_000000.png",
        "class_1_dogs_seed_000001.png",
        "class_2_udce9_seed_000002.png",
    ]


def test_a_folders_number_is_the_class(generate, tmp_path):
    run = write_run(tmp_path / "run", of_folders(*map(str, range(1, 11))))
    status, out, error = generate(f"--run={run}", "--class=10", "--num=1")
    assert (status, error) == (0, "Classes: 9=10\n")
    assert "class_10_num_1_seed_0_step_7.png" in out
    status, out, error = generate(f"--run={run}", "--class=9-10", "--num=2", "--out=a.npz")
    assert np.load(tmp_path / "a.npz")["arr_1"].tolist() == [8, 9]
    status, _, error = generate(f"--run={run}", "--class=0", "--num=1")
    assert status == 1
    assert error.startswith("error: --class=0: no such class. Expected a name of 0=1, 1=2, ")
