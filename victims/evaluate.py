"""Measure the accuracy of a victim on clean and on attacked images."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from attacks.core.runtime import Runtime
from attacks.core.settings import Augment, SignSteps
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.pgd import ascend
from attacks.engine.views import centre
from attacks.task import at_once

BATCH = 1000  # images at once, fewer if they are large


@dataclass(frozen=True)
class Evaluation:
    """Accuracy in percent and mean cross-entropy."""

    accuracy: float
    loss: float


def evaluate(
    network: FrozenNetwork, images: Tensor, labels: Tensor, *, augment: Augment, runtime: Runtime
) -> Evaluation:
    """Evaluate a network on the centres of uint8 images (N, C, H, W)."""
    right = torch.zeros((), dtype=torch.int64, device=images.device)
    loss = torch.zeros((), dtype=runtime.dtype, device=images.device)
    count = at_once(images, BATCH)
    for part, target in zip(images.split(count), labels.split(count), strict=True):
        logits = network.logits(centre(runtime.pixels(part), augment))
        right += (logits.argmax(1) == target).sum()
        loss += functional.cross_entropy(logits, target, reduction="sum")
    return Evaluation(accuracy=100 * right.item() / len(images), loss=loss.item() / len(images))


def robust_accuracy(
    network: FrozenNetwork,
    images: Tensor,
    labels: Tensor,
    *,
    radius: float,
    steps: SignSteps,
    limit: int,
    augment: Augment,
    runtime: Runtime,
    generator: torch.Generator,
) -> float:
    """Return the accuracy in percent under PGD within `radius`, on `limit` images spread evenly over the set."""
    limit = min(limit, len(images))
    chosen = torch.arange(limit, device=images.device) * len(images) // limit
    right = 0
    for index in chosen.split(at_once(images, BATCH)):
        clean = centre(runtime.pixels(images[index]), augment)
        attacked = ascend(network, clean, labels[index], radius=radius, steps=steps, generator=generator)
        right += int((network.logits(attacked).argmax(1) == labels[index]).sum())
    return 100 * right / limit
