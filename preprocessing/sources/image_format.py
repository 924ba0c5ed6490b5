"""What every image becomes: size, channels and the way there."""

import dataclasses

import tensorflow as tf

from preprocessing.central_crop import resized_pixels, scaled


@dataclasses.dataclass(frozen=True)
class ImageFormat:
    """How the networks take images.

    Attributes:
        size: side in pixels.
        channels: 1 or 3; grey and colour are converted into each other.
        resampling: one of `choices.RESAMPLINGS`.
    """

    size: int
    channels: int
    resampling: str = "bilinear"

    def example(self, image, label):
        """An example of a decoded image `[height, width, 1 or 3]` of 0 to 255; see below."""
        return self.example_of_pixels(resized_pixels(image, self.size, self.resampling), label)

    def example_of_pixels(self, pixels, label):
        """An example, or a batch of them, of images that are resized already.

        Args:
            pixels: float32 `[..., size, size, 1 or 3]`, values 0 to 255.
            label: integers `[...]`.

        Returns:
            `{"images": float32 [..., size, size, channels] in [-1, 1], "labels": int32}`.
        """
        images = scaled(pixels)
        if self.channels == 3 and images.shape[-1] == 1:
            images = tf.image.grayscale_to_rgb(images)
        elif self.channels == 1 and images.shape[-1] == 3:
            images = tf.image.rgb_to_grayscale(images)
        return {"images": images, "labels": tf.cast(label, tf.int32)}
