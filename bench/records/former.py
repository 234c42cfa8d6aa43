"""A protocol's numbers as version 0.1 of this project had them, for the digests in its records."""

from collections.abc import Mapping
from typing import Any

from bench.config.models import Setup

Outline = Mapping[str, Any]


def _names(*names: str) -> Outline:
    return dict.fromkeys(names)


_STEPS = _names("steps", "step")
_SGD = _names("lr", "momentum", "weight_decay", "milestones", "gamma")
# Every number of version 0.1, in its place; later ones are not part of the digests.
_SETUP: Outline = {
    **_names("precision", "stem", "init", "mean", "std"),
    "augment": _names("kind", "padding", "size", "flip"),
    "noise": {
        **_names("rho_u", "rho_a", "steps", "batch", "views", "surrogate"),
        "descent": _STEPS,
        "ascent": _STEPS,
        "sgd": _SGD,
        "alternating": {
            **_names("batch", "updates", "class_share", "train_error", "rounds"),
            "descent": _STEPS,
            "class_descent": _STEPS,
        },
        "targeted": {**_names("pretraining"), "sgd": _SGD, "descent": _STEPS},
    },
    "victim": {
        **_names("steps", "batch", "evaluate_every", "last_mean", "robust_images"),
        "sgd": _SGD,
        "attack": _STEPS,
        "robust_attack": _STEPS,
    },
}


def former(setup: Setup) -> dict[str, Any]:
    """Return the numbers as version 0.1 had them; unset ones are null."""
    return _taken(setup.model_dump(mode="json"), _SETUP)


def _taken(data: Mapping[str, Any], shape: Outline) -> dict[str, Any]:
    return {name: _taken(data[name], inside) if inside else data.get(name) for name, inside in shape.items()}
