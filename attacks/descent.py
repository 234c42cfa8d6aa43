"""The noise step that the methods share: sign steps down a loss, inside the noise's radius."""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.settings import SignSteps

# images whose noise is made together: part of the order of the random draws, so not a knob of speed
FINAL_BATCH = 512


def parts(items: Tensor) -> tuple[Tensor, ...]:
    """Return the indices (0 to N - 1) of N images or other items, in the parts that noise is made in."""
    every = torch.arange(len(items), device=items.device)
    return tuple(every.split(FINAL_BATCH))


def descend(
    images: Tensor, delta: Tensor, gradient: Callable[[Tensor], Tensor], *, radius: float, steps: SignSteps
) -> Tensor:
    """Take sign steps down from a noise `delta`, whose memory is used; both it and `images` are (n, C, H, W) in [0, 1].

    Each step takes the gradient at the noisy images, cut off at 0 and 1, and projects the noise on `radius` (1/255) but
    not on the range of the images.
    """
    bound = radius / 255
    for _ in range(steps.steps):
        sign = gradient((images + delta).clamp_(0, 1)).sign_()
        delta = delta.sub_(sign, alpha=steps.step * bound).clamp_(-bound, bound)
    return delta


def fresh_noise(
    images: Tensor,
    gradient: Callable[[Tensor], Tensor],
    *,
    radius: float,
    steps: SignSteps,
    generator: torch.Generator,
) -> Tensor:
    """Return a noise, rounded, in units of 1/255: sign steps down as of `descend`, from a uniform draw in `radius`."""
    start = torch.empty_like(images).uniform_(-radius / 255, radius / 255, generator=generator)
    return rounded(descend(images, start, gradient, radius=radius, steps=steps))


def rounded(delta: Tensor) -> Tensor:
    """Return a noise in units of 1/255, rounded."""
    return delta.mul(255).round_()


def protected(images: Tensor, noise: Tensor) -> Tensor:
    """Return the images in [0, 1] that carry a rounded noise in units of 1/255."""
    return (images + noise / 255).clamp_(0, 1)
