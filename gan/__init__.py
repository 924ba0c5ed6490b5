"""HamGAN: models, training, evaluation and sampling."""
