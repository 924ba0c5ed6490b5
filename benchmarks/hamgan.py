"""Training and sampling of HamGAN against naive networks: python -m benchmarks.hamgan --help.

One process, one table for each size. The contenders take turns, and a figure is the median
of the rounds. A size is PRESET, or PRESET:WIDTH:BATCH for networks whose channels and ranks
are scaled from the preset's base width to WIDTH, and a batch of its own.

Training is a whole step of both networks, images/s the batch over its time: TrainingStep as
the distribute engine compiles it, plain or by XLA (_xla); the estimator engine's step, driven
by the estimator itself. Sampling is the generator at inference: a batch at once, or one image
beside the other as `gan.generate` draws them (one_by_one). The naive networks
(`benchmarks/naive_networks.py`) have the same weights and go through the same TrainingStep and
sampler. The table by part compares single parts of both in plain graphs.
"""

import argparse
import contextlib
import itertools
import json
import os
import sys
import tempfile
import threading
import types

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from benchmarks.documented_tables import machine, replace_tables, stack  # noqa: E402
from benchmarks.interleaved import interleaved_medians  # noqa: E402

# Each with the naive contender that runs the same way.
TRAINING = {
    "distribute": "naive",
    "distribute_xla": "naive_xla",
    "estimator": "naive",
    "naive": "naive",
    "naive_xla": "naive_xla",
}
SAMPLING = {
    "batch": "naive_batch",
    "batch_xla": "naive_batch_xla",
    "one_by_one": "naive_one_by_one",
    "naive_batch": "naive_batch",
    "naive_batch_xla": "naive_batch_xla",
    "naive_one_by_one": "naive_one_by_one",
}
CONTENDERS = (*TRAINING, *SAMPLING)
_SIZES = ("digits", "hamgan_strong:16:8")
_PART_NAMES = (
    "generator forward",
    "discriminator forward",
    "generator sub-step",
    "discriminator sub-step",
    "spectral norms",
    "ham of the generator",
    "optimizers",
)


