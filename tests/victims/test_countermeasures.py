import io
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from attacks.core import arrays
from attacks.core.cost import Passes
from attacks.core.errors import RequestError
from attacks.core.runtime import Runtime
from attacks.core.settings import Section
from attacks.core.state import NullKeeper
from victims.countermeasures import COUNTERMEASURES, countermeasure
from victims.countermeasures.bilateral import BILATERAL
from victims.countermeasures.bit_depth_2 import BIT_DEPTH_2
from victims.countermeasures.cutmix import CUTMIX
from victims.countermeasures.cutmix_apbench import CUTMIX_APBENCH
from victims.countermeasures.cutout import CUTOUT
from victims.countermeasures.gaussian_blur import GAUSSIAN_BLUR
from victims.countermeasures.grayscale import GRAYSCALE, drain
from victims.countermeasures.jpeg import JPEG_10, JPEG_30, JPEG_50, JPEG_70
from victims.countermeasures.jpeg_grayscale import JPEG_GRAYSCALE
from victims.countermeasures.mean_3x3 import MEAN_3X3
from victims.countermeasures.median_3x3 import MEDIAN_3X3
from victims.countermeasures.mixup import MIXUP
from victims.countermeasures.orthogonal_projection import ORTHOGONAL_PROJECTION
from victims.countermeasures.spec import Countermeasure, Pairs, Preparation, by_parts
from victims.countermeasures.ueraser import UERASER

CLASSES = 5
TINY = {  # numbers of those that learn
    "adversarial-noise": {"steps": 2, "batch": 3, "hidden": 4},
    "d-vae": {"steps": 2, "batch": 3, "width": 2, "code": 2, "free": 1},
    "leaked-pairs": {"steps": 2, "batch": 3, "pairs": 2, "width": 2},
}


def photographs(count: int = 3, channels: int = 3, size: tuple[int, int] = (9, 8)) -> Tensor:
    """Return uint8 images (count, channels, H, W) of all levels, smooth enough for neighbours to matter."""
    rough = torch.rand(count, channels, size[0] + 2, size[1] + 2, generator=seeded(1))
    smooth = torch.nn.functional.avg_pool2d(rough, 3, stride=1)
    low, high = smooth.amin((1, 2, 3), keepdim=True), smooth.amax((1, 2, 3), keepdim=True)
    return ((smooth - low) / (high - low) * 255).round().to(torch.uint8)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def no_network(name: str) -> nn.Module:
    raise AssertionError("a filter builds no network")


def given(images: Tensor, labels: Tensor | None = None) -> Preparation:
    return Preparation(
        images=images,
        labels=torch.arange(len(images)) % 2 if labels is None else labels,
        test=images[:2].clone(),
        pairs=Pairs(clean=images[:2], protected=images[:2]),
        classes=CLASSES,
        settings=Section.model_validate(TINY),
        network=no_network,
        generator=seeded(),
        runtime=Runtime(device=torch.device("cpu"), precision="fp32"),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )


def own_tables(known: Countermeasure) -> set[str]:
    return {read.table for read in known.reads if not isinstance(read, str)}


def prepared(known: Countermeasure, images: Tensor) -> Tensor:
    assert known.prepare is not None
    before = images.clone()
    found = known.prepare(given(images))
    assert torch.equal(images, before)
    assert (found.images.dtype, found.images.shape) == (torch.uint8, images.shape)
    assert found.passes == (known.passes(Section.model_validate(TINY), len(images)) if known.passes else Passes())
    if found.test is not None:
        assert torch.equal(found.test, drain(images[:2]))
    return found.images


