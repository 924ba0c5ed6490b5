"""How well a checkpoint does."""
