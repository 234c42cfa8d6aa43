"""OPS (one-pixel shortcut).

Wu et al., "One-Pixel Shortcut: On the Learning Preference of Deep Neural Networks", ICLR 2023, as in the released code:
for each class in order, the pixel and the corner of the colour cube are chosen that maximise the mean divided by the
standard deviation, both over images and channels, of the absolute difference between corner and pixel; no two classes
share a pair. The pixel takes that colour in every image of the class. Nothing is random: all seeds give the same noise.

Differences from the released code: any number of channels and classes is allowed; a pixel with zero standard deviation
ranks above all others, by the size of its change, whereas there a division by zero decides; ties go to the first colour
(black first, the last channel fastest), then to the first pixel in raster order, whereas there the sort decides.
"""

from typing import TYPE_CHECKING

from attacks.recipes.drawn import Drawn
from attacks.spec import Method, Paper
from attacks.task import Task, chunks

if TYPE_CHECKING:
    from torch import Tensor

TINY = 1e-9  # ranks a pixel with zero deviation above all others, whose scores are at most 255^2 count^2


def one_pixel(task: Task) -> "Tensor":
    """Return the noise that sets one pixel of each image.

    Raises:
        ValueError: if there are more classes than pairs of pixel and colour.
    """
    import torch

    channels, height, width = task.images.shape[1:]
    colours = torch.cartesian_prod(*[torch.arange(2, device=task.images.device)] * channels).view(-1, channels)
    taken = torch.zeros(len(colours), height, width, dtype=torch.bool, device=task.images.device)
    noise = task.runtime.empty(task.images.shape, torch.int16).zero_()
    for label in range(task.classes):
        images = task.images[task.labels == label]
        if len(images) == 0:
            continue
        if taken.all():
            raise ValueError(f"one-pixel shortcuts for {task.classes} classes do not fit into {height}x{width} pixels")
        found = int(pixel_scores(images, colours).masked_fill_(taken, -1).argmax())
        taken.view(-1)[found] = True
        colour, place = divmod(found, height * width)
        row, column = divmod(place, width)
        noise[..., row, column][task.labels == label] = (255 * colours[colour] - images[..., row, column]).short()
    return noise


def pixel_scores(images: "Tensor", colours: "Tensor") -> "Tensor":
    """Return the squared mean over variance (colours, H, W) of the absolute difference between colour and pixel.

    The sums are integers, so that rounding on a device never decides a tie.

    Args:
        images: uint8 (n, C, H, W); n * C up to ten million.
        colours: (colours, C), 0 or 1.
    """
    import torch

    total = torch.zeros(images.shape[1:], dtype=torch.int64, device=images.device)
    squares = total.clone()
    for part in chunks(images):
        total += images[part].sum(0)
        squares += images[part].int().square_().sum(0)
    count, channel = len(images), torch.arange(colours.shape[1], device=images.device)
    distance = torch.stack([total, 255 * count - total])  # from black, from white
    square = torch.stack([squares, 255**2 * count - 510 * total + squares])
    sums = distance[colours, channel].sum(1)
    variance = count * len(channel) * square[colours, channel].sum(1) - sums.square()
    return sums.square().double() / variance.double().clamp_min_(TINY)


OPS_WU23 = Method(
    name="ops-wu23",
    title="one-pixel shortcut: one pixel of one colour per class",
    paper=Paper(
        key="wu2023one",
        title="One-Pixel Shortcut: On the Learning Preference of Deep Neural Networks",
        authors=("Shutong Wu", "Sizhe Chen", "Cihang Xie", "Xiaolin Huang"),
        year=2023,
        venue="ICLR 2023",
        identifier="arXiv:2205.12141",
        code="cychomatica/One-Pixel-Shotcut",
    ),
    bound="one pixel",
    bounded=False,
    granularity="class",
    source="Wu et al., ICLR 2023",
    recipe=Drawn(draw=one_pixel),
)
