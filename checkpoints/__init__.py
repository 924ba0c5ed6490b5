"""From files with weights to Keras models.

`checkpoints.load(name_or_path)` is all that most callers need.
"""


def load(name_or_path, step=None, discriminator=True, preset=None, averaged=True, **settings):
    """Loads a released model by name, or any checkpoint; see `checkpoints.loading.load`."""
    # TensorFlow takes seconds to import: not for reading the catalogue.
    from checkpoints.loading import load as load_models

    return load_models(name_or_path, step, discriminator, preset, averaged, **settings)
