"""The labels of images that are each mixed of two."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def mix_labels(labels: "Tensor", partner: "Tensor", share: "Tensor", classes: int) -> "Tensor":
    """Return probabilities (n, classes): `share` (n,) for an image's own label, the rest for that of its partner."""
    from torch.nn import functional

    certain = functional.one_hot(labels, classes).to(share.dtype)
    return share[:, None] * certain + (1 - share[:, None]) * certain[partner]
