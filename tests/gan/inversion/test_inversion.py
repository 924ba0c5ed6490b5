"""Inversion: known latents and classes are found again, and the command around it."""

import functools
import os

import numpy as np
import pytest
import tensorflow as tf
from conftest import write_checkpoint
from PIL import Image
from released_checkpoint import write_small

import gan.invert
from gan.image_files.grid import to_uint8
from gan.inversion.optimisation import Inverter, invert
from gan.inversion.picture import draw_inversion
from gan.inversion.settings import InversionError, InversionSettings
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import smoke
from gan.run_folder import RunFolder
from gan.sampling.latents import draw_latent

MODEL = smoke().model
LABEL = 3


def random_weights():
    """Network to path to value; the gates are not zero, and every class is another."""
    random = np.random.RandomState(0)
    return {
        name: {
            path: np.float32(random.rand(*weight.shape) - (0.5 if weight.trainable else 0.0))
            for path, weight in weights_by_path(make(MODEL)).items()
        }
        for name, make in (("generator", make_generator), ("discriminator", make_discriminator))
    }


@pytest.fixture(scope="module")
def networks():
    """Generator and discriminator with random weights."""
    models = make_generator(MODEL), make_discriminator(MODEL)
    for model, values in zip(models, random_weights().values()):
        for path, weight in weights_by_path(model).items():
            weight.assign(values[path])
    return models


@pytest.fixture(scope="module")
def known_latent():
    return np.random.RandomState(5).randn(MODEL.z_dim).astype(np.float32)


@pytest.fixture(scope="module")
def target(networks, known_latent):
    """An image that the generator draws of the known latent and `LABEL`."""
    generator, _ = networks
    return generator([known_latent[None], np.array([LABEL])], training=False).numpy()[0]


def mean_square(x):
    return float(np.mean(np.square(x)))


def test_finds_an_image_of_the_generators_own(networks, target):
    generator, _ = networks
    # Without the penalty the known latent is a minimum with the loss 0.
    result = invert(*networks, target, [LABEL], InversionSettings(steps=150, prior_weight=0.0))
    assert result.losses.total < result.history.total[0] / 1000
    assert mean_square(result.image - target) < mean_square(target - target.mean()) / 1000
    # What is said of the result is true of it.
    np.testing.assert_allclose(mean_square(result.image - target), result.losses.pixel, atol=1e-8)
    again = generator([result.latent[None], np.array([result.label])], training=False)
    np.testing.assert_allclose(again[0], result.image, atol=1e-5)
    assert result.losses.total == result.history.total.min()


def test_features_alone_lead_there_too(networks, target):
    settings = InversionSettings(steps=150, pixel_weight=0.0, feature_weight=1.0, prior_weight=0.0)
    result = invert(*networks, target, [LABEL], settings)
    assert result.losses.feature < result.history.feature[0] / 100
    assert result.losses.pixel < result.history.pixel[0] / 30


def test_the_features_are_those_of_every_block(networks, target):
    """Written out: relative to the target's own size, averaged over the maps."""
    _, discriminator = networks
    inverter = Inverter(*networks, target, InversionSettings())
    latents = np.ones([2, MODEL.z_dim], np.float32)
    labels = np.array([LABEL, LABEL + 1])
    losses = inverter.losses(tf.constant(latents), labels)
    images = inverter.images(latents, labels)
    found, wanted = discriminator.feature_maps(images), discriminator.feature_maps(target[None])
    assert len(found) == 4  # two that halve, the hamburger, one of the same size
    for sample in range(2):
        errors = [mean_square(f[sample] - w[0]) / mean_square(w[0]) for f, w in zip(found, wanted)]
        np.testing.assert_allclose(losses.feature[sample], np.mean(errors), rtol=1e-3)
        pixel = mean_square(images[sample] - target)
        np.testing.assert_allclose(losses.pixel[sample], pixel, rtol=1e-4)
    expected = losses.pixel + 0.1 * losses.feature  # ones have the mean square 1: no penalty
    np.testing.assert_allclose(losses.total, expected, rtol=1e-5)


