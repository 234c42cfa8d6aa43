"""Sign steps where the noise takes a pixel out of [0, 1], pixel by pixel."""

import torch
from torch import Tensor

from attacks.core.settings import SignSteps
from attacks.engine.descent import cut, descend, round_noise

STEPS = SignSteps(steps=1, step=0.5)
PIXELS = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5]).view(1, 1, 1, -1).double()
START = torch.tensor([-1.0, 0.0, 1.0, -1.0, 0.0, 1.0, -1.0]).view(1, 1, 1, -1).double()  # in units of 1/255


def moved(*, in_range: bool) -> list[float]:
    """Return how far, in 1/255, one step of 2/255 moves the noise of each pixel under a gradient of one."""

    def gradient(noisy: Tensor) -> Tensor:
        assert float(noisy.min()) >= 0
        assert float(noisy.max()) <= 1
        return torch.ones_like(noisy)

    found = descend(PIXELS, START / 255, gradient, radius=4, steps=STEPS, in_range=in_range)
    return (found * 255 - START).round(decimals=9).flatten().tolist()


def test_a_pixel_outside_the_range_gets_no_derivative_and_one_at_its_end_gets_all() -> None:
    assert moved(in_range=False) == [0, -2, -2, -2, -2, 0, -2]


def test_in_range_each_step_starts_from_a_valid_image() -> None:
    assert moved(in_range=True) == [-1, -2, -2, -2, -2, -3, -2]


def test_cut_keeps_the_images_valid_and_changes_nothing_else() -> None:
    found = cut(PIXELS, START / 255) * 255
    assert found.round(decimals=9).flatten().tolist() == [0, 0, 1, -1, 0, 0, -1]


def test_noise_in_float16_is_multiplied_in_float16() -> None:
    delta = torch.linspace(-8 / 255, 8 / 255, 100_001, dtype=torch.float64)
    expected = (delta.numpy().astype("float16") * 255).round()  # as the released generators do
    assert torch.equal(round_noise(delta.half()), torch.from_numpy(expected))
    assert not torch.equal(round_noise(delta.half()).double(), round_noise(delta))
