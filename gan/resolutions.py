"""Image sizes on offer, and what both networks do at each resolution."""

IMAGE_SIZES = (16, 32, 64, 128, 256)


def check_image_size(image_size):
    """Raises ValueError unless the size, in pixels, is on offer."""
    if image_size not in IMAGE_SIZES:
        raise ValueError(
            f"`image_size` must be one of {IMAGE_SIZES}. Received: image_size={image_size}"
        )


def resolution_of_hamburger(image_size):
    """Side of the feature map the hamburger sees: 32, or half of a small image."""
    return min(32, image_size // 2)


def channels_of_resolution(base_channels, image_size, resolution):
    """Channels of the generator's feature map of side `resolution`.

    `base_channels` at the image's size, doubling with every halving, at most 16
    times as many: 16, 16, 8, 4, 2, 1 at 4, 8, ..., 128 pixels.
    """
    return base_channels * min(16, image_size // resolution)
