"""The random view `A` of contrastive learning, at a strength s, with its adjoint.

A box of 1 - 0.9 s to 1 of the area, resized; a flip; with probability 0.8 s a jitter of brightness, contrast and
saturation (factors 1 +- 0.4 s) and hue (+- 0.1 s of the circle), in an order drawn for the batch; grey with probability
0.2 s. At s = 1 this is SimCLR's view of CIFAR-10 (Chen et al., ICML 2020), but with boxes of at least 10% of the area,
there 8%. The formulas and resizing with aligned corners are those of the code released with AUE, which draws its views
with kornia. Hue and saturation of single-channel images are unchanged.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from attacks.engine.descent import clamped
from attacks.engine.views import ResizedCrop, draw_boxes, draw_flips
from attacks.task import Task

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601
TINY = 1e-8


class Contrastive:
    """One drawn view of a batch of n images.

    Args:
        crop: the box of each image, resized and flipped.
        factors: (4, n): factors of brightness, contrast and saturation, and the hue rotation as a share of the circle.
        order: the order in which these four are applied.
        jittered, grey: (n,) booleans: which images have their colours jittered, and which are turned grey.
    """

    def __init__(self, crop: ResizedCrop, factors: Tensor, order: list[int], jittered: Tensor, grey: Tensor) -> None:
        self._crop = crop
        self._chosen = jittered.nonzero()[:, 0]
        self._factors = factors[:, self._chosen, None, None, None]
        self._order = order
        self._grey = grey[:, None, None, None]

    def apply(self, images: Tensor) -> Tensor:
        """Return the views (n, C, side, side) of `images` (n, C, H, W), and keep what `adjoint` needs."""
        self._cropped = self._crop.apply(images).contiguous().requires_grad_()  # colours are faster channel by channel
        with torch.enable_grad():
            self._seen = self._coloured(self._cropped)
        return self._seen.detach().contiguous(memory_format=torch.channels_last)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the images last passed to `apply`; callable once, since the graph is freed."""
        return self._crop.adjoint(torch.autograd.grad(self._seen, self._cropped, gradient)[0])

    def _coloured(self, images: Tensor) -> Tensor:
        changed = images[self._chosen]
        for number in self._order:
            changed = CHANGES[number](changed, self._factors[number].to(images.dtype))
        found = images.index_copy(0, self._chosen, changed)
        return torch.where(self._grey, luminance(found).expand_as(found), found)


def brightened(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply the images by the factor."""
    return clamped(images * factor)


def contrasted(images: Tensor, factor: Tensor) -> Tensor:
    """Blend each image with its mean grey value."""
    return clamped(images * factor + luminance(images).mean((2, 3), keepdim=True) * (1 - factor))


def saturated(images: Tensor, factor: Tensor) -> Tensor:
    """Blend each image with its grey version."""
    return clamped(images * factor + luminance(images) * (1 - factor)) if images.shape[1] == len(LUMA) else images


def turned(images: Tensor, turn: Tensor) -> Tensor:
    """Rotate the hue by a share of the circle, at the same saturation and value (Smith 1978)."""
    if images.shape[1] != len(LUMA):
        return images
    largest, least = _one_hot(images, torch.ge), _one_hot(images, torch.le)
    value = (largest * images).sum(1, keepdim=True)
    spread = value - (least * images).sum(1, keepdim=True)
    part = spread + (spread == 0)
    slant = (largest * (images.roll(-1, 1) - images.roll(-2, 1))).sum(1, keepdim=True)  # of red: green less blue
    sixth = slant / part + 2 * largest[:, 1:2] + 4 * largest[:, 2:]
    place = (sixth + 6 * turn + torch.tensor([5, 3, 1], device=images.device).view(1, 3, 1, 1)) % 6
    fall = torch.minimum(place, 4 - place).clamp(0, 1)
    return value * (1 - spread / (value + TINY) * fall)


def _one_hot(images: Tensor, beats: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return (n, 3, H, W): 1 at the first channel of each pixel that beats both others.

    On a CPU, differentiating sums of these is faster than differentiating `max` and `gather`.
    """
    red, green, blue = images.detach().unbind(1)
    first = beats(red, green) & beats(red, blue)
    second = ~first & beats(green, blue)
    return torch.stack([first, second, ~(first | second)], 1).to(images.dtype)


CHANGES: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (brightened, contrasted, saturated, turned)


def luminance(images: Tensor) -> Tensor:
    """Return the luma (n, 1, H, W) of images with three channels; for others, the mean of their channels."""
    if images.shape[1] != len(LUMA):
        return images.mean(1, keepdim=True)
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device).view(1, -1, 1, 1)
    return (images * weights).sum(1, keepdim=True)


def draw_contrastive(
    strength: float, count: int, size: tuple[int, int], side: int, generator: torch.Generator
) -> Contrastive:
    """Draw a view of `side` pixels for each of `count` images of `size` (H, W)."""
    device = generator.device
    box = draw_boxes(count, size, generator, 1 - 0.9 * strength)
    crop = ResizedCrop(box, draw_flips(count, generator), size, side, corners=True)
    spread = strength * torch.tensor([0.4, 0.4, 0.4, 0.1], dtype=torch.float64, device=device)[:, None]
    middle = torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.float64, device=device)[:, None]
    drawn = torch.rand((4, count), generator=generator, device=device).double()
    order = torch.rand(4, generator=generator, device=device).argsort().tolist()
    chance = torch.rand((2, count), generator=generator, device=device)
    jittered, grey = chance[0] < 0.8 * strength, chance[1] < 0.2 * strength
    return Contrastive(crop, middle + spread * (2 * drawn - 1), order, jittered, grey)


def drawer(task: Task, strength: float) -> Callable[[int], Contrastive]:
    """Return a function that draws views of n of a task's images, at the size that networks see."""
    side = task.augment.size or task.size[0]
    return lambda count: draw_contrastive(strength, count, task.size, side, task.generator)
