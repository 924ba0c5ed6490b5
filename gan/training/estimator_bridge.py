"""Two Keras models as the functions that TF-GAN's estimator wants.

The estimator builds one TF1 graph and calls the generator once and the
discriminator twice (generated images, then real ones) per sub-step, several
sub-steps per graph: every call must find the same models. Names no network, so
another GAN's models can pass.
"""

import contextlib
from typing import Callable, NamedTuple, Optional

import tensorflow as tf
from tensorflow import keras

TRAIN = "train"  # tf.estimator.ModeKeys.TRAIN


class GraphModels:
    """The models of one graph and what its sub-steps have made with them.

    All lists have one entry per sub-step, the discriminator's sub-steps first.
    """

    def __init__(self):
        self.generator = None
        self.discriminator = None
        self.discriminator_updates = None  # of the current sub-step; None before its first call
        self.normalization = contextlib.ExitStack()  # of the discriminator, for both its calls
        self.sub_steps = 0  # begun so far
        self.generator_losses = []
        self.discriminator_losses = []
        self.real_logits = []
        self.generated_logits = []


def models_of_graph() -> GraphModels:
    """The models of the current graph; those around it count where it is the body of a loop."""
    graph = tf.compat.v1.get_default_graph()
    while (outer := getattr(graph, "outer_graph", None)) is not None:
        graph = outer
    # An attribute of the graph dies with it. A WeakKeyDictionary keyed by graph would
    # keep both alive, since the models refer back to their graph.
    if not hasattr(graph, "keras_gan_models"):
        graph.keras_gan_models = GraphModels()
    return graph.keras_gan_models


class KerasGAN(NamedTuple):
    """Two Keras models and their losses, as TF-GAN's estimator wants them.

    TF-GAN calls the generator once and the discriminator twice (generated, then
    real) per sub-step, and several sub-steps per graph; every call must find
    the same models. Singular vectors are advanced once per sub-step: the calls
    run under control dependencies on the assignments, which orders them; both calls
    of the discriminator share one normalisation of its weights.

    Attributes:
        make_generator: builds a model of `[latents, labels]`; called once per graph.
        make_discriminator: builds a model of `[images, labels]`. Both models have
            `update_spectral_norms() -> list of ops`, the discriminator `normalized_once()`,
            a context whose calls share one normalisation.
        generator_loss: of the logits of generated images, per example.
        discriminator_loss: of the logits of real and of generated images, per example.
        augment: `(images, sub_step, is_real) -> images`, what the discriminator's images go
            through in training; None for nothing.
    """

    make_generator: Callable[[], keras.Model]
    make_discriminator: Callable[[], keras.Model]
    generator_loss: Callable
    discriminator_loss: Callable
    augment: Optional[Callable] = None

    def generator_fn(self, inputs, mode):
        """`{"latents", "labels"}` to `{"images", "labels"}`."""
        models = models_of_graph()
        if models.generator is None:
            models.generator = self.make_generator()
        models.discriminator_updates = None
        models.sub_steps += 1
        updates = models.generator.update_spectral_norms() if mode == TRAIN else []
        with tf.control_dependencies(updates):
            latents = tf.identity(inputs["latents"])
            images = _call(models.generator, [latents, inputs["labels"]], mode)
        return {"images": images, "labels": inputs["labels"]}

    def discriminator_fn(self, data, conditioning, mode):
        """`{"images", "labels"}` to logits `[batch, 1]`."""
        del conditioning
        models = models_of_graph()
        if models.discriminator is None:
            models.discriminator = self.make_discriminator()
        is_real = models.discriminator_updates is not None  # Generated images come first.
        if not is_real:
            models.discriminator_updates = (
                models.discriminator.update_spectral_norms() if mode == TRAIN else []
            )
        with tf.control_dependencies(models.discriminator_updates):
            if not is_real:
                models.normalization.close()
                models.normalization.enter_context(models.discriminator.normalized_once())
            images = tf.identity(data["images"])
            if self.augment is not None and mode == TRAIN:
                images = self.augment(images, models.sub_steps - 1, is_real)
            logits = _call(models.discriminator, [images, data["labels"]], mode)
        if is_real:
            models.normalization.close()
        return logits

    def generator_loss_fn(self, gan_model, reduction):
        loss = self.generator_loss(gan_model.discriminator_gen_outputs)
        return self._reduce(loss, reduction, models_of_graph().generator_losses)

    def discriminator_loss_fn(self, gan_model, reduction):
        models = models_of_graph()
        real, generated = gan_model.discriminator_real_outputs, gan_model.discriminator_gen_outputs
        models.real_logits.append(real)
        models.generated_logits.append(generated)
        loss = self.discriminator_loss(real, generated)
        return self._reduce(loss, reduction, models.discriminator_losses)

    @staticmethod
    def _reduce(loss, reduction, made):
        if reduction != tf.compat.v1.losses.Reduction.NONE:
            loss = tf.reduce_mean(loss)
        made.append(loss)
        return loss


def _call(model, inputs, mode):
    # Without AutoGraph: looking for control flow in every layer would double the start-up time.
    return tf.autograph.experimental.do_not_convert(model)(inputs, training=mode == TRAIN)
