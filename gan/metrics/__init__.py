"""What judges generated images."""
