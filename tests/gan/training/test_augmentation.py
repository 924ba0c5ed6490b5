"""Differentiable augmentation: what each policy does to images, gradients and seeds."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from gan.config.training import AUGMENTATIONS
from gan.training.augmentation import make_augmentation

POLICIES = [
    ",".join(names) for count in (1, 2, 3) for names in itertools.combinations(AUGMENTATIONS, count)
]
SIZE, MOST = 16, 2  # pixels; an eighth


def images(batch=6, channels=3, size=SIZE):
    random = np.random.RandomState(0)
    return np.float32(random.rand(batch, size, size, channels) * 2 - 1)


def augmented(policy, x, seed=(1, 2)):
    return make_augmentation(policy)(tf.constant(x), tf.constant(seed, tf.int32)).numpy()


def test_no_policy_is_no_function():
    assert make_augmentation("") is None


def test_an_unknown_policy():
    with pytest.raises(ValueError, match="any of color, translation, cutout.*'color,blur'"):
        make_augmentation("color,blur")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("channels", "size"), [(1, 16), (3, 32)])
def test_shape_dtype_and_change(policy, channels, size):
    x = images(4, channels, size)
    y = augmented(policy, x)
    assert (y.shape, y.dtype) == (x.shape, x.dtype)
    assert all((a != b).any() for a, b in zip(x, y))


@pytest.mark.parametrize("policy", POLICIES)
def test_the_same_eagerly_in_a_graph_and_under_xla(policy):
    augment, seed = make_augmentation(policy), tf.constant([3, 4])
    x = tf.constant(images())
    eager = augment(x, seed)
    np.testing.assert_array_equal(tf.function(augment)(x, seed), eager)
    # XLA may sum the means of color in another order, and fuse products with sums.
    atol = 2e-6 if "color" in policy else 0
    np.testing.assert_allclose(
        tf.function(augment, jit_compile=True)(x, seed), eager, rtol=0, atol=atol
    )


def test_gradient_under_xla_and_of_an_unknown_batch():
    augment, x = make_augmentation(",".join(AUGMENTATIONS)), tf.constant(images())
    seed = tf.constant([3, 4])

    def gradient(x, seed):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(augment(x, seed) ** 2)
        return tape.gradient(loss, x)

    eager = gradient(x, seed)
    signature = [tf.TensorSpec([None, SIZE, SIZE, 3]), tf.TensorSpec([2], tf.int32)]
    unknown = tf.function(gradient, input_signature=signature)
    compiled = tf.function(gradient, jit_compile=True)
    np.testing.assert_allclose(unknown(x, seed), eager, atol=1e-5)
    np.testing.assert_allclose(compiled(x, seed), eager, atol=1e-5)


@pytest.mark.parametrize("policy", POLICIES)
def test_gradient_equals_finite_differences(policy):
    augment, seed = make_augmentation(policy), tf.constant([5, 6])
    x = tf.constant(images(2, size=8), tf.float64)
    random = np.random.RandomState(1)
    weights = random.randn(*x.shape)

    def loss(x):
        return tf.reduce_sum(weights * augment(x, seed) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    gradient = tape.gradient(value, x).numpy()
    for _ in range(3):
        direction = random.randn(*x.shape)
        difference = (loss(x + 1e-5 * direction) - loss(x - 1e-5 * direction)) / 2e-5
        np.testing.assert_allclose(np.sum(gradient * direction), difference, rtol=1e-7)


def test_color_keeps_what_its_definition_keeps():
    """Brightness moves the mean by up to 0.5; saturation and contrast leave it where it is."""
    x = images(1000, size=8)
    y = augmented("color", x)
    shift = (y - x).mean((1, 2, 3))
    assert -0.5 <= shift.min() < -0.49
    assert 0.49 < shift.max() < 0.5
    # Of a uniform law on [-0.5, 0.5]; the mean of 1000 draws is within 4 standard errors.
    assert abs(shift.mean()) < 4 * 12**-0.5 / 1000**0.5
    assert shift.std() == pytest.approx(12**-0.5, rel=0.05)
    grey, grey_before = y.mean(3), x.mean(3)
    contrast = grey.std((1, 2)) / grey_before.std((1, 2))
    assert 0.5 <= contrast.min() < 0.51
    assert 1.49 < contrast.max() <= 1.5 + 1e-5
    colour = (y - grey[..., None]).std((1, 2, 3)) / (x - grey_before[..., None]).std((1, 2, 3))
    saturation = colour / contrast
    assert 0 <= saturation.min() < 0.01
    assert 1.99 < saturation.max() <= 2 + 1e-5


def test_saturation_leaves_grey_images_alone():
    """Of grey images colour changes brightness and contrast: an affine map per image."""
    x = images(20, channels=1)
    y = augmented("color", x)
    for before, after in zip(x, y):
        slope, intercept = np.polyfit(before.ravel(), after.ravel(), 1)
        assert 0.5 <= slope <= 1.5
        np.testing.assert_allclose(slope * before + intercept, after, atol=1e-5)
    repeated = augmented("color", np.repeat(x, 3, axis=3))
    np.testing.assert_allclose(repeated, np.repeat(y, 3, axis=3), atol=1e-6)


def moved(image, down, right):
    """The image moved by whole pixels, with zeros where there was nothing."""
    padded = np.pad(image, [[MOST, MOST], [MOST, MOST], [0, 0]])
    return padded[MOST - down :, MOST - right :][:SIZE, :SIZE]


def test_translation_shifts_exactly_and_reaches_every_place():
    x = images(400, channels=1)
    shifts = range(-MOST, MOST + 1)
    found = []
    for before, after in zip(x, augmented("translation", x)):
        fits = [s for s in itertools.product(shifts, shifts) if (moved(before, *s) == after).all()]
        assert len(fits) == 1
        found += fits
    # Of 400 draws of 25 places; a place is missed by chance once in 500,000 such tests.
    assert set(found) == set(itertools.product(shifts, shifts))


def test_cutout_covers_a_square_of_half_the_size():
    x = images(400, channels=2)
    y = augmented("cutout", x)
    covered = y == 0
    np.testing.assert_array_equal(covered[..., 0], covered[..., 1])
    np.testing.assert_array_equal(y[~covered], x[~covered])
    corners = set()
    for mask in covered[..., 0]:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask.sum() == len(rows) * len(columns)
        for line in (rows, columns):
            touches_edge = line[0] == 0 or line[-1] == SIZE - 1
            assert len(line) == SIZE // 2 or (touches_edge and SIZE // 4 <= len(line) < SIZE // 2)
            assert (np.diff(line) == 1).all()
        corners.add((rows[0], rows[-1]))
    assert len(corners) == SIZE + 1  # every centre


@pytest.mark.parametrize("policy", AUGMENTATIONS)
def test_seeds(policy):
    """A seed gives the same draws again; another one, and another sample, gives others."""
    x = np.repeat(images(1), 8, axis=0)
    first = augmented(policy, x, (7, 0))
    np.testing.assert_array_equal(augmented(policy, x, (7, 0)), first)
    for seed in ((7, 1), (8, 0)):
        same = [(a == b).all() for a, b in zip(augmented(policy, x, seed), first)]
        assert sum(same) < 4
    assert len({image.tobytes() for image in first}) > 4


def test_a_policy_does_the_same_beside_others():
    """The draws of one do not depend on which others are applied."""
    x = images()
    both = augmented("translation,cutout", x)
    np.testing.assert_array_equal(both, augmented("cutout", augmented("translation", x)))
    np.testing.assert_array_equal(both, augmented("cutout,translation", x))
