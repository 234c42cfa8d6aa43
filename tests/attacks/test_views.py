from collections import Counter
from types import ModuleType

import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.functional import pil_to_tensor, resized_crop, to_pil_image

from attacks.core.settings import Augment
from attacks.engine.views import Drift, ResizedCrop, Same, Shift, View, centre, draw, draw_drift

SIZE = (7, 9)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inner(one: Tensor, other: Tensor) -> float:
    return float((one * other).sum())


def crop(box: tuple[int, int, int, int], size: tuple[int, int], side: int, **options: bool) -> ResizedCrop:
    """Return the view of one image that shows a box (top, left, height, width), flipped if `flip` is given."""
    flip = torch.tensor([options.pop("flip", False)])
    return ResizedCrop(torch.tensor(box)[:, None], flip, size, side, **options)


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
        draw(Augment(kind="resized-crop", size=3, antialias=True), 6, SIZE, seeded(2)),
        draw_drift(0.3, 6, SIZE, seeded(1)),
    ],
    ids=["same", "shift", "smaller", "larger", "antialiased", "drift"],
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


@pytest.mark.parametrize("flip", [False, True])
def test_drift_reads_between_pixels_and_zero_outside(flip: bool) -> None:
    image = torch.rand(1, 2, *SIZE, dtype=torch.float64, generator=seeded())
    seen = Drift(torch.tensor([[1.25, -0.5]], dtype=torch.float64), torch.tensor([flip]), SIZE).apply(image)[0]
    padded = functional.pad(image[0].flip(2) if flip else image[0], (2, 2, 2, 2))
    right, left = padded[:, :, 2:-2], padded[:, :, 1:-3]  # half of this pixel, half of the one before
    across = (right + left) / 2
    expected = 0.75 * across[:, 3:-1] + 0.25 * across[:, 4:]
    torch.testing.assert_close(seen, expected, rtol=1e-12, atol=1e-12)


def test_drifts_reach_a_share_of_each_side() -> None:
    view = draw_drift(0.25, 4000, (8, 20), seeded()).apply(torch.ones(4000, 1, 8, 20, dtype=torch.float64))
    rows, columns = view[:, 0].amax(2).sum(1), view[:, 0].amax(1).sum(1)  # rows and columns that still show the image
    assert 6 <= rows.min() < 6.01
    assert 15 <= columns.min() < 15.02
    assert abs(torch.corrcoef(torch.stack([rows, columns]))[0, 1]) < 0.1


# larger and smaller than the views, in the middle and at each edge
BOXES = [(0, 0, 20, 24), (3, 5, 16, 16), (4, 8, 16, 8), (12, 0, 8, 24), (5, 6, 3, 4), (17, 21, 3, 3), (0, 0, 2, 5)]


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("box", BOXES)
def test_resized_crop_is_that_of_torchvision(box: tuple[int, int, int, int], antialias: bool) -> None:
    images = torch.rand(1, 3, 20, 24, dtype=torch.float64, generator=seeded())
    seen = crop(box, (20, 24), 8, antialias=antialias).apply(images)
    expected = resized_crop(images, *box, [8, 8], InterpolationMode.BILINEAR, antialias=antialias)
    torch.testing.assert_close(seen, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("box", BOXES)
def test_antialiased_crop_is_pillows_but_for_its_rounding(box: tuple[int, int, int, int]) -> None:
    levels = torch.randint(0, 256, (1, 3, 20, 24), generator=seeded(), dtype=torch.uint8)
    seen = crop(box, (20, 24), 8, antialias=True).apply(levels.double())[0]
    expected = resized_crop(to_pil_image(levels[0]), *box, [8, 8], InterpolationMode.BILINEAR)
    assert (seen - pil_to_tensor(expected)).abs().max() <= 1.01  # Pillow rounds after the columns and after the rows


@pytest.mark.parametrize("antialias", [True, False])
def test_resized_crop_flips_what_it_shows(antialias: bool) -> None:
    images, box = torch.rand(1, 3, 6, 7, dtype=torch.float64, generator=seeded()), (1, 0, 5, 4)
    plain, flipped = (crop(box, (6, 7), 3, flip=flip, antialias=antialias).apply(images) for flip in (False, True))
    torch.testing.assert_close(flipped, plain.flip(3))


def test_resized_crop_shows_nothing_outside_its_box() -> None:
    images = torch.ones(1, 1, 6, 7)
    images[:, :, 2:5, 1:5] = 0
    for side in (2, 9):
        assert crop((2, 1, 3, 4), (6, 7), side, antialias=True).apply(images).abs().max() == 0
        assert crop((2, 1, 3, 4), (6, 7), side).apply(images).abs().max() == 0


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


def boxes(count: int, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Draw boxes (top, left, height, width), read off their views of two ramps."""
    height, width = size
    down = torch.arange(height, dtype=torch.float64)[:, None].expand(size)
    right = torch.arange(width, dtype=torch.float64).expand(size)
    images = torch.stack([down, right]).expand(count, 2, height, width)
    seen = draw(Augment(kind="resized-crop", size=max(size), flip=False), count, size, seeded()).apply(images)
    first, last = seen[:, :, 0, 0].round().int(), seen[:, :, -1, -1].round().int()  # pixels of the box's corners
    return [(*start, *(end - start + 1)) for start, end in zip(first.numpy(), last.numpy(), strict=True)]


@pytest.mark.parametrize("size", [(40, 40), (40, 30), (16, 90), (90, 16)], ids=str)
def test_boxes_are_drawn_as_torchvision_does(size: tuple[int, int]) -> None:
    count = 2000
    torch.manual_seed(0)
    image = torch.empty(1, *size)
    theirs = [RandomResizedCrop.get_params(image, [0.08, 1], [3 / 4, 4 / 3]) for _ in range(count)]
    ours = boxes(count, size)
    for number in range(4):
        one, other = ([int(box[number]) for box in drawn] for drawn in (ours, theirs))
        assert ks_2samp(one, other).statistic < 1.95 * (2 / count) ** 0.5  # exceeded by chance once in a thousand
    areas = [[int(box[2]) * int(box[3]) for box in drawn] for drawn in (ours, theirs)]
    assert ks_2samp(*areas).statistic < 1.95 * (2 / count) ** 0.5


@pytest.mark.parametrize("size", [(10, 10), (12, 9), (4, 40), (40, 4)], ids=str)
def test_boxes_are_the_literal_ones(size: tuple[int, int], literal_views: ModuleType) -> None:
    count, augment = 200, Augment(kind="resized-crop", size=5)
    images = torch.rand(count, 2, *size, dtype=torch.float64, generator=seeded())
    view = draw(augment, count, size, seeded(5))
    expected = literal_views.look_at_all(list(images), augment, seeded(5))
    torch.testing.assert_close(view.apply(images), torch.stack(expected), rtol=1e-12, atol=1e-12)


def test_a_box_that_never_fits_is_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attacks.engine.views.LEAST_AREA", 1.01)
    assert set(boxes(20, (20, 20))) == {(0, 0, 20, 20)}
    assert set(boxes(20, (20, 60))) == {(0, 16, 20, 27)}
    assert set(boxes(20, (61, 20))) == {(17, 0, 27, 20)}


def test_centre() -> None:
    images = torch.arange(36.0).view(1, 1, 6, 6)
    assert torch.equal(centre(images, Augment(kind="resized-crop", size=4)), images[:, :, 1:5, 1:5])
    assert torch.equal(centre(images, Augment()), images)
