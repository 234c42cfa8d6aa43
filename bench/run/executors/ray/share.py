"""The share of a node's resources that a cell takes."""

from collections.abc import Iterable, Mapping
from typing import Any

from attacks.core.errors import RequestError

RAY_NAMES = {"cpus": "CPU", "gpus": "GPU"}
OPTIONS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}  # of a Ray task; others are custom resources
LEAST = 0.0001  # the unit in which Ray counts resources
DEVICES = ("auto", "cpu", "cuda")

NodeShare = Mapping[str, float]
"""Amounts by Ray's names for the resources."""


def share_of(device: str, resources: Mapping[str, str], *, gpus: bool) -> NodeShare:
    """Return what each cell takes: by default one CPU, and one GPU if the cluster has any.

    Args:
        device: `auto`, `cpu` or `cuda`.
        resources: the amounts that the user gave, of `cpus`, `gpus`, `memory` (bytes) or a custom resource.
        gpus: whether the cluster has any.

    Raises:
        RequestError: for an invalid amount, or a device that is not available.
    """
    if device not in DEVICES:
        raise RequestError(f"with --executor ray, --device takes one of {', '.join(DEVICES)}")
    if device == "cuda" and not gpus:
        raise RequestError("no node of the Ray cluster has a GPU; leave out --device or add a GPU node")
    given = {RAY_NAMES.get(name, name): _amount(name, text) for name, text in resources.items()}
    if device == "cpu" and "GPU" in given:
        raise RequestError("cells with --device cpu use no GPU; leave out --resources gpus")
    if given.get("GPU", 0) > 1:
        raise RequestError("a cell uses at most one GPU; --resources gpus=N takes a number up to 1")
    return {"CPU": 1.0} | ({"GPU": 1.0} if gpus and device != "cpu" else {}) | given


def _amount(name: str, text: str) -> float:
    try:
        amount = float(text)
    except ValueError:
        amount = 0.0
    if not LEAST <= amount < float("inf") or (name in {"cpus", "CPU"} and amount > 1 and not amount.is_integer()):
        raise RequestError(
            f"--resources {name}={text} is not valid; give a number of at least {LEAST}, a whole one above 1 CPU"
        )
    return amount


def options(share: NodeShare) -> dict[str, Any]:
    """Return a share as the options of a Ray task."""
    known = {OPTIONS[name]: amount for name, amount in share.items() if name in OPTIONS}
    return known | {"resources": {name: amount for name, amount in share.items() if name not in OPTIONS}}


def count_fitting(share: NodeShare, nodes: Iterable[NodeShare]) -> int:
    """Return how many cells fit on nodes at once if nobody else uses them."""
    return sum(min(int(node.get(name, 0) / amount) for name, amount in share.items()) for node in nodes)