def test_the_discriminator_is_its_feature_maps_and_two_readings(networks, target):
    _, discriminator = networks
    images, labels = np.stack([target, -target]), np.array([LABEL, 0])
    x, maps = tf.constant(images), []
    before = discriminator.blocks_before_ham
    for block in discriminator.down_blocks[:before]:
        x = block(x)
        maps.append(x)
    x = discriminator.hamburger(x, training=False)
    maps.append(x)
    for block in discriminator.down_blocks[before:]:
        x = block(x)
        maps.append(x)
    for ours, expected in zip(discriminator.feature_maps(images, training=False), maps):
        np.testing.assert_array_equal(ours, expected)
    sums = tf.reduce_sum(tf.nn.relu(x), axis=[1, 2])
    projection = tf.reduce_sum(sums * discriminator.embedding(labels), axis=1, keepdims=True)
    logits = discriminator([images, labels], training=False)
    np.testing.assert_array_equal(logits, discriminator.dense(sums) + projection)


def test_finds_the_class(networks, target):
    settings = InversionSettings(steps=80, prior_weight=0.0)
    result = invert(*networks, target, range(MODEL.num_classes), settings)
    assert result.label == LABEL
    assert set(result.class_losses) == set(range(10))
    wrong = [loss for label, loss in result.class_losses.items() if label != LABEL]
    assert result.losses.total == result.class_losses[LABEL] < min(wrong) / 5


def test_classes_and_starts_do_not_touch_each_other(networks, target):
    """Few steps: what float32 rounds differently in another batch grows with every one."""
    settings = InversionSettings(steps=3, starts=2)
    together = invert(*networks, target, [1, 6], settings).class_losses
    for label, loss in together.items():
        alone = invert(*networks, target, [label], settings).class_losses
        np.testing.assert_allclose(alone[label], loss, rtol=1e-3)


def test_long_latents_are_paid_for(networks, known_latent):
    generator, _ = networks
    long = 3 * known_latent
    image = generator([long[None], np.array([LABEL])], training=False).numpy()[0]

    def length(prior_weight):
        settings = InversionSettings(steps=100, starts=2, prior_weight=prior_weight)
        return mean_square(invert(*networks, image, [LABEL], settings).latent)

    assert abs(length(100.0) - 1) < 0.05 < abs(length(0.0) - 1)


def test_steps_are_reported_kept_and_traced_once(networks, target, monkeypatch):
    calls, reports = [], []
    losses = Inverter.losses
    monkeypatch.setattr(Inverter, "losses", lambda *args: calls.append(1) or losses(*args))
    settings = InversionSettings(steps=5, starts=1, seed=9)
    result = invert(
        *networks, target, [LABEL], settings, [0, 5], lambda *report: reports.append(report)
    )
    assert len(calls) == 2  # the trace, and the last measurement
    assert [step for step, _ in reports] == [1, 2, 3, 4, 5]
    lowest = [loss for _, loss in reports]
    assert lowest == sorted(lowest, reverse=True)
    assert lowest[-1] == result.losses.total
    assert all(len(losses) == 6 for losses in result.history)
    for step, image in result.snapshots.items():
        np.testing.assert_allclose(
            mean_square(image - target), result.history.pixel[step], rtol=1e-3
        )
    assert set(result.snapshots) == {0, 5}
    start = draw_latent(9, MODEL.z_dim)[None]
    first = networks[0]([start, np.array([LABEL])], training=False)[0]
    np.testing.assert_allclose(result.snapshots[0], first, atol=1e-5)


def test_seeds(networks, target):
    def latent(seed):
        settings = InversionSettings(steps=4, starts=2, seed=seed)
        return invert(*networks, target, [LABEL], settings).latent

    assert np.array_equal(latent(0), latent(0))
    assert not np.allclose(latent(0), latent(1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (dict(steps=0), "--steps=0: must be at least 1."),
        (dict(starts=0), "--starts=0: must be at least 1."),
        (dict(seed=-1), "--seed=-1: must be in [0, 2147483648)."),
        (dict(learning_rate=0.0), "--learning_rate=0.0: must be positive and finite."),
        (dict(learning_rate=float("nan")), "--learning_rate=nan: must be positive and finite."),
        (dict(pixel_weight=-1.0), "--pixel_weight=-1.0: must be finite and not negative."),
        (dict(feature_weight=float("inf")), "--feature_weight=inf: must be finite and not neg"),
        (dict(prior_weight=float("nan")), "--prior_weight=nan: must be finite and not negative."),
        (
            dict(pixel_weight=0.0, feature_weight=0.0),
            "--pixel_weight=0.0: must be positive where --feature_weight is 0",
        ),
    ],
)
def test_settings_that_cannot_work(values, message):
    with pytest.raises(InversionError) as caught:
        InversionSettings(**values)
    assert str(caught.value).startswith(message)


