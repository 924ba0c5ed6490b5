"""Images by class, seed and truncation: the same to the last bit, whatever is drawn beside them."""

import numpy as np
import pytest
import tensorflow as tf

from gan.generator import Generator
from gan.sampling.image_plan import Sample
from gan.sampling.latents import draw_latent, interpolate_latents
from gan.sampling.sampler import sample_images

CLASSES, Z_DIM = 5, 7


def random_generator(image_size, base_channels):
    generator = Generator(
        image_size,
        num_classes=CLASSES,
        z_dim=Z_DIM,
        base_channels=base_channels,
        ham_channels=2 * base_channels,
        ham_rank=4,
    )
    random = np.random.RandomState(0)
    for weight in generator.weights:
        if weight.name.split("/")[-1].split(":")[0] in ("gamma", "beta", "gate"):
            weight.assign(random.rand(*weight.shape))
    return generator


@pytest.fixture(scope="module")
def generator():
    return random_generator(16, 12)


def draw(generator, samples, batch_size=64):
    drawn = list(sample_images(generator, iter(samples), Z_DIM, CLASSES, batch_size))
    assert [sample for sample, _ in drawn] == list(samples)
    return np.stack([image for _, image in drawn])


def samples_of(count):
    return [Sample(index % CLASSES, index) for index in range(count)]


def test_images_are_the_generator_s(generator):
    samples = samples_of(6)
    latents = np.stack([draw_latent(sample.seed, Z_DIM) for sample in samples])
    labels = np.array([sample.label for sample in samples])
    images = draw(generator, samples)
    np.testing.assert_allclose(images, generator([latents, labels], training=False), atol=1e-5)
    assert images.dtype == np.float32


@pytest.mark.parametrize("size", [16, 128])
def test_no_bit_depends_on_the_batch_or_on_other_images(generator, size):
    """Which a plain batch does not give: an image's place in it decides how it is rounded."""
    if size != 16:
        generator = random_generator(size, 8)
    samples = samples_of({16: 70, 128: 9}[size])
    images = draw(generator, samples)
    for batch_size in (1, 5, 64):
        order = np.random.RandomState(batch_size).permutation(len(samples))
        again = draw(generator, [samples[index] for index in order], batch_size)
        np.testing.assert_array_equal(again, images[order])
    np.testing.assert_array_equal(draw(generator, samples[3:4])[0], images[3])


def test_truncation(generator):
    plain, truncated = draw(generator, [Sample(1, 2), Sample(1, 2, truncation=0.3)])
    latent = draw_latent(2, Z_DIM, 0.3)[None]
    np.testing.assert_allclose(truncated[None], generator([latent, tf.constant([1])]), atol=1e-5)
    assert np.abs(plain - truncated).max() > 0.01


def test_between_two_latents(generator):
    positions = (0.0, 0.25, 1.0)
    images = draw(generator, [Sample(3, 1, to_seed=4, position=p) for p in positions])
    ends = draw(generator, [Sample(3, 1), Sample(3, 4)])
    np.testing.assert_array_equal(images[[0, 2]], ends)
    latent = interpolate_latents(draw_latent(1, Z_DIM), draw_latent(4, Z_DIM), 0.25)[None]
    np.testing.assert_allclose(images[1:2], generator([latent, tf.constant([3])]), atol=1e-5)


def test_between_two_classes(generator):
    positions = (0.0, 0.25, 1.0)
    images = draw(generator, [Sample(3, 1, to_label=0, position=p) for p in positions])
    ends = draw(generator, [Sample(3, 1), Sample(0, 1)])
    np.testing.assert_allclose(images[[0, 2]], ends, atol=1e-6)
    weights = np.float32([[0.25, 0, 0, 0.75, 0]])
    latent = draw_latent(1, Z_DIM)[None]
    np.testing.assert_allclose(images[1:2], generator([latent, weights]), atol=1e-5)
    assert np.abs(images[0] - images[2]).max() > 0.01


def test_samples_are_taken_as_they_are_needed(generator):
    def endless():
        seed = 0
        while True:
            yield Sample(0, seed)
            seed += 1

    images = sample_images(generator, endless(), Z_DIM, CLASSES, batch_size=2)
    assert [next(images)[0].seed for _ in range(3)] == [0, 1, 2]


def test_nothing_asked_for(generator):
    assert list(sample_images(generator, [], Z_DIM, CLASSES)) == []
