"""The noise step shared by the methods: sign steps down a loss, within the noise radius."""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.core.settings import SignSteps
from attacks.task import at_once

# images whose noise is made together, fewer if they are large; decides the order of the random draws, so not a tuning
# knob for speed
FINAL_BATCH = 512


def parts(images: Tensor) -> tuple[Tensor, ...]:
    """Return the indices (0 to N - 1) of N images, split into the batches that noise is made in."""
    every = torch.arange(len(images), device=images.device)
    return tuple(every.split(at_once(images, FINAL_BATCH)))


def descend(
    images: Tensor,
    delta: Tensor,
    gradient: Callable[[Tensor], Tensor],
    *,
    radius: float,
    steps: SignSteps,
    in_range: bool = False,
) -> Tensor:
    """Take sign steps down from noise `delta` (overwritten); it and `images` are (n, C, H, W), on the scale of [0, 1].

    Each step calls `gradient` at the noisy images, clamped to [0, 1], and projects the noise onto `radius` (1/255). The
    gradient is that through the clamp: it is zero for a pixel outside [0, 1] and passes unchanged for one at 0 or 1,
    whatever torch's own `clamp` does there (before 1.12, the same). With `in_range`, the noise is instead cut before
    each step so that noisy images stay in [0, 1] and every pixel gets a gradient; the last step may leave [0, 1] again.
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
    """Take sign steps as in `descend`, each projected onto `radius` and then cut to keep noisy images in [0, 1].

    The first gradient is taken at the unclipped sum of `images` and the noise `delta`.
    """
    bound = radius / 255
    for _ in range(steps.steps):
        sign = gradient(images + delta).sign_()
        delta = cut(images, delta.sub_(sign, alpha=steps.step * bound).clamp_(-bound, bound))
    return delta


def cut(images: Tensor, delta: Tensor) -> Tensor:
    """Cut noise `delta` (overwritten) so that it keeps `images` in [0, 1]; both are (n, C, H, W)."""
    return delta.add_(images).clamp_(0, 1).sub_(images)


def clamped(images: Tensor) -> Tensor:
    """Clamp to [0, 1]; the derivative is 1 on [0, 1], ends included, whatever that of torch's own `clamp` is there."""
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
    """Return noise (n, C, H, W) in [-1, 1]: sign steps down as in `descend`, from a uniform draw within `radius`."""
    start = torch.empty_like(images).uniform_(-radius / 255, radius / 255, generator=generator)
    return descend(images, start, gradient, radius=radius, steps=steps, in_range=in_range)


def round_noise(delta: Tensor) -> Tensor:
    """Return noise rounded, in units of 1/255; float16 noise is multiplied in float16 first, as in NumPy."""
    return delta.mul(255).round_()


def protected(images: Tensor, noise: Tensor) -> Tensor:
    """Return images in [0, 1] plus rounded noise in units of 1/255, clipped to [0, 1]."""
    return (images + noise / 255).clamp_(0, 1)