def test_an_image_of_another_size(networks):
    with pytest.raises(InversionError, match=r"shape \[8, 8, 1\], the generator's are \[16, 16, 1"):
        invert(*networks, np.zeros([8, 8, 1]), [0], InversionSettings())


def test_nothing_to_compare(networks, target):
    generator, _ = networks
    settings = InversionSettings(pixel_weight=0.0)
    with pytest.raises(InversionError, match="--pixel_weight=0: must be positive without a disc"):
        invert(generator, None, target, [0], settings)


def test_a_model_that_is_not_finite(target):
    generator = make_generator(MODEL)
    generator.to_image.bias.assign([np.nan])
    settings = InversionSettings(steps=1, starts=1)
    with pytest.raises(InversionError, match="No loss is finite, not even at the start"):
        invert(generator, None, target, [0], settings)


@pytest.fixture
def run_invert(run_main):
    """Runs the command in this process; returns exit status, standard output and error."""

    return functools.partial(run_main, gan.invert.main)


def write_run(path, config, scopes):
    """A run folder whose checkpoint holds random weights of some networks."""
    run = RunFolder(str(path))
    run.write_config(config)
    weights = random_weights()
    variables = {
        f"{scope}/{scope.lower()}/{name}": value
        for scope in scopes
        for name, value in weights[scope.lower()].items()
    }
    write_checkpoint(os.path.join(run.checkpoint_dir, "model.ckpt-7"), variables)
    return path


@pytest.fixture(scope="module")
def untrained_run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "untrained"
    return write_run(path, smoke(), ["Generator", "Discriminator"])


@pytest.fixture(scope="module")
def image_path(tmp_path_factory, target):
    path = tmp_path_factory.mktemp("images") / "drawn.png"
    Image.fromarray(to_uint8(target)[..., 0]).save(path)
    return path


def test_command(run_invert, untrained_run, image_path, target, networks, tmp_path):
    """Default places, all classes, the same bytes again."""
    flags = [f"--run={untrained_run}", f"--image={image_path}", "--steps=60", "--starts=2"]
    status, out, error = run_invert(*flags)
    assert (status, error) == (0, "")
    picture_path = untrained_run / "samples" / "inverted_drawn.png"
    latent_path = untrained_run / "samples" / "inverted_drawn.npz"
    assert f"step 7: {picture_path}, {latent_path}" in out
    assert out.startswith(f"class {LABEL} (loss 0.")
    assert "of 10 classes tried the next is" in out
    assert "feature error" in out

    # Six images of 16 pixels, enlarged six times, under two lines of caption.
    with Image.open(picture_path) as picture:
        assert picture.size == (6 * 98 + 2, 98 + 2 + 28)
        pixels = np.asarray(picture)[28:, :, 0]
    shown = pixels[2 + 3 : 98 : 6, 2 + 3 : 98 : 6]
    assert np.array_equal(shown, to_uint8(target)[..., 0])
    result = pixels[2 + 3 : 98 : 6, 5 * 98 + 2 + 3 : 6 * 98 : 6]

    archive = np.load(latent_path)
    assert archive["label"] == LABEL
    assert archive["total_loss"].shape == archive["pixel_loss"].shape == (61,)
    assert archive["classes"].tolist() == list(range(10))
    assert archive["class_losses"].argmin() == LABEL
    generator, _ = networks
    drawn = generator([archive["z"][None], archive["label"][None]], training=False).numpy()[0]
    assert np.abs(to_uint8(drawn)[..., 0].astype(int) - result).max() <= 1  # float32 rounding
    assert mean_square(drawn - target) < mean_square(target - target.mean()) / 10

    status, out, _ = run_invert(*flags, f"--out={tmp_path / 'new' / 'again.PNG'}")
    assert status == 0
    assert (tmp_path / "new" / "again.PNG").read_bytes() == picture_path.read_bytes()
    assert (tmp_path / "new" / "again.npz").read_bytes() == latent_path.read_bytes()


def test_command_with_a_class_and_no_discriminator(run_invert, image_path, tmp_path):
    run = write_run(tmp_path / "run", smoke(), ["Generator"])
    flags = [f"--model={run}", f"--image={image_path}", "--class=four", "--steps=2"]
    status, out, error = run_invert(*flags)
    assert status == 0
    assert error == "The checkpoint has no discriminator: pixels alone are compared.\n"
    assert out.startswith("class 4: mean squared pixel error")
    assert "feature" not in out
    assert np.load(run / "samples" / "inverted_drawn.npz")["classes"].tolist() == [4]
    # Not asked for: nothing to say.
    assert run_invert(*flags, "--feature_weight=0")[2] == ""
    status, _, error = run_invert(*flags, "--pixel_weight=0")
    assert status == 1
    assert "error: --pixel_weight=0: must be positive without a discriminator" in error


