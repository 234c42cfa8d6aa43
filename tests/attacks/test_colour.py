"""The visibility of a colour shift, against scikit-image, and the images on which it is judged."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from attacks.core.numbers import Colour
from attacks.engine.colour import Colours, judged, similarity, visibility_loss
from attacks.engine.frozen import FrozenNetwork
from attacks.task import Task


def pairs(size: tuple[int, int], strength: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    one = torch.rand(4, 3, *size, generator=generator, dtype=torch.float64)
    noise = torch.randn(one.shape, generator=generator, dtype=torch.float64)
    return (one + strength * noise).clamp(0, 1), one


@pytest.mark.parametrize("size", [(9, 12), (32, 32)])
@pytest.mark.parametrize("strength", [0.01, 0.1, 0.5])
def test_what_is_visible_is_what_scikit_image_finds(size: tuple[int, int], strength: float) -> None:
    shifted, images = pairs(size, strength)
    ssim, lost = [], []
    for one, other in zip(shifted.permute(0, 2, 3, 1).numpy(), images.permute(0, 2, 3, 1).numpy(), strict=True):
        ssim.append(structural_similarity(other, one, channel_axis=-1, data_range=1))
        psnr = peak_signal_noise_ratio(other, one, data_range=1)
        lost.append(max(0, 20 - psnr) + max(0, 0.8 - ssim[-1]))
    assert np.allclose(similarity(shifted, images), ssim, rtol=1e-12)
    assert np.allclose(visibility_loss(shifted, images), lost, rtol=1e-9)
    assert bool(max(lost) > 0) is (strength > 0.1)


def test_no_shift_is_invisible() -> None:
    images = pairs((8, 8), 0)[1]
    assert visibility_loss(images, images).tolist() == [0] * 4


def test_the_first_images_of_each_class_are_judged_in_proportion() -> None:
    labels = torch.tensor([2, 0, 0, 2, 0, 2, 0, 0, 0, 2])  # no image of class 1
    assert judged(labels, 0.5).tolist() == [1, 2, 4, 0, 3]
    assert judged(labels, 0.01).tolist() == [1]
    assert sorted(judged(labels, 1).tolist()) == list(range(10))


def test_a_class_is_judged_in_parts_that_fit_into_memory(
    task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> tuple[torch.Tensor, int]:
        given, together = task(precision="fp64", count=15), [0]
        network = given.runtime.place(given.network())
        twin = FrozenNetwork(network, given.pixels(torch.arange(2)), given.runtime)

        def logits(images: torch.Tensor) -> torch.Tensor:
            together.append(len(images))
            return twin.logits(images)

        colours = Colours(
            given,
            Colour(particles=3, rounds=4, share=1),
            (given.labels + 1) % given.classes,
            lambda of: of(SimpleNamespace(logits=logits)),
        )
        for piece in range(colours.pieces):
            colours.search(piece)
        return colours.of(torch.arange(given.classes)), max(together)

    whole, most = found()
    monkeypatch.setattr("attacks.task.ENTRIES", 2 * 3 * 8 * 8)
    in_parts, fewer = found()
    assert (most, fewer) == (5, 2)
    assert torch.allclose(in_parts, whole, rtol=1e-12)