def mixed(known: Countermeasure, images: Tensor, labels: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
    assert known.mix is not None
    return known.mix(images, labels, CLASSES, seeded(seed))


def mirror(place: int, size: int) -> int:
    return size - 1 - abs(size - 1 - abs(place))


def repeat(place: int, size: int) -> int:
    return min(max(place, 0), size - 1)


@pytest.mark.parametrize("name", [name for name, known in COUNTERMEASURES.items() if known.prepare])
def test_large_prepared_images_lie_in_a_file(
    name: str, lies_in: Callable[[np.ndarray, Path], bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "LARGE", 100)
    images = torch.randint(256, (8, 3, 8, 8), generator=seeded(), dtype=torch.uint8)
    for_all = given(images)
    prepare = COUNTERMEASURES[name].prepare
    assert prepare is not None
    found = prepare(replace(for_all, runtime=replace(for_all.runtime, scratch=tmp_path)))
    assert lies_in(found.images.numpy(), tmp_path)


def test_names() -> None:
    assert all(countermeasure(name).name == name for name in COUNTERMEASURES)
    with pytest.raises(RequestError, match=r"unknown countermeasure 'cut-out'; did you mean 'cutout'\?"):
        countermeasure("cut-out")


def test_listing_needs_nothing_heavy() -> None:
    code = (
        "import sys; from victims.countermeasures import COUNTERMEASURES; print(len(COUNTERMEASURES)); "
        "assert not {'torch', 'torchvision', 'kornia', 'sklearn', 'PIL'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(COUNTERMEASURES)


def test_only_those_without_colour_change_test_images() -> None:
    task = given(photographs(2))
    changing = [
        name for name, known in COUNTERMEASURES.items() if known.prepare and known.prepare(task).test is not None
    ]
    assert changing == ["grayscale", "jpeg-grayscale"]


def test_what_learns_is_kept_and_has_numbers_of_its_own() -> None:
    learning = {known.name: own_tables(known) for known in COUNTERMEASURES.values() if known.passes}
    assert {"adversarial-noise", "d-vae", "leaked-pairs"} <= learning.keys()
    assert all(learning.values())
    assert {table for tables in learning.values() for table in tables} == TINY.keys()


@pytest.mark.parametrize("name", [name for name, known in COUNTERMEASURES.items() if known.prepare])
def test_a_preparation_reads_only_the_tables_that_it_declares(name: str) -> None:
    """Its key has no others."""
    known, images = COUNTERMEASURES[name], photographs(4, size=(13, 13))
    others = {table: {key: value + 1 for key, value in numbers.items()} for table, numbers in TINY.items()}
    changed = others | {table: TINY[table] for table in own_tables(known)}
    found = []
    for numbers in (TINY, changed):
        torch.manual_seed(0)  # as before every preparation
        assert known.prepare is not None
        found.append(known.prepare(replace(given(images), settings=Section.model_validate(numbers))))
    assert torch.equal(found[0].images, found[1].images)
    assert found[0].passes == found[1].passes


def test_only_leaked_pairs_asks_for_clean_images() -> None:
    assert [name for name, known in COUNTERMEASURES.items() if known.pairs] == ["leaked-pairs"]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", COUNTERMEASURES)
def test_grey_and_colour_and_other_shapes(name: str, channels: int) -> None:
    known = countermeasure(name)
    size = (13, 13) if name == "adversarial-noise" else (12, 14)  # its views are square
    images = photographs(4, channels, size)
    if known.prepare:
        images = prepared(known, images)
    batch, labels = images.double() / 255, torch.arange(4)
    if known.augment:
        batch = known.augment(batch, seeded())
    if known.mix:
        batch, targets = known.mix(batch, labels, CLASSES, seeded())
        assert (targets.dtype, targets.shape) == (torch.float64, (4, CLASSES))
    assert (batch.dtype, batch.shape) == (torch.float64, (4, channels, *size))
    assert 0 <= batch.min() <= batch.max() <= 1
    assert not batch.requires_grad


@pytest.mark.parametrize("name", [name for name, known in COUNTERMEASURES.items() if known.augment or known.mix])
def test_draws_come_from_the_generator_alone(name: str) -> None:
    known = countermeasure(name)
    images, labels = photographs(16, size=(9, 9)) / 255, torch.arange(16) % CLASSES

    def draw(generator: torch.Generator) -> Tensor:
        return known.augment(images, generator) if known.augment else known.mix(images, labels, CLASSES, generator)[0]

    torch.manual_seed(3)
    before = torch.get_rng_state()
    generator = seeded()
    first, second = draw(generator), draw(generator)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert torch.equal(draw(seeded()), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("known", "weights"),
    [(MEAN_3X3, [[1, 1, 1], [1, 1, 1], [1, 1, 1]]), (GAUSSIAN_BLUR, [[1, 2, 1], [2, 4, 2], [1, 2, 1]])],
)
def test_weighted_means(known: Countermeasure, weights: list[list[int]], channels: int) -> None:
    images = photographs(channels=channels)
    found = prepared(known, images)
    total = sum(map(sum, weights))
    for (n, c, y, x), value in np.ndenumerate(found.numpy()):
        near = sum(
            weights[dy + 1][dx + 1] * int(images[n, c, mirror(y + dy, 9), mirror(x + dx, 8)])
            for dy in (-1, 0, 1)
            for dx in (-1, 0, 1)
        )
        assert value == math.floor(near / total + 0.5)


def test_median() -> None:
    images = photographs()
    for (n, c, y, x), value in np.ndenumerate(prepared(MEDIAN_3X3, images).numpy()):
        near = [images[n, c, repeat(y + dy, 9), repeat(x + dx, 8)] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        assert value == sorted(map(int, near))[4]


@pytest.mark.parametrize("channels", [1, 3])
def test_bilateral(channels: int) -> None:
    images = photographs(1, channels)
    pixels, found = images.double().numpy(), prepared(BILATERAL, images)
    for y, x in np.ndindex(9, 8):
        total, weights = np.zeros(channels), 0.0
        for dy, dx in np.ndindex(9, 9):
            away = math.hypot(dy - 4, dx - 4)
            if away > 4:
                continue
            near = pixels[0, :, mirror(y + dy - 4, 9), mirror(x + dx - 4, 8)]
            colour = np.abs(near - pixels[0, :, y, x]).sum()
            weight = math.exp(-(colour**2) / (2 * 75**2)) * math.exp(-(away**2) / (2 * 75**2))
            total, weights = total + weight * near, weights + weight
        assert found[0, :, y, x].tolist() == np.floor(total / weights + 0.5).tolist()


def test_filters_take_more_images_than_a_part() -> None:
    images = photographs(230)
    whole = prepared(MEDIAN_3X3, images)
    assert torch.equal(whole[[0, 99, 100, 229]], prepared(MEDIAN_3X3, images[[0, 99, 100, 229]]))


@pytest.mark.parametrize(
    ("side", "images", "count", "parts"),
    [(32, 1300, 1024, [1024, 276]), (64, 1300, 1024, [682, 618]), (1024, 5, 100, [2, 2, 1]), (3000, 2, 100, [1, 1])],
)
def test_parts_have_fewer_images_where_these_are_large(side: int, images: int, count: int, parts: list[int]) -> None:
    shown = torch.zeros(1, 3, 1, 1, dtype=torch.uint8).expand(images, 3, side, side)
    seen = []

    def change(part: slice) -> Tensor:
        seen.append(len(shown[part]))
        return shown[part]

    assert by_parts(change, shown, Runtime(device=torch.device("cpu"), precision="fp32"), count).shape == shown.shape
    assert seen == parts


def test_grayscale_is_pillows() -> None:
    images = torch.randint(0, 256, (2, 3, 60, 60), generator=seeded(), dtype=torch.uint8)
    for image, found in zip(images, prepared(GRAYSCALE, images), strict=True):
        expected = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L"))
        assert all(np.array_equal(channel.numpy(), expected) for channel in found)
    grey = photographs(channels=1)
    assert torch.equal(prepared(GRAYSCALE, grey), grey)


def pillows_jpeg(image: Tensor, quality: int) -> Image.Image:
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy().squeeze()).save(file, "JPEG", quality=quality)
    return Image.open(file)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("known", "quality"), [(JPEG_10, 10), (JPEG_30, 30), (JPEG_50, 50), (JPEG_70, 70)])
def test_jpeg_is_pillows(known: Countermeasure, quality: int, channels: int) -> None:
    images = photographs(channels=channels, size=(16, 24))
    for image, found in zip(images, prepared(known, images), strict=True):
        assert np.array_equal(found.permute(1, 2, 0).numpy().squeeze(), np.asarray(pillows_jpeg(image, quality)))


def test_jpeg_comes_before_the_loss_of_colour() -> None:
    images = photographs(size=(16, 24))
    for image, found in zip(images, prepared(JPEG_GRAYSCALE, images), strict=True):
        expected = np.asarray(pillows_jpeg(image, 10).convert("L"))
        assert all(np.array_equal(channel.numpy(), expected) for channel in found)


def test_two_bits_are_left() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert prepared(BIT_DEPTH_2, levels).flatten().tolist() == [64 * (level // 64) for level in range(256)]


def test_cutout_erases_a_square_of_half_the_side_per_image() -> None:
    assert CUTOUT.augment is not None
    count, side = 400, 16
    found = CUTOUT.augment(torch.ones(count, 3, side, side), seeded())
    black = found[:, 0] == 0
    assert torch.equal(found, 1 - black[:, None].expand_as(found).float())
    heights, widths = black.any(2).sum(1), black.any(1).sum(1)
    assert torch.equal(black.sum((1, 2)), heights * widths)
    # a centre at y covers those of the rows y - 4 to y + 3 that lie inside the image
    expected = [min(centre + 4, side) - max(centre - 4, 0) for centre in range(side)]
    assert set(heights.tolist()) == set(widths.tolist()) == set(expected)
    assert heights.double().mean() == pytest.approx(np.mean(expected), abs=0.3)
    corners = {(int(image.any(1).int().argmax()), int(image.any(0).int().argmax())) for image in black}
    assert len(corners) > 100


@pytest.mark.parametrize("known", [CUTMIX, CUTMIX_APBENCH, MIXUP])
def test_mixed_labels_are_those_of_the_pixels(known: Countermeasure) -> None:
    # image n has level n everywhere, so each pixel of a mixed image shows which image it comes from
    count = 300
    levels, labels = torch.arange(count, dtype=torch.float64), torch.arange(count) % CLASSES
    images, targets = mixed(known, (levels / count)[:, None, None, None].expand(-1, 3, 8, 10).contiguous(), labels)
    torch.testing.assert_close(targets.sum(1), torch.ones(count, dtype=torch.float64))
    blends = images * count
    partners = partners_of(known, blends, levels)
    other = levels[partners]
    apart = partners != torch.arange(count)
    share = ((blends.mean((1, 2, 3)) - other) / (levels - other))[apart]  # of the image's own pixels
    assert apart.sum() > count - 10
    expected = torch.zeros(len(share), CLASSES, dtype=torch.float64)
    rows = torch.arange(len(share))
    expected[rows, labels[apart]] += share
    expected[rows, labels[partners][apart]] += 1 - share
    torch.testing.assert_close(targets[apart], expected)
    quarter = [((share >= low) & (share < low + 0.25)).double().mean().item() for low in (0, 0.25, 0.5, 0.75)]
    if known is MIXUP:  # lambda is uniform; CutMix's boxes may be cut off at the edge, and have integer sides
        assert quarter == pytest.approx([0.25] * 4, abs=0.08)
    assert len(torch.unique(share.round(decimals=6))) > 10


def partners_of(known: Countermeasure, blends: Tensor, levels: Tensor) -> Tensor:
    """Return the image that each was mixed with, by repeating the first draw, a permutation."""
    partners = torch.randperm(len(blends), generator=seeded())
    if known is not MIXUP:  # every pixel is one image's or the other's, and there is one box
        own, other = levels[:, None, None, None], levels[partners][:, None, None, None]
        from_other = (blends - other).abs() < 1e-9
        assert bool((from_other | ((blends - own).abs() < 1e-9)).all())
        box = from_other[partners != torch.arange(len(blends))][:, 0]
        assert torch.equal(box.sum((1, 2)), box.any(2).sum(1) * box.any(1).sum(1))
    return partners


@pytest.mark.parametrize(("known", "own"), [(CUTMIX, 0.70), (CUTMIX_APBENCH, 0.52)])
def test_a_box_over_the_edge_leaves_more_of_the_own_label(known: Countermeasure, own: float) -> None:
    count, labels, generator = 3000, torch.arange(3000), seeded()
    assert known.mix is not None
    _, targets = known.mix(torch.zeros(count, 1, 32, 32), labels, count, generator)
    assert targets[labels, labels].mean() == pytest.approx(own, abs=0.02)


@pytest.mark.parametrize("size", [(8, 10), (32, 32)])
def test_apbenchs_box_is_the_literal_one(size: tuple[int, int]) -> None:
    assert CUTMIX_APBENCH.mix is not None
    count, literal = 200, seeded(3)
    images = torch.rand(count, 3, *size, generator=seeded())
    found, targets = CUTMIX_APBENCH.mix(images, torch.arange(count), count, seeded(3))
    partners = torch.randperm(count, generator=literal).tolist()
    lambdas = torch.rand(count, generator=literal).tolist()
    shares = torch.rand(2, generator=literal).tolist()
    for n, (partner, kept) in enumerate(zip(partners, lambdas, strict=True)):
        sides = [math.floor(math.sqrt(1 - kept) * side) for side in size]
        top, left = (max(math.floor(u * (side - cut - 1)), 0) for u, side, cut in zip(shares, size, sides, strict=True))
        expected = images[n].clone()
        window = (slice(None), slice(top, top + sides[0]), slice(left, left + sides[1]))
        expected[window] = images[partner][window]
        assert torch.equal(found[n], expected)
        if partner != n:
            assert float(targets[n, partner]) == pytest.approx(sides[0] * sides[1] / (size[0] * size[1]))


def test_ueraser_draws_per_image() -> None:
    assert UERASER.augment is not None
    image = photographs(1, size=(16, 16)) / 255
    found = UERASER.augment(image.repeat(60, 1, 1, 1), seeded())
    assert len(torch.unique(found.flatten(1), dim=0)) > 50
    # an operation drawn for the whole batch would move all images or none
    shifted = [bool((one[:, :3] == 0).all() or (one[:, -3:] == 0).all()) for one in found]
    assert 0 < sum(shifted) < 40


def test_projection_takes_away_what_a_linear_classifier_sees() -> None:
    generator = seeded(2)
    images = torch.randint(40, 216, (1200, 3, 6, 6), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 3, (1200,), generator=generator)
    patterns = torch.randint(0, 2, (3, 3, 6, 6), generator=generator) * 60 - 30
    protected = (images.int() + patterns[labels]).to(torch.uint8)
    assert ORTHOGONAL_PROJECTION.prepare is not None
    projected = ORTHOGONAL_PROJECTION.prepare(given(protected, labels)).images
    assert projected.dtype == torch.uint8
    assert held_out_accuracy(protected, labels) > 0.95
    assert held_out_accuracy(projected, labels) < 0.45
    moved = (projected.double() - protected.double()).flatten(1)
    assert (
        torch.linalg.matrix_rank(moved, atol=500) == 2
    )  # three classes differ in two directions; the rest is rounding


def test_projection_is_the_literal_one_in_an_order_that_mixes_the_classes() -> None:
    images, labels = photographs(2500, size=(4, 3)), torch.arange(2500) // 500  # sorted by class, as in a folder
    order = torch.randperm(2500, generator=seeded())
    pixels, wanted = images[order].flatten(1).float() / 255, labels[order]
    linear = nn.Linear(36, 5, bias=False)
    nn.init.zeros_(linear.weight)
    optimiser = torch.optim.SGD(linear.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [490, 735])
    batches = list(zip(pixels.split(1024), wanted.split(1024), strict=True))
    for step in range(980):
        batch, target = batches[step % len(batches)]
        optimiser.zero_grad()
        nn.functional.cross_entropy(linear(batch), target).backward()
        optimiser.step()
        schedule.step()
    _, values, directions = torch.linalg.svd(linear.weight.detach().double(), full_matrices=False)
    basis = directions[:4].T  # weights that start at zero sum to zero: five classes span four directions
    assert values[4] < 1e-5 * values[3]
    whole = images.flatten(1).double()
    expected = (whole - (whole @ basis) @ basis.T).round().clamp(0, 255)
    assert ORTHOGONAL_PROJECTION.prepare is not None
    found = ORTHOGONAL_PROJECTION.prepare(given(images, labels)).images.flatten(1).double()
    assert (found - expected).abs().max() <= 1  # by rounding
    assert (found != expected).double().mean() < 0.01


def held_out_accuracy(images: Tensor, labels: Tensor) -> float:
    """Return the accuracy of a logistic regression on images that it was not fitted to."""
    pixels, half = images.flatten(1).numpy() / 255, len(images) // 2
    fitted = LogisticRegression(max_iter=500).fit(pixels[:half], labels[:half].numpy())
    return float(fitted.score(pixels[half:], labels[half:].numpy()))
