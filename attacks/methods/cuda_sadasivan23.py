"""CUDA (convolution-based unlearnable data).

Sadasivan et al., "CUDA: Convolution-based Unlearnable Datasets", CVPR 2023, and its released code: each class has one
3x3 filter, with weights uniform between 0 and 0.3 except for one entry, at a random position, set to 1 (released code
for CIFAR, used for all sizes here); every channel is zero-padded and convolved with it, and the image is divided by its
largest value and truncated to the 1/255 grid. The change of an image is not bounded. Difference from the released code:
a black image, which would be divided by zero, is unchanged.
"""

from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method, Paper
from attacks.task import Task, chunks

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 3
BLUR = 0.3
TINY = 1e-12  # below any non-zero value of an image


def convolved(task: Task) -> "Tensor":
    """Return the difference between each image convolved with its class's filter and the image."""
    import torch

    weights = filters(task)
    noise = task.runtime.empty(task.images.shape, torch.int16)
    for part in chunks(task.images):
        images = task.images[part]
        new = correlate(images.to(task.runtime.dtype).div_(255), weights[task.labels[part]])
        largest = new.amax((1, 2, 3), keepdim=True).clamp_min_(TINY)
        noise[part] = new.div_(largest).mul_(255).trunc_().sub_(images).to(torch.int16)
    return noise


def filters(task: Task) -> "Tensor":
    """Draw one filter per class, (classes, 3, 3)."""
    import torch

    device = task.runtime.device
    weights = torch.empty(task.classes, SIDE * SIDE, dtype=task.runtime.dtype, device=device)
    weights.uniform_(0, BLUR, generator=task.generator)
    ones = torch.randint(SIDE * SIDE, (task.classes, 1), generator=task.generator, device=device)
    return weights.scatter_(1, ones, 1.0).view(-1, SIDE, SIDE)


def correlate(images: "Tensor", weights: "Tensor") -> "Tensor":
    """Return images (n, C, H, W), each channel correlated with its image's filter (n, 3, 3), zero-padded.

    An explicit sum, since a convolution may be computed in TF32, whose rounding shows on the 1/255 grid.
    """
    from torch.nn import functional

    height, width = images.shape[2:]
    padded = functional.pad(images, (SIDE // 2,) * 4)
    found = images.new_zeros(images.shape)
    for row in range(SIDE):
        for column in range(SIDE):
            window = padded[:, :, row : row + height, column : column + width]
            found.addcmul_(window, weights[:, row, column].view(-1, 1, 1, 1))
    return found


CUDA_SADASIVAN23 = Method(
    name="cuda-sadasivan23",
    title="class-wise convolution: one random filter per class",
    paper=Paper(
        key="sadasivan2023cuda",
        title="CUDA: Convolution-based Unlearnable Datasets",
        authors=("Vinu Sankar Sadasivan", "Mahdi Soltanolkotabi", "Soheil Feizi"),
        year=2023,
        venue="CVPR 2023",
        identifier="arXiv:2303.04278",
        code="vinusankars/Convolution-based-Unlearnability",
    ),
    bound="none",
    bounded=False,
    granularity="class",
    source="Sadasivan et al., CVPR 2023",
    recipe=Drawn(draw=convolved),
    version=2,  # 1 rounded the new image
)
