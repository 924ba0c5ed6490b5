"""The names by which ways to resize and to store images are chosen. No TensorFlow is imported."""

RESAMPLINGS = ("bilinear", "antialiased")  # The first is the published one.

# How resized pixels are stored, best first: exactly; rounded; JPEG.
STORES = ("float32", "uint8", "jpeg")
EXACT_STORES = ("float32",)
