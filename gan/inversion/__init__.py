"""From an image back to its latent."""
