"""Countermeasures that change random views, each against a literal transcription."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.fft import dctn, idctn
from scipy.ndimage import correlate, map_coordinates
from torch import Tensor

from victims.countermeasures import coin, rsk_ff, ueraser
from victims.countermeasures.adversarial_noise import draw_strong_view
from victims.countermeasures.grayscale_noise import disturb

LUMA = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).view(1, 3, 1, 1)


def pictures(count: int = 3, channels: int = 3, size: tuple[int, int] = (9, 8)) -> Tensor:
    """Return random images (count, channels, H, W) in [0, 1]."""
    return torch.rand(count, channels, *size, generator=seeded(5), dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("channels", [1, 3])
def test_coin_reads_each_pixel_at_the_place_that_it_draws(channels: int) -> None:
    images = pictures(4, channels)
    found = coin.displace(images, seeded(2))
    down, right = 4 * torch.rand(2, 4, 9, 8, generator=seeded(2)).double() - 2
    rows, columns = np.meshgrid(np.arange(9), np.arange(8), indexing="ij")
    for n, image in enumerate(images):
        for channel, seen in zip(image, found[n], strict=True):
            places = np.stack([rows + down[n].numpy(), columns + right[n].numpy()])
            expected = map_coordinates(channel.numpy(), places, order=1, mode="wrap")
            np.testing.assert_allclose(seen.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("channels", [1, 3])
def test_rsk_ff_sharpens_then_keeps_low_frequencies(channels: int) -> None:
    images = pictures(4, channels, (20, 14))
    found = rsk_ff.change(images, seeded(2))
    drawn = 0.1 * torch.randn(5, 4, generator=seeded(2), dtype=torch.float64)
    for n, image in enumerate(images):
        centre = 2.5 + float(drawn[0, n])
        up, left, right, down = ((centre - 1) / 4 + float(drawn[side, n]) for side in range(1, 5))
        kernel = np.array([[0, -up, 0], [-left, centre, -right], [0, -down, 0]])
        for channel, seen in zip(image, found[n], strict=True):
            sharp = np.clip(correlate(channel.numpy(), kernel, mode="mirror"), 0, 1)
            waves = dctn(sharp, norm="ortho")
            waves[6:], waves[:, 4:] = 0, 0
            np.testing.assert_allclose(seen.numpy(), np.clip(idctn(waves, norm="ortho"), 0, 1), atol=1e-12)


def test_kernels_vary_as_they_should() -> None:
    kernels = rsk_ff.draw_kernels(20_000, seeded())
    assert kernels.mean(1).tolist() == pytest.approx([2.5] + [-0.375] * 4, abs=0.01)
    assert kernels.std(1).tolist() == pytest.approx([0.1] + [math.hypot(0.1, 0.025)] * 4, abs=0.01)


def test_two_in_five_lose_their_colour_and_all_get_noise() -> None:
    images = 0.3 + 0.4 * pictures(2000, size=(4, 4))
    found = disturb(images, seeded())
    grey = (images * LUMA).sum(1, keepdim=True).expand_as(images)
    far, near = ((found - known).square().mean((1, 2, 3)).sqrt() for known in (images, grey))
    lost = near < far
    assert lost.double().mean() == pytest.approx(0.4, abs=0.03)
    rest = torch.where(lost[:, None, None, None], found - grey, found - images)
    assert (rest.mean(), rest.std()) == pytest.approx((0, 0.05), abs=1e-3)
    assert rest[lost].std(1).mean() > 0.03  # each channel has its own noise, even on grey images


def test_noise_is_cut_off_at_black_and_white() -> None:
    for level in (0, 1):
        found = disturb(torch.full((4, 3, 8, 8), float(level)), seeded())
        assert (found == level).double().mean() == pytest.approx(0.5, abs=0.1)
        assert 0 <= found.min() <= found.max() <= 1


def test_strong_views_are_crops_with_other_colours() -> None:
    ramp = torch.linspace(0, 1, 16, dtype=torch.float64)
    images = torch.stack([ramp.expand(16, 16), ramp.expand(16, 16).T, torch.full((16, 16), 0.5).double()])
    seen = draw_strong_view(images.expand(400, 3, 16, 16), seeded())
    across = seen.amax((2, 3)) - seen.amin((2, 3))
    assert across[:, 0].min() < 0.35  # boxes are at least a tenth of the area
    alike = (seen[:, :1] == seen).all(1).flatten(1).all(1).double().mean()
    assert alike == pytest.approx(0.2, abs=0.05)  # grey
    assert len(torch.unique(seen.flatten(1), dim=0)) > 390


@pytest.mark.parametrize(
    ("known", "chance", "intensity", "roughness", "jpeg"),
    [
        (ueraser.UERASER, 0.5, (0.5, 1.0), (0.3, 0.7), False),
        (ueraser.UERASER_MAX, 0.5, (0.5, 1.0), (0.3, 0.7), False),
        (ueraser.UERASER_MAX_APBENCH, 1.0, (0.5, 1.0), (0.3, 0.7), False),
        (ueraser.UERASER_MAX_APBENCH_JPEG, 0.8, (0.5, 1.0), (0.3, 0.7), True),
        (ueraser.UERASER_MAX_APBENCH_IMAGENET, 1.0, (0.3, 1.0), (0.1, 0.7), True),
    ],
    ids=lambda value: value.name if hasattr(value, "name") else "",
)
def test_uerasers_are_kornias_with_their_numbers(
    known: ueraser.Countermeasure,
    chance: float,
    intensity: tuple[float, float],
    roughness: tuple[float, float],
    jpeg: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kornia.augmentation import RandomChannelShuffle, RandomPlasmaBrightness, RandomPlasmaContrast

    monkeypatch.setattr(ueraser, "_trivially_augmented", lambda images: images)
    images = (255 * pictures(12, size=(16, 16))).round() / 255
    assert known.augment is not None
    found = known.augment(images, seeded(3))
    torch.manual_seed(int(torch.randint(2**62, (), generator=seeded(3))))
    shown = images
    if jpeg:
        qualities = torch.randint(10, 100, (12,)).tolist()
        shown = torch.stack([as_jpeg(image, quality) for image, quality in zip(images, qualities, strict=True)])
    shown = RandomPlasmaBrightness(roughness=(0.3, 0.7), intensity=intensity, p=chance)(shown)
    shown = RandomPlasmaContrast(roughness=roughness, p=chance)(shown)
    assert torch.equal(found, RandomChannelShuffle(p=0.5)(shown))


def as_jpeg(image: Tensor, quality: int) -> Tensor:
    file = io.BytesIO()
    Image.fromarray((255 * image).round().byte().permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1).double() / 255


def test_uerasers_but_the_lite_one_learn_the_largest_of_five_losses() -> None:
    assert (ueraser.UERASER.draws, ueraser.UERASER.loss) == (1, None)
    losses = torch.tensor([[1.0, 5.0], [2.0, 4.0], [3.0, 0.0]])
    for known in vars(ueraser).values():
        if isinstance(known, ueraser.Countermeasure) and known is not ueraser.UERASER:
            assert known.draws == 5
            assert known.loss is not None
            assert known.loss(losses).tolist() == [3, 5]
            assert known.early == (0.3 if known is ueraser.UERASER_PLAIN else 1)
