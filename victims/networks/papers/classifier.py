"""The base class of the convolutional networks in this folder, with the methods of timm's networks."""

from torch import Tensor, nn


class Classifier(nn.Module):
    """Features, their mean over the map, and a head; every layer has PyTorch's default initialisation.

    Args:
        features: maps images (N, in_chans, S, S) to maps (N, num_features, s, s).
        num_features: channels of these maps.
        num_classes: number of logits; 0 for none, so that the network returns its last features.
        in_chans: channels of the images.
        hidden: layers between the mean, (N, num_features), and the last layer, of the same width.
    """

    def __init__(
        self,
        features: nn.Module,
        *,
        num_features: int,
        num_classes: int,
        in_chans: int,
        hidden: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.num_features = self.head_hidden_size = num_features
        self.in_chans = in_chans
        self.features = features
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.hidden = hidden or nn.Identity()
        self.reset_classifier(num_classes)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the last layer with a newly initialised one.

        Raises:
            ValueError: for any pooling other than the mean.
        """
        if global_pool not in (None, "avg"):
            raise ValueError(f"{type(self).__name__} supports mean pooling only; leave out global_pool")
        self.num_classes = num_classes
        self.classifier: nn.Module = nn.Linear(self.head_hidden_size, num_classes) if num_classes else nn.Identity()

    def get_classifier(self) -> nn.Module:
        """Return the last layer."""
        return self.classifier

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:  # noqa: ARG002 - timm asks for either
        """Return how timm groups the layers: each of the features by itself, then the rest."""
        return {"features": r"^features\.(\d+)"}

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the last map, (N, num_features, s, s)."""
        features: Tensor = self.features(x)
        return features

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Return the logits of a last map, (N, num_classes), or the input of the last layer if `pre_logits`."""
        features: Tensor = self.hidden(self.pool(x))
        return features if pre_logits else self.classifier(features)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of images."""
        return self.forward_head(self.forward_features(x))
