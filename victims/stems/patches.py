"""The patch side of networks that cut an image into a grid of patches."""

GRID = 8


def patch_side(size: int) -> int:
    """Return the largest patch that tiles a small image and leaves about 8 a side: 4 at 32 and at 28, 8 at 64."""
    largest = -(-size // GRID)
    return max(side for side in range(1, largest + 1) if size % side == 0)
