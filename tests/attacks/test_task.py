from collections.abc import Callable
from dataclasses import replace

import torch

from attacks.task import Task


def test_images_are_given_as_pixels_by_index(task: Callable[..., Task]) -> None:
    images = torch.arange(120, dtype=torch.uint8).view(2, 3, 4, 5)
    given = replace(task(precision="fp64"), images=images)
    assert given.size == (4, 5)
    seen = given.pixels(torch.tensor([1, 0, 1]))
    assert torch.equal(seen, torch.stack([images[1], images[0], images[1]]).double() / 255)
