"""EntF-pull (entangled features): each image is pulled to the mean features of the nearest other class.

Wen et al., ICLR 2023: as `entf-push-wen23`, whose docstring applies here too, except that each step descends
|f(T(x + delta)) - c_k|^2 / F, where k is the class, other than the image's own, whose centroid is then nearest to its
features.

Corrected: the image's own class is left out, and so are classes without images. The released code sets the distance to
the own class to 1 instead, and so chooses it if all others are farther than that.
"""

from typing import TYPE_CHECKING

from attacks.methods.entf_push_wen23 import WEN23
from attacks.recipes.entangled_features import EntangledFeatures
from attacks.spec import Method

if TYPE_CHECKING:
    from torch import Tensor


def towards_nearest(features: "Tensor", labels: "Tensor", centroids: "Tensor") -> "Tensor":
    """Return how far features are from the nearest centroid of another class, to be minimised."""
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
