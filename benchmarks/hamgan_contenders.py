"""Steps and sampling of HamGAN and of naive networks, whole and by part, to be timed."""

import contextlib
import itertools
import tempfile
import threading
import types

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
PART_NAMES = (
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
        name: tf.function(part, autograph=False) for name, part in zip(PART_NAMES, parts) if part
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