def test_command_on_settings_that_a_checkpoint_does_not_tell(run_invert, image_path, tmp_path):
    """Of the authors' format; the variables of NMF and CD are the same."""
    released = tmp_path / "released"
    released.mkdir()
    write_small(released)
    flags = [f"--model={released}", f"--image={image_path}", "--class=1", "--steps=1"]

    def find(name, *settings):
        status, _, error = run_invert(*flags, f"--out={tmp_path / name}.png", *settings)
        assert status == 0, error
        return np.load(tmp_path / f"{name}.npz")["image"], error

    assumed, error = find("assumed")
    assert "assumed as published: ham=nmf, ham_steps=6" in error
    image, error = find("cd", "--ham=cd")
    assert "assumed as published: ham_steps=6" in error
    assert (image != assumed).any()


def test_command_help(run_invert):
    status, out, _ = run_invert("--help")
    assert status == 0
    for text in ("python -m gan.invert", "--model", "--run", "--class", "white digit"):
        assert text in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --image"),
        (["--image=IMAGE", "--step=0.5"], "--step: '0.5' is not an integer."),
        (["--image=IMAGE", "--step=8"], "no checkpoint of step 8. There are: 7."),
        (["--image=IMAGE", "--steps=0"], "--steps=0: must be at least 1."),
        (["--image=IMAGE", "--class=10"], "--class=10: the model has 10 classes, 0 to 9."),
        (["--image=IMAGE", "--class=fiv"], "--class=fiv: no such class. Did you mean five (5)"),
        (["--image=nothing.png"], "nothing.png: there is no such file. Expected an image."),
        ([f"--image={__file__}"], "test_inversion.py: no image that can be read. Expected PNG"),
        (["--image=IMAGE", "--out=a.jpg"], "--out=a.jpg: must end in .png"),
        (["--image=IMAGE", "--out=FOLDER.png"], "FOLDER.png is a folder. Give the name of a file"),
        (["--image=IMAGE", "--out=IMAGE/a.png"], "drawn.png is no folder that can be written to."),
        (["--image=IMAGE", "--out=IMAGE"], "is the image itself. Give another file to write."),
        (["--image=IMAGE", "--run=nowhere"], "nowhere"),
        (["--image=IMAGE", "--ham=cd"], "ham is nmf, but cd was given."),
    ],
)
def test_command_errors(
    run_invert, untrained_run, image_path, tmp_path, monkeypatch, arguments, message
):
    folder = tmp_path / "folder.png"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    arguments = [
        text.replace("IMAGE", str(image_path)).replace("FOLDER.png", str(folder))
        for text in arguments
    ]
    status, _, error = run_invert(f"--run={untrained_run}", *arguments)
    assert status == 1
    assert message.replace("FOLDER.png", str(folder)) in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == [folder]


def test_many_classes_are_not_tried(run_invert, image_path, tmp_path):
    config = smoke().replace(dict(num_classes=11))
    run = RunFolder(str(tmp_path / "run"))
    run.write_config(config)
    generator = make_generator(config.model)
    write_checkpoint(
        os.path.join(run.checkpoint_dir, "model.ckpt-1"),
        {
            f"Generator/generator/{path}": weight.numpy()
            for path, weight in weights_by_path(generator).items()
        },
    )
    status, _, error = run_invert(f"--run={run.path}", f"--image={image_path}", "--steps=1")
    assert status == 1
    assert "--class: must be given. The model has 11 classes; all are tried only where" in error
    assert error.count("\n") == 1


def test_captions_are_drawn(networks, target):
    result = invert(
        *networks, target, [LABEL], InversionSettings(steps=2, starts=1), snapshot_steps=[0]
    )
    picture = np.asarray(draw_inversion(target, result))
    caption = picture[:28]
    # Two lines above each image but the target, which has one.
    for column, lines in enumerate((1, 2, 2)):
        dark = (caption[:, column * 98 : (column + 1) * 98] < 128).any(axis=(1, 2))
        assert dark[2:14].any()
        assert dark[16:26].any() == (lines == 2)