def configuration(size):
    """The job of a size.

    Args:
        size: `PRESET` or `PRESET:WIDTH:BATCH`.

    Raises:
        ValueError: for a size of another form, or numbers below one.
        ConfigError: for an unknown preset.
    """
    from gan.presets import get_preset

    preset, *numbers = size.split(":")
    if len(numbers) not in (0, 2) or any(not n.isdigit() or int(n) < 1 for n in numbers):
        raise ValueError(f"{size} is neither PRESET nor PRESET:WIDTH:BATCH")
    config = get_preset(preset).replace(dict(engine="distribute", strategy="one_device"))
    if not numbers:
        return config
    width, batch = map(int, numbers)
    model = config.model
    scaled = {
        name: max(1, getattr(model, name) * width // model.generator_channels)
        for name in (
            "generator_channels",
            "discriminator_channels",
            "generator_ham_channels",
            "generator_ham_rank",
            "discriminator_ham_channels",
            "discriminator_ham_rank",
        )
    }
    return config.replace(dict(scaled, batch_size=batch))


def make_state(config, naive):
    """What `TrainingStep` trains: our networks, or the naive ones with the same first weights."""
    from tensorflow import keras

    from benchmarks.naive_networks import NaiveDiscriminator, NaiveGenerator
    from gan.training.training_state import TrainingState

    keras.utils.set_random_seed(0)
    state = TrainingState(config)
    if not naive:
        return state
    return types.SimpleNamespace(
        **{
            **vars(state),
            "generator": NaiveGenerator(state.generator),
            "discriminator": NaiveDiscriminator(state.discriminator),
        }
    )


def random_batch(config):
    """A step's batch, as `TrainingStep` takes it: of all sub-steps, `[sub-steps, batch, ...]`."""
    import tensorflow as tf

    model, training = config.model, config.training
    shape = [training.discriminator_steps + 1, training.batch_size]

    def labels(seed):
        classes = model.num_classes
        return tf.random.stateless_uniform(shape, [0, seed], maxval=classes, dtype=tf.int32)

    latents = tf.random.stateless_normal([*shape, model.z_dim], [0, 0])
    size = [model.image_size, model.image_size, model.image_channels]
    images = tf.random.stateless_uniform([*shape, *size], [0, 1], -1, 1)
    return {"latents": latents, "labels": labels(2)}, {"images": images, "labels": labels(3)}


def training_call(config, naive, xla):
    """A function that does one step in a graph."""
    import tensorflow as tf

    from gan.training.training_step import TrainingStep

    step = TrainingStep(make_state(config, naive), config.training.discriminator_steps)
    batch = random_batch(config)
    train = tf.function(lambda *batch: tf.stack(step(*batch)), autograph=False, jit_compile=xla)
    return lambda: train(*batch)


def sampling_call(config, naive, way):
    """A function that draws a batch of images at inference; `way`: batch, batch_xla, one_by_one."""
    import tensorflow as tf

    from gan.sampling.image_plan import Sample
    from gan.sampling.sampler import sample_images

    generator = make_state(config, naive).generator
    model, count = config.model, config.training.batch_size
    if way == "one_by_one":
        samples = (Sample(seed % model.num_classes, seed) for seed in itertools.count())
        images = sample_images(generator, samples, model.z_dim, model.num_classes, count)
        done = tf.zeros([])

        def draw_next():
            for _ in range(count):
                next(images)
            return done

        return draw_next
    batch, _ = random_batch(config)
    inputs = batch["latents"][0], batch["labels"][0]
    draw = tf.function(
        lambda *inputs: generator(list(inputs), training=False),
        autograph=False,
        jit_compile=way == "batch_xla",
    )
    return lambda: draw(*inputs)


@contextlib.contextmanager
def estimator_call(config):
    """A function that lets the estimator, which trains in a thread of its own, do one step."""
    import tensorflow as tf

    from gan.training.estimator_engine import make_estimator

    turn, done, problems = threading.Semaphore(0), threading.Semaphore(0), []
    closing = threading.Event()

    class TakeTurns(tf.estimator.SessionRunHook):
        def before_run(self, run_context):
            turn.acquire()
            if closing.is_set():
                run_context.request_stop()

        def after_run(self, run_context, run_values):
            done.release()

    def input_fn(params):
        def flat(tensor):
            return tf.reshape(tensor, [-1, *tensor.shape[2:]])

        del params
        return tf.data.Dataset.from_tensors(tf.nest.map_structure(flat, random_batch(config)))

    def train():
        try:
            with tempfile.TemporaryDirectory() as folder:
                estimator = make_estimator(config, folder)
                estimator.train(lambda params: input_fn(params).repeat(), hooks=[TakeTurns()])
        except Exception as problem:  # Said by the step that waits for it.
            problems.append(problem)
        done.release()

    thread, result = threading.Thread(target=train, daemon=True), tf.zeros([])
    thread.start()

    def step():
        turn.release()
        done.acquire()
        if problems:
            raise problems[0]
        return result

    try:
        step()  # Builds its graph while nobody else builds one: Keras keeps state for all threads.
        yield step
    finally:
        closing.set()
        turn.release()
        thread.join()


def part_calls(config, naive):
    """Functions that do one part of a step each, in plain graphs, by the names of the parts."""
    import tensorflow as tf

    from gan.layers.spectral_normalization import SpectralNormLayer
    from gan.training.training_step import TrainingStep

    state = make_state(config, naive)
    step = TrainingStep(state, config.training.discriminator_steps)
    generated, real = (
        {name: value[0] for name, value in tensors.items()} for tensors in random_batch(config)
    )
    networks = [state.generator, state.discriminator]
    ours = [getattr(network, "_ours", network) for network in networks]
    layers = [
        layer
        for network in ours
        for layer in network._flatten_layers()
        if isinstance(layer, SpectralNormLayer)
    ]
    pairs = [
        (optimizer, [tf.zeros(weight.shape) for weight in network.trainable_weights], network)
        for optimizer, network in zip(
            (state.generator_optimizer, state.discriminator_optimizer), networks
        )
    ]
    ham = _ham_call(ours[0].hamburger, config, naive)

    def spectral_norms():
        if naive:
            from benchmarks.naive_networks import normalized

            return [normalized(layer, training=True) for layer in layers]
        for network in networks:
            network.update_spectral_norms()
        return [layer.normalized_weight() for layer in layers]

    def optimizers():
        for optimizer, gradients, network in pairs:
            optimizer.apply_gradients(zip(gradients, network.trainable_weights))
        return tf.zeros([])

    parts = (
        lambda: networks[0]([generated["latents"], generated["labels"]], training=True),
        lambda: networks[1]([real["images"], real["labels"]], training=True),
        lambda: list(step.train_generator(generated).values()),
        lambda: list(step.train_discriminator(generated, real).values()),
        spectral_norms,
        ham,
        optimizers,
    )
    return {
        name: tf.function(part, autograph=False) for name, part in zip(_PART_NAMES, parts) if part
    }


def _ham_call(hamburger, config, naive):
    """Forward and backward of the generator's ham alone; None if there is none."""
    import tensorflow as tf

    from benchmarks import naive_networks
    from gan.resolutions import resolution_of_hamburger

    if hamburger is None:
        return None
    side = resolution_of_hamburger(config.model.image_size)
    shape = [config.training.batch_size, side, side, hamburger.lower_bread.filters]
    x, incoming = (tf.random.stateless_normal(shape, [1, seed]) for seed in (0, 1))

    def call(x):
        if naive:
            return naive_networks.ham(hamburger.ham, x)
        return hamburger.ham(x, training=True)

    def forward_and_backward():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = call(x)
        return y, tape.gradient(y, x, incoming)

    return forward_and_backward


def measure(size, names, repetitions, parts=True):
    """Figures of a size: a row per contender, and the milliseconds of every part."""
    import tensorflow as tf

    config = configuration(size)
    calls, skipped = {}, {}
    with contextlib.ExitStack() as stack_of_calls:
        # The estimator first: Keras 2 layers made before those of its graph are invalid after.
        for name in sorted(names, key=lambda name: name != "estimator"):
            is_naive = name.startswith("naive")
            way = name.removeprefix("naive_")
            if name == "estimator" and not hasattr(tf, "estimator"):
                skipped[name] = f"needs TensorFlow 2.15; this is {tf.__version__}"
            elif name == "estimator":
                calls[name] = stack_of_calls.enter_context(estimator_call(config))
            elif name in TRAINING:
                calls[name] = training_call(config, is_naive, name.endswith("_xla"))
            else:
                calls[name] = sampling_call(config, is_naive, way)
        if parts:
            for naive in (False, True):
                of_network = part_calls(config, naive)
                calls.update({(part, naive): call for part, call in of_network.items()})
        print(f"{size}: {repetitions} rounds of {len(calls)} calls", file=sys.stderr, flush=True)
        times = interleaved_medians(calls, repetitions)
    rows = []
    for name in names:
        row = {"size": size, "batch": config.training.batch_size, "contender": name}
        if name in skipped:
            rows.append({**row, "skipped": skipped[name]})
            continue
        row["ms"] = 1e3 * times[name]
        row["images_per_second"] = config.training.batch_size / times[name]
        rival = {**TRAINING, **SAMPLING}[name]
        if rival in times:
            row["times_naive"] = times[rival] / times[name]
        rows.append(row)
    of_parts = [
        {
            "size": size,
            "part": part,
            "ms": 1e3 * times[part, False],
            "naive_ms": 1e3 * times[part, True],
        }
        for part in _PART_NAMES
        if (part, False) in times
    ]
    return rows, of_parts


def tables(figures, ratios_only=False):
    """All figures as Markdown; milliseconds say nothing where the machine was not at rest.

    Args:
        figures: as `main` returns them.
        ratios_only: whether to leave them out.
    """
    lines = [figures["machine"] + ".", ""]
    for size in dict.fromkeys(row["size"] for row in figures["rows"]):
        rows = [row for row in figures["rows"] if row["size"] == size]
        for what, contenders in (("training", TRAINING), ("sampling", SAMPLING)):
            of_table = [row for row in rows if row["contender"] in contenders]
            if of_table:
                title = f"{what}, {size}, batch {rows[0]['batch']}"
                lines += [*_rows_table(title, of_table, ratios_only), ""]
        parts = [row for row in figures["parts"] if row["size"] == size]
        if parts:
            lines += [*_parts_table(size, parts, ratios_only), ""]
    return "\n".join(lines)


def _rows_table(title, rows, ratios_only):
    header = [title, *([] if ratios_only else ["ms", "images/s"]), "x naive's images/s"]
    body = []
    for row in rows:
        if "skipped" in row:
            body.append([row["contender"], f"skipped: {row['skipped']}"])
            continue
        cells = [row["contender"]]
        if not ratios_only:
            cells += [f"{row['ms']:.1f}", f"{row['images_per_second']:.1f}"]
        body.append([*cells, f"{row['times_naive']:.2f}" if "times_naive" in row else ""])
    return _markdown(header, body)


def _parts_table(size, rows, ratios_only):
    header = [
        f"parts, {size}",
        *([] if ratios_only else ["ms", "naive, ms"]),
        "naive's time / ours",
    ]
    body = []
    for row in rows:
        cells = [] if ratios_only else [f"{row['ms']:.2f}", f"{row['naive_ms']:.2f}"]
        body.append([row["part"], *cells, f"{row['naive_ms'] / row['ms']:.2f}"])
    return _markdown(header, body)


def _markdown(header, body):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for cells in body:
        cells = [*cells, *[""] * (len(header) - len(cells))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def parse(argv=None):
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.hamgan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )

    def sizes(text):
        try:
            for size in text.split(","):
                configuration(size)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text.split(",")

    def names(text):
        unknown = set(text.split(",")) - set(CONTENDERS)
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown} are not among {', '.join(CONTENDERS)}")
        return text.split(",")

    parser.add_argument(
        "--sizes",
        type=sizes,
        default=list(_SIZES),
        help=f"with commas between (default: {','.join(_SIZES)})",
    )
    parser.add_argument("--contenders", type=names, default=list(CONTENDERS), help="which of them")
    parser.add_argument("--repetitions", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--no_parts", action="store_true", help="leave out the table by part")
    parser.add_argument(
        "--ratios", action="store_true", help="print no times: for a machine that does other work"
    )
    parser.add_argument("--json", help="file for the figures as JSON")
    parser.add_argument(
        "--docs", help="Markdown file whose block 'benchmarks.hamgan: STACK' the tables replace"
    )
    arguments = parser.parse_args(argv)
    if arguments.repetitions < 1:
        parser.error(f"--repetitions must be at least 1, not {arguments.repetitions}")
    return arguments


def main(argv=None):
    """Measures, prints and returns all figures."""
    arguments = parse(argv)
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # Each contender is a function of its own: no retracing.
    figures = {"machine": machine(), "rows": [], "parts": []}
    for size in arguments.sizes:
        rows, parts = measure(
            size, arguments.contenders, arguments.repetitions, not arguments.no_parts
        )
        figures["rows"] += rows
        figures["parts"] += parts
    text = tables(figures, arguments.ratios)
    print(text)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
    if arguments.docs:
        replace_tables(arguments.docs, f"benchmarks.hamgan: {stack()}", text)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
