"""Weights in a user's own safetensors file: `resnet18-w8:PATH`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from attacks.core.errors import RequestError, one_line
from attacks.core.files import unreadable
from victims.networks.stems.policy import BuildSpec, Stem
from victims.networks.weights.spec import Weights, fill, weights_digest

if TYPE_CHECKING:
    from torch import nn

SUFFIX = ".safetensors"
GIVEN = "file/"
"""Prefix of the identity of weights from a user's file."""


@dataclass(frozen=True, kw_only=True)
class WeightsFromFile(Weights):
    """Weights in a file, with timm's names for the network's entries; images are as in the protocol.

    Attributes:
        path: the file.
    """

    name: str
    path: Path
    inputs: ClassVar[None] = None  # type: ignore[misc]

    @property
    def identity(self) -> str:
        """The digest of the file."""
        return f"{GIVEN}{weights_digest(self.path)}"

    def check(self) -> None:
        """Check that the file can be read as safetensors."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="numpy"):
                pass
        except OSError as error:
            raise unreadable(self.path, error) from error
        except SafetensorError as error:
            raise RequestError(
                f"{self.path} is not a safetensors file ({one_line(str(error))}); "
                "save the weights with safetensors.torch.save_file"
            ) from error

    def create(self, policy: Stem, spec: BuildSpec) -> "nn.Module":
        """Build the network as for training from scratch, and load the weights into all but its head."""
        from safetensors.torch import load_file

        self.check()
        network = policy.create(spec)
        fill(network, load_file(self.path), self.path)
        return network


def weights_from_file(network: str, path: Path) -> WeightsFromFile:
    """Return the weights in a file; in records they are named after the network and the file.

    Raises:
        RequestError: if there is no such file, it is of another format, or its name cannot be part of a victim's.
    """
    if not path.is_file():
        raise RequestError(
            f"{path} does not exist or is not a file; write a victim with weights as NETWORK:FILE.safetensors"
        )
    if path.suffix != SUFFIX:
        raise RequestError(f"{path} is not a {SUFFIX} file; save the weights with safetensors.torch.save_file")
    tag = path.stem
    if not re.fullmatch(r"[A-Za-z0-9_+-]{1,40}", tag):
        raise RequestError(f"{path.name} cannot name a victim; rename it using only letters, digits, '_', '+' and '-'")
    return WeightsFromFile(name=f"{network}.{tag}", path=path)
