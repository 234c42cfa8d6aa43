"""Parse the names of victims; timm is imported only if necessary, since that takes seconds."""

import difflib
import importlib.util
import re
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path

from attacks.core import packages
from attacks.core.errors import RequestError, unknown
from victims.networks.papers import NETWORKS
from victims.networks.stems import stem_of
from victims.networks.stems.policy import Stem
from victims.networks.weights import Weights, split, weights_of

ENTRY_POINTS = "unlearnable_bench.victims"
HUBS = ("hf-hub", "hf_hub", "local-dir")  # prefixes that timm accepts before a colon


@dataclass(frozen=True, kw_only=True)
class VictimName:
    """The parts of a victim's name.

    Attributes:
        timm: timm's name.
        width: the base width, or None for timm's own.
        policy: how its family handles small images.
        weights: the weights that it starts from; None for training from scratch.
        recorded: its name in records.
    """

    timm: str
    width: int | None
    policy: Stem
    weights: Weights | None
    recorded: str


def parse_victim(name: str) -> VictimName:
    """Parse a victim's name.

    Args:
        name: timm's name, an optional width (`resnet18-w16`), and optional weights: a tag (`resnet18.a1_in1k`) or a
            safetensors file (`resnet18-w16:FILE`).

    Raises:
        RequestError: for an unknown name or unknown weights, with the nearest that exist; or for a width, if its family
            has no widths.
    """
    network, _, _ = split(refuse_hub(name))
    timm_name, width = split_width(network)
    policy = stem_of(_module(timm_name))
    if width is not None and not policy.widths:
        raise RequestError(f"victim {name!r}: the {policy.family} family has no width option; write {timm_name}")
    weights = weights_of(name)
    recorded = weights.name if weights else network
    return VictimName(timm=timm_name, width=width, policy=policy, weights=weights, recorded=recorded)


def refuse_hub(name: str) -> str:
    """Return a victim's name, unless it has a hub or owner before it, as in `timm/resnet18.a1_in1k` or `hf-hub:...`.

    Raises:
        RequestError: if it has, with the nearest name without.
    """
    before, colon, _ = name.partition(":")
    if "/" in before or (colon and before in HUBS):
        plain, dot, tag = re.split("[/:]", name)[-1].partition(".")
        near = difflib.get_close_matches(plain, [*_modules(), *NETWORKS], n=1, cutoff=0.5)
        meant = f"; did you mean {near[0] + dot + tag!r}?" if near else ""
        raise RequestError(f"victim {name!r}: write timm's name, without a hub or owner before it{meant}")
    return name


def split_width(name: str) -> tuple[str, int | None]:
    """Split a victim's name into timm's name and the width, if any: `resnet18-w16` is `("resnet18", 16)`."""
    match = re.fullmatch(r"(.+)-w([1-9]\d*)", name)
    return (match[1], int(match[2])) if match else (name, None)


@cache
def _modules() -> dict[str, str]:
    """Return the timm module that registers each network, read from timm's source; empty if there is no source."""
    spec = importlib.util.find_spec("timm")
    if spec is None or spec.origin is None:
        return {}
    found = {}
    for file in sorted((Path(spec.origin).parent / "models").glob("*.py")):
        registered = re.findall(r"^@register_model\s*\ndef (\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
        found.update(dict.fromkeys(registered, file.stem))
    return found


def packaged() -> dict[str, EntryPoint]:
    """Return the networks that installed packages add, by name: entry points to the module that registers each.

    Raises:
        RequestError: if a package adds a name that already exists.
    """
    found: dict[str, EntryPoint] = {}
    for point in packages.points(ENTRY_POINTS):
        if point.name in _modules() or point.name in NETWORKS or point.name in found:
            raise packages.taken("victim", point.name, point)
        found[point.name] = point
    return found


def _module(name: str) -> str:
    """Return the timm module that registers a network, or the full name of a module outside timm that does.

    Raises:
        RequestError: for an unknown name, with the nearest valid one; or if a package does not add what it declares.
    """
    timms, added = _modules(), packaged()
    if module := timms.get(name) or NETWORKS.get(name):
        return module
    if name not in added and timms and "timm" not in sys.modules:  # no other module can have added to it yet
        raise unknown("victim", name, [*timms, *NETWORKS, *added])
    import timm

    if name in added:
        _load(added[name])
    known = timm.list_models()
    if name not in known:
        raise unknown("victim", name, [*known, *NETWORKS, *added])
    return str(timm.model_entrypoint(name).__module__).removeprefix("timm.models.")


def _load(point: EntryPoint) -> None:
    """Have a package register its network.

    Raises:
        RequestError: if it does not.
    """
    import timm

    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Overwriting")  # of another network, which this one would replace
        packages.load_entry_point(f"victim {point.name!r} of", point)
    if point.name not in timm.list_models():
        raise RequestError(f"{point.value} does not register a network {point.name!r} with timm; {packages.FIX}")
