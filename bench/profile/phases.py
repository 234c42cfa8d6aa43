"""The phases of cells: which functions each consists of, and what its time grows with."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType
from typing import Any, Literal

import torch

from attacks.core import optimiser
from attacks.engine import noise, pgd, views
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.surrogate import Loop
from bench.data.dataset import Dataset
from bench.run import cell, keeper, preparing, recording, visibility
from victims import evaluate, train

Basis = Literal["images", "steps", "attack", "forward", "cells", "saves", "once"]
"""Images that noise is made for, updates, image-passes of an attack, images that only go forward, cells, saved states;
`once`: nothing, the time is the same for any grid."""
Network = Literal["attack", "train", "forward"]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of the work of cells.

    Attributes:
        title: in words.
        basis: what its time grows with.
        inside: groups of functions; the phase is running while a function of each group is.
        network: the kind of image-passes that it makes, if any.
        around: whether it surrounds making noise and training: evaluation, files and records.
    """

    title: str
    basis: Basis
    inside: tuple[frozenset[CodeType], ...] = ()
    network: Network | None = None
    around: bool = False


def _any(*functions: Callable[..., Any]) -> frozenset[CodeType]:
    return frozenset(inspect.unwrap(function).__code__ for function in functions)


_KINDS = (views.Shift, views.ResizedCrop)
_VIEWS = _any(views.draw, *(act for kind in _KINDS for act in (kind.__init__, kind.apply, kind.adjoint)))
_NOISE, _STEP, _TRAINING = _any(Loop._noise), _any(Loop._step), _any(train._Run._train_until)  # noqa: SLF001
_GRADIENT, _REFRESH = _any(FrozenNetwork.gradient), _any(FrozenNetwork.refresh)
_UPDATE = _any(optimiser.Optimiser.step, optimiser.Optimiser.update, optimiser.Optimiser.follow)
_SGD = _any(torch.optim.SGD.step, torch.optim.AdamW.step)
_ATTACK, _ROBUST = _any(pgd.ascend), _any(evaluate.robust_accuracy)
_FILES = _any(noise.save_noise, noise.load_noise, noise.digest, noise.apply_noise)
_READING = _any(cell._dataset, vars(Dataset)["digest"].func)  # noqa: SLF001
_RECORDS = _any(recording.record_of, recording.save_record)

GRADIENTS = Phase(title="noise: gradients", basis="images", inside=(_NOISE, _GRADIENT), network="attack")
SURROGATE_ATTACK = Phase(title="surrogate: attack", basis="steps", inside=(_STEP, _ATTACK), network="attack")
SURROGATE_PASSES = Phase(title="surrogate: forward, backward", basis="steps", inside=(_STEP, _UPDATE), network="train")
VICTIM_ATTACK = Phase(title="victim: attack", basis="attack", inside=(_TRAINING | _ROBUST, _ATTACK), network="attack")
VICTIM_PASSES = Phase(title="victim: forward, backward", basis="steps", inside=(_TRAINING, _UPDATE), network="train")
EVALUATION = Phase(
    title="evaluation", basis="forward", inside=(_any(evaluate.evaluate),), network="forward", around=True
)
REPORTING = Phase(title="reporting", basis="once", around=True)

# Time counts for the first phase whose functions are running.
PHASES = (
    Phase(title="checkpoints", basis="saves", inside=(_any(keeper.FileKeeper._save),), around=True),  # noqa: SLF001
    Phase(title="reading images", basis="once", inside=(_READING,), around=True),
    Phase(title="visibility", basis="cells", inside=(_any(visibility.measure_visibility),), around=True),
    Phase(title="noise files, digests", basis="cells", inside=(_FILES,), around=True),
    Phase(title="records", basis="cells", inside=(_RECORDS,), around=True),
    Phase(title="noise: refresh", basis="steps", inside=(_STEP, _REFRESH)),
    GRADIENTS,
    Phase(title="noise: views", basis="images", inside=(_NOISE, _VIEWS)),
    Phase(title="noise: sign steps", basis="images", inside=(_NOISE,)),
    SURROGATE_ATTACK,
    Phase(title="surrogate: optimiser", basis="steps", inside=(_STEP, _UPDATE, _SGD)),
    SURROGATE_PASSES,
    Phase(title="surrogate: batch, views", basis="steps", inside=(_STEP,)),
    EVALUATION,
    Phase(title="victim: refresh", basis="steps", inside=(_TRAINING, _REFRESH)),
    VICTIM_ATTACK,
    Phase(title="victim: optimiser", basis="steps", inside=(_TRAINING, _UPDATE, _SGD)),
    VICTIM_PASSES,
    Phase(title="victim: batch, augmentation", basis="steps", inside=(_TRAINING,)),
    Phase(title="preparation", basis="cells", inside=(_any(preparing.prepare_images),)),
    Phase(title="setting up", basis="cells", around=True),
)


def phase_of(codes: frozenset[CodeType]) -> Phase:
    """Return the phase that is running while the functions with these codes are."""
    return next(phase for phase in PHASES if all(codes & group for group in phase.inside))
