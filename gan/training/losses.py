"""Hinge losses, as functions of the discriminator's logits.

Reference:
    Lim & Ye, "Geometric GAN", 2017; Miyato et al., ICLR 2018.
"""

import tensorflow as tf


def discriminator_hinge_loss(real_logits, fake_logits):
    """Loss per example, `[batch, 1]`: `max(0, 1 - real) + max(0, 1 + fake)`."""
    return tf.nn.relu(1.0 - real_logits) + tf.nn.relu(1.0 + fake_logits)


def generator_hinge_loss(fake_logits):
    """Loss per example, `[batch, 1]`: `-fake`."""
    return -fake_logits
