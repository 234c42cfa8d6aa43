"""Weights that a victim can start from: shipped in packages, timm's from the Hub, or in a user's own file."""

from pathlib import Path

from attacks.core.errors import RequestError
from victims.networks.weights.from_file import weights_from_file
from victims.networks.weights.hub import on_hub
from victims.networks.weights.packaged import LITE0
from victims.networks.weights.spec import Weights

__all__ = ["WEIGHTS", "Weights", "split", "weights_of"]

WEIGHTS = {known.name: known for known in (LITE0,)}


def split(name: str) -> tuple[str, str, str]:
    """Split a victim's name into network, tag and file: `resnet18.a1_in1k` has a tag, `resnet18:FILE` has a file."""
    network, _, file = name.partition(":")
    network, _, tag = network.partition(".")
    return network, tag, file


def weights_of(name: str) -> Weights | None:
    """Return the weights in a victim's name; None for training from scratch.

    Raises:
        RequestError: for weights that do not exist, with the nearest that do.
    """
    network, tag, file = split(name)
    if name.endswith((".", ":")):
        raise RequestError(f"victim {name!r} names no weights; write {network}, or add a tag or a file")
    if tag and file:
        raise RequestError(f"victim {name!r} names weights twice; write {network}.{tag} or {network}:{file}")
    if file:
        found = weights_from_file(network, Path(file).expanduser())
        if found.name in WEIGHTS:
            raise RequestError(f"{found.name} is the name of other weights; rename {found.path}")
        return found
    return (WEIGHTS.get(name) or on_hub(network, tag)) if tag else None
