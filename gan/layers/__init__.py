"""Layers that only the GAN needs."""
