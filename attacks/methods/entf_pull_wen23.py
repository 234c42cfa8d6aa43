"""EntF-pull (entangled features): each image is pulled to the mean features of the nearest other class.

Wen et al., ICLR 2023: as in `entf-push-wen23`, except that each step descends |f(T(x + delta)) - c_k|^2 / F, where k is
the class, other than the image's own, whose centroid is nearest to the image's features at that step.

Corrected: the image's own class is excluded, and so are classes without images. The released code instead sets the
distance to the image's own class to 1, and so chooses that class if all others are farther away.
"""

from typing import TYPE_CHECKING

from attacks.methods.entf_push_wen23 import WEN23
from attacks.recipes.entangled_features import EntangledFeatures
from attacks.spec import Method

if TYPE_CHECKING:
    from torch import Tensor


def towards_nearest(features: "Tensor", labels: "Tensor", centroids: "Tensor") -> "Tensor":
    """Return the mean squared distance to the nearest centroid of another class, summed over images, to minimise."""
    import torch

    distances = (features.detach()[:, None] - centroids).square().mean(2)
    own = labels[:, None] == torch.arange(len(centroids), device=labels.device)
    nearest = distances.masked_fill(own | distances.isnan(), torch.inf).argmin(1)
    return (features - centroids[nearest]).square().mean(1).sum()


ENTF_PULL_WEN23 = Method(
    name="entf-pull-wen23",
    title="entangled features: pulled to the nearest other class's centroid in a robust network",
    paper=WEN23,
    bound="L-inf rho_u",
    surrogate=True,
    source="Wen et al., ICLR 2023",
    recipe=EntangledFeatures(aim=towards_nearest),
)
