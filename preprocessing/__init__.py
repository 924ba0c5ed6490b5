"""Real images: where they come from and how they become network input."""
