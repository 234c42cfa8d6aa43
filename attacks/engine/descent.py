"""The noise step that the methods share: sign steps down a loss, inside the noise's radius."""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.core.settings import SignSteps
from attacks.task import at_once

# images whose noise is made together, fewer where they are large: part of the order of the random draws, so not a knob
# of speed
FINAL_BATCH = 512


def parts(items: Tensor) -> tuple[Tensor, ...]:
    """Return the indices (0 to N - 1) of N images or other items, in the parts that noise is made in."""
    every = torch.arange(len(items), device=items.device)
    return tuple(every.split(at_once(items, FINAL_BATCH)))


def descend(
    images: Tensor,
    delta: Tensor,
    gradient: Callable[[Tensor], Tensor],
    *,
    radius: float,
    steps: SignSteps,
    in_range: bool = False,
) -> Tensor:
    """Take sign steps down from a noise `delta`, whose memory is used; both it and `images` are (n, C, H, W) in [0, 1].

    Each step takes the derivative of `gradient` at the noisy images, clamped to [0, 1], and projects the noise on
    `radius` (1/255). The derivative is that through the clamp: a pixel outside [0, 1] gets none, one at 0 or 1 all of
    it, whatever torch's own `clamp` does there (before 1.12, the same). With `in_range`, the noise is first cut to what
    keeps the noisy images in [0, 1], so that every pixel gets a derivative; the last step may lead out of it again.
    """
    bound = radius / 255
    for _ in range(steps.steps):
        if in_range:
            delta = cut(images, delta)
        noisy = images + delta
        seen = noisy.clamp(0, 1)
        sign = gradient(seen).sign_()
        if not in_range:
            sign.mul_(noisy == seen)
        delta = delta.sub_(sign, alpha=steps.step * bound).clamp_(-bound, bound)
    return delta


def descend_valid(
    images: Tensor, delta: Tensor, gradient: Callable[[Tensor], Tensor], *, radius: float, steps: SignSteps
) -> Tensor:
    """Take sign steps as of `descend`, each projected on `radius` and then cut to what keeps the images in [0, 1].

    The first derivative is that at the plain sum of `images` and the noise `delta`, wherever that lies.
    """
    bound = radius / 255
    for _ in range(steps.steps):
        sign = gradient(images + delta).sign_()
        delta = cut(images, delta.sub_(sign, alpha=steps.step * bound).clamp_(-bound, bound))
    return delta


def cut(images: Tensor, delta: Tensor) -> Tensor:
    """Cut a noise, whose memory is used, to what keeps `images` in [0, 1]; all (n, C, H, W) in [0, 1]."""
    return delta.add_(images).clamp_(0, 1).sub_(images)


def clamped(images: Tensor) -> Tensor:
    """Cut off at 0 and 1; the derivative is 1 from 0 to 1, both included, whatever torch's own `clamp` has there."""
    return torch.where((images < 0) | (images > 1), images.detach().clamp(0, 1), images)


def fresh_noise(
    images: Tensor,
    gradient: Callable[[Tensor], Tensor],
    *,
    radius: float,
    steps: SignSteps,
    generator: torch.Generator,
    in_range: bool = False,
) -> Tensor:
    """Return a noise (n, C, H, W) in [-1, 1]: sign steps down as of `descend`, from a uniform draw in `radius`."""
    start = torch.empty_like(images).uniform_(-radius / 255, radius / 255, generator=generator)
    return descend(images, start, gradient, radius=radius, steps=steps, in_range=in_range)


def round_noise(delta: Tensor) -> Tensor:
    """Return a noise in units of 1/255, rounded; one in float16 is multiplied in float16 first, as NumPy does."""
    return delta.mul(255).round_()


def protected(images: Tensor, noise: Tensor) -> Tensor:
    """Return the images in [0, 1] that carry a rounded noise in units of 1/255."""
    return (images + noise / 255).clamp_(0, 1)
