"""Engines that train, and what they share."""
