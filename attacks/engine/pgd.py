"""Projected gradient ascent within an L-infinity ball."""

from typing import TYPE_CHECKING

from attacks.core.settings import SignSteps

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from attacks.engine.frozen import FrozenNetwork


def ascend(
    network: "FrozenNetwork",
    images: "Tensor",
    labels: "Tensor",
    *,
    radius: float,
    steps: SignSteps,
    generator: "torch.Generator | None",
) -> "Tensor":
    """Raise the cross-entropy on `labels` within `radius` (1/255) of `images` (n, C, H, W).

    The start is drawn from the generator; without one it is the images themselves. Each step adds `steps.step * radius`
    times the gradient's sign, then projects onto the ball and onto [0, 1] (Madry et al. 2018, section 2.1). At radius 0
    the images are returned unchanged, without any image-pass.
    """
    if radius == 0:
        return images
    bound = radius / 255
    low, high = (images - bound).clamp_(min=0), (images + bound).clamp_(max=1)
    adversarial = images
    if generator is not None:
        start = images.new_empty(images.shape).uniform_(-bound, bound, generator=generator)
        adversarial = start.add_(images).clamp_(0, 1)
    for _ in range(steps.steps):
        sign = network.gradient(adversarial, labels).sign_()
        adversarial = (adversarial + sign.mul_(steps.step * bound)).clamp_(low, high)
    return adversarial
