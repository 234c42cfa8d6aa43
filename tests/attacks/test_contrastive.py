"""PIL, AUE and AAP against literal transcriptions, and the view that AUE and AAP draw."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from attacks.engine.contrastive import draw_contrastive
from attacks.methods import METHODS
from attacks.task import Task

MakeTask = Callable[..., Task]
KINDS = {
    "aue": "aue-wang24",
    "aue-classwise": "aue-wang24-classwise",
    "aap": "aap-wang24",
    "aap-untargeted": "aap-wang24-untargeted",
}


def pixels(task: Task) -> dict[str, Any]:
    """Return the arguments shared by the literal algorithms."""
    return {
        "images": list(task.images.double() / 255),
        "labels": task.labels.tolist(),
        "classes": task.classes,
        "numbers": task.settings,
        "generator": task.generator,
    }


@pytest.mark.parametrize("saturated", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_noise_on_contrastive_views_is_the_literal_one(
    kind: str, saturated: bool, task: MakeTask, literal_contrastive: ModuleType
) -> None:
    given, again = (task(precision="fp64", count=8, saturated=saturated) for _ in range(2))
    made = METHODS[KINDS[kind]].recipe.make(given)
    expected = literal_contrastive.Contrast(kind=kind, network=again.network().double(), **pixels(again)).make()
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected)


@pytest.mark.parametrize("shortcut", [0.9, 0.1])
@pytest.mark.parametrize("saturated", [False, True])
def test_pil_is_the_literal_algorithm(
    saturated: bool, shortcut: float, task: MakeTask, literal_contrastive: ModuleType
) -> None:
    # a wide bound, so that the point at which the blurred term is evaluated matters
    given, again = (task(precision="fp64", count=8, saturated=saturated, rho_u=100) for _ in range(2))
    for one in (given, again):
        one.settings.tables["pil"]["shortcut"] = shortcut
    made = METHODS["pil-liu26"].recipe.make(given)
    expected = literal_contrastive.linearised(**pixels(again))
    assert torch.equal(given.generator.get_state(), again.generator.get_state())
    assert torch.equal(made.noise.double(), expected)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_a_view_is_the_literal_one_and_its_adjoint_the_derivative(
    strength: float, literal_contrastive: ModuleType
) -> None:
    draws = [torch.Generator().manual_seed(round(10 * strength)) for _ in range(2)]
    images = torch.rand(40, 3, 9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 1.4 - 0.2
    view = draw_contrastive(strength, 40, (9, 9), 9, draws[0])
    looks = literal_contrastive.draw_looks(40, (9, 9), strength, draws[1])
    assert torch.equal(draws[0].get_state(), draws[1].get_state())
    seen = view.apply(images)
    slopes = torch.rand(seen.shape, dtype=seen.dtype, generator=torch.Generator().manual_seed(2))
    pulled = view.adjoint(slopes)
    for look, image, one, slope, back in zip(looks, images, seen, slopes, pulled, strict=True):
        leaf = image.clone().requires_grad_()
        expected = look.look(leaf)
        torch.testing.assert_close(one, expected.detach())
        torch.testing.assert_close(back, torch.autograd.grad(expected, leaf, slope)[0])


def test_images_of_one_channel_change_in_brightness_and_contrast_alone() -> None:
    images = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    view = draw_contrastive(1.0, 6, (8, 8), 8, torch.Generator().manual_seed(5))
    assert view.apply(images).shape == (6, 1, 8, 8)
    assert view.adjoint(torch.ones(6, 1, 8, 8)).shape == (6, 1, 8, 8)


def test_the_noise_of_images_keeps_them_valid(task: MakeTask) -> None:
    for kind in ("aue", "aap", "aap-untargeted"):
        given = task(saturated=True)
        protected = given.images.int() + METHODS[KINDS[kind]].recipe.make(given).noise
        assert protected.min() >= 0
        assert protected.max() <= 255


def test_pil_in_bf16_computes_in_single_precision(task: MakeTask) -> None:
    low, single = (METHODS["pil-liu26"].recipe.make(task(precision=precision)) for precision in ("bf16", "fp32"))
    assert torch.equal(low.noise, single.noise)
    assert low.sign_agreement is None
