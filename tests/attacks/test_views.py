from collections import Counter
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resized_crop

from attacks.settings import Augment
from attacks.views import ResizedCrop, Same, Shift, View, centre, draw

SIZE = (7, 9)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inner(one: Tensor, other: Tensor) -> float:
    return float((one * other).sum())


def theta(top: int, left: int, height: int, width: int, size: tuple[int, int]) -> Tensor:
    """Return the map whose view is a box of whole pixels."""
    rows, columns = size
    return torch.tensor(
        [[[width / columns, 0, (2 * left + width) / columns - 1], [0, height / rows, (2 * top + height) / rows - 1]]],
        dtype=torch.float64,
    )


def test_shift_is_flip_pad_and_slice(literal_views: ModuleType) -> None:
    images, augment = torch.rand(40, 2, *SIZE, generator=seeded()), Augment(padding=3)
    view = draw(augment, len(images), SIZE, seeded(5))
    expected = literal_views.look_at_all(list(images), augment, seeded(5))
    assert torch.equal(view.apply(images), torch.stack(expected))


def test_shift_shows_zero_outside_the_image() -> None:
    view = Shift(torch.tensor([[2, -3]]), torch.tensor([True]), SIZE).apply(torch.ones(1, 1, *SIZE))[0, 0]
    assert view[-2:].sum() == view[:, :3].sum() == 0
    assert (view[:-2, 3:] == 1).all()


@pytest.mark.parametrize(
    "view",
    [
        Same(),
        draw(Augment(padding=3), 6, SIZE, seeded(1)),
        draw(Augment(kind="resized-crop", size=5), 6, SIZE, seeded(1)),
        draw(Augment(kind="resized-crop", size=12), 6, SIZE, seeded(2)),
    ],
    ids=["same", "shift", "smaller", "larger"],
)
def test_adjoint(view: View) -> None:
    images = torch.randn(6, 3, *SIZE, dtype=torch.float64, generator=seeded(3))
    seen = view.apply(images)
    other = torch.randn(seen.shape, dtype=torch.float64, generator=seeded(4))
    back = view.adjoint(other)
    assert back.shape == images.shape
    assert not back.requires_grad
    assert inner(seen, other) == pytest.approx(inner(images, back), rel=1e-6)
    each = (images * back).sum((1, 2, 3))  # no image's gradient reaches another image
    torch.testing.assert_close(each, (seen * other).sum((1, 2, 3)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("box", [(0, 0, 20, 24), (3, 5, 16, 16), (4, 8, 16, 8), (12, 0, 8, 24)])
def test_resized_crop_is_that_of_torchvision(box: tuple[int, int, int, int]) -> None:
    images = torch.rand(1, 3, 20, 24, dtype=torch.float64, generator=seeded())
    seen = ResizedCrop(theta(*box, (20, 24)), (20, 24), 8).apply(images)
    expected = resized_crop(images, *box, [8, 8], InterpolationMode.BILINEAR, antialias=False)
    torch.testing.assert_close(seen, expected, rtol=1e-6, atol=1e-6)


def test_resized_crop_flips() -> None:
    images = torch.rand(1, 3, 6, 6, generator=seeded())
    flipped = torch.eye(2, 3)[None] * torch.tensor([-1.0, 1, 1])
    torch.testing.assert_close(ResizedCrop(flipped, (6, 6), 6).apply(images), images.flip(3))


@pytest.mark.parametrize("flip", [True, False])
def test_every_offset_and_flip_is_drawn_equally_often(flip: bool) -> None:
    count, side = 5000, 9
    numbered = torch.arange(side * side, dtype=torch.float64).view(1, 1, side, side).expand(count, 1, side, side)
    view = draw(Augment(padding=2, flip=flip), count, (side, side), seeded()).apply(numbered)
    middle, right = view[:, 0, 4, 4], view[:, 0, 4, 5]  # within 2 pixels of the centre, so never padding
    times = Counter(zip(middle.tolist(), (right - middle).tolist(), strict=True))
    places = {
        (row * side + column, step) for row in range(2, 7) for column in range(2, 7) for step in (1, -1)[: 1 + flip]
    }
    assert set(times) == places
    expected = count / len(places)
    assert all(abs(seen - expected) < 5 * expected**0.5 for seen in times.values())


def test_resized_crop_draws_boxes_inside_the_image() -> None:
    count, side = 4000, 10
    ramp = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)  # a pixel's value is the place of its centre
    images = torch.stack([ramp[:, None].expand(10, 10), ramp.expand(10, 10)]).expand(count, 2, 10, 10)
    view = draw(Augment(kind="resized-crop", size=side), count, (10, 10), seeded()).apply(images)
    # read between two inner pixels, where the border does not bend the ramp
    height = (view[:, 0, 5, 5] - view[:, 0, 4, 5]) * side
    width = (view[:, 1, 5, 5] - view[:, 1, 5, 4]) * side
    area, middle = height * width.abs(), (view[:, 1, 5, 5] + view[:, 1, 5, 4]) / 2
    assert 0.079 < area.min() < 0.085
    assert 0.95 < area.max() <= 1 + 1e-5
    assert 0.45 < (width < 0).double().mean() < 0.55
    free = (height < 0.999) & (width.abs() < 0.999)
    ratio = (width.abs() / height)[free]
    assert 0.74 < ratio.min() < 0.77
    assert 1.3 < ratio.max() < 1.35
    assert (middle - width.abs() / 2).min() > -1e-5
    assert (middle + width.abs() / 2).max() < 1 + 1e-5
    assert (middle - width.abs() / 2).min() < 0.01
    assert (middle + width.abs() / 2).max() > 0.99


def test_centre() -> None:
    images = torch.arange(36.0).view(1, 1, 6, 6)
    assert torch.equal(centre(images, Augment(kind="resized-crop", size=4)), images[:, :, 1:5, 1:5])
    assert torch.equal(centre(images, Augment()), images)
