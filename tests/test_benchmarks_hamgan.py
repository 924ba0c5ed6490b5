"""The naive networks compute what ours do, and the benchmark prints and writes its figures."""

import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import needs_tfgan, relative_error, tf_variable

from benchmarks import hamgan, hamgan_contenders, naive_networks
from gan.config import ConfigError
from gan.networks import make_discriminator, make_generator, weights_by_path
from gan.presets import smoke
from gan.training.training_state import TrainingState
from ham_tf.layers.draw_seeds import DrawSeeds

_SEED = [3, 4]


@pytest.fixture
def same_bases(monkeypatch):
    """The hams of both kinds of networks draw the same bases."""
    monkeypatch.setattr(DrawSeeds, "next", lambda self: tf.constant(_SEED))

    def draw_bases(ham, shape):
        batch, channels, rank = shape
        shape = [batch, 1, channels, rank]
        return ham.make_decomposition().draw_bases(shape, _SEED, tf.float64)[:, 0]

    monkeypatch.setattr(naive_networks, "draw_bases", draw_bases)


def _equal_pair(make):
    """Two networks with equal weights, in float64: batch norm can magnify rounding."""
    pair = [make(smoke().model, dtype="float64") for _ in range(2)]
    random = np.random.RandomState(0)
    weights = [weights_by_path(network) for network in pair]
    for path, weight in weights[0].items():
        # Away from ones and zeros, above all the gate, which shuts the ham out.
        value = np.array(weight) + 0.1 * random.uniform(size=weight.shape)
        for of_network in weights:
            of_network[path].assign(value)
    return pair


def _output_and_gradients(network, model, inputs):
    variables = [tf_variable(weight) for weight in model.trainable_weights]
    with tf.GradientTape() as tape:
        outputs = network(inputs, training=True)
        loss = tf.reduce_sum(tf.sin(outputs))
    return outputs, [tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)]


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_naive_networks_compute_the_same(same_bases, kind):
    model, copy = _equal_pair(make_generator if kind == "generator" else make_discriminator)
    generated, real = hamgan_contenders.random_batch(smoke())
    array = generated["latents"] if kind == "generator" else real["images"]
    inputs = [tf.cast(array[0], tf.float64), real["labels"][0]]
    naive = getattr(naive_networks, f"Naive{kind.capitalize()}")(copy)
    expected, expected_gradients = _output_and_gradients(model, model, inputs)
    actual, gradients = _output_and_gradients(naive, copy, inputs)
    assert relative_error(actual, expected) < 1e-9
    largest = max(float(tf.reduce_max(tf.abs(gradient))) for gradient in expected_gradients)
    for gradient, wanted in zip(gradients, expected_gradients):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-9 * largest)
    # Ours stores singular vectors when told to, the naive one when called.
    model.update_spectral_norms()
    stored = weights_by_path(copy)
    for path, weight in weights_by_path(model).items():
        np.testing.assert_allclose(np.array(stored[path]), np.array(weight), 1e-6, 1e-9, path)


def test_other_hams_have_no_naive_form():
    state = TrainingState(smoke().replace(dict(ham="cd")))
    with pytest.raises(ValueError, match="have an NMF of one group, version 1. Received: CDLayer"):
        naive_networks.NaiveGenerator(state.generator)


def test_size_scales_networks():
    model = hamgan_contenders.configuration("hamgan_strong:16:8").model
    assert (model.generator_channels, model.discriminator_channels) == (16, 16)
    assert (model.generator_hamburger.channels, model.generator_hamburger.rank) == (64, 8)
    assert (model.discriminator_hamburger.channels, model.discriminator_hamburger.rank) == (32, 4)
    assert hamgan_contenders.configuration("hamgan_strong:16:8").training.batch_size == 8
    with pytest.raises(ConfigError):
        hamgan_contenders.configuration("unheard_of")


def test_prints_tables_and_writes_json(tmp_path, capsys):
    path = tmp_path / "figures.json"
    contenders = ["distribute", "naive", "one_by_one", "naive_batch"]
    arguments = ["--sizes=smoke", f"--contenders={','.join(contenders)}", "--repetitions=1"]
    hamgan.main([*arguments, f"--json={path}"])
    figures = json.loads(path.read_text())
    assert [row["contender"] for row in figures["rows"]] == contenders
    assert all(row["ms"] > 0 and row["images_per_second"] > 0 for row in figures["rows"])
    by_name = {row["contender"]: row for row in figures["rows"]}
    ratio = by_name["naive"]["ms"] / by_name["distribute"]["ms"]
    assert by_name["distribute"]["times_naive"] == pytest.approx(ratio)
    assert "times_naive" not in by_name["one_by_one"]  # Its rival did not run.
    assert len(figures["parts"]) == 7
    printed = capsys.readouterr().out
    assert "| training, smoke, batch 8 | ms | images/s |" in printed
    assert "| sampling, smoke, batch 8 | ms | images/s |" in printed
    assert "| generator sub-step | " in printed
    without_times = hamgan.tables(figures, ratios_only=True)
    assert "| training, smoke, batch 8 | x naive's images/s |" in without_times


@needs_tfgan
def test_the_estimator_takes_its_turn():
    rows, parts = hamgan.measure("smoke", ["estimator"], repetitions=2, parts=False)
    assert parts == []
    assert rows[0]["images_per_second"] > 0


def test_the_estimator_is_skipped_elsewhere(monkeypatch):
    monkeypatch.delattr(tf, "estimator", raising=False)
    rows, _ = hamgan.measure("smoke", ["estimator", "batch"], repetitions=1, parts=False)
    assert "needs TensorFlow 2.15; this is" in rows[0]["skipped"]
    table = hamgan.tables({"machine": "", "rows": rows, "parts": []})
    assert "| estimator | skipped: needs TensorFlow 2.15" in table


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--sizes=digits:16", "digits:16 is neither PRESET nor PRESET:WIDTH:BATCH"),
        ("--sizes=digits:16:0", "digits:16:0 is neither"),
        ("--sizes=unheard_of", "--preset=unheard_of: unknown"),
        ("--contenders=fit", "{'fit'} are not among distribute, distribute_xla"),
        ("--repetitions=0", "--repetitions must be at least 1, not 0"),
    ],
)
def test_wrong_flags(capsys, flag, message):
    with pytest.raises(SystemExit):
        hamgan.parse([flag])
    assert message in capsys.readouterr().err
