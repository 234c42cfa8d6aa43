"""AUE and AAP, after EhanW/AUE-AAP (Wang et al., NeurIPS 2024).

Their views are kornia's own operations, given the numbers that ours draws. Changes to these since kornia 0.7, the
version that their readme names, are undone (`Kornia07`).

Resizing a box mixes integer levels, so that two channels of a pixel can come out equal up to the last bit. The
derivative of a hue rotation depends on which of them is larger, and the two sides round differently. Both therefore see
boxes rounded to a grid finer than any difference that matters (`on_grid`), where such channels are exactly equal.
"""

import importlib
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock, patch

import torch
from common import CLASSES, COUNT, SIDE, Centred, Draws, Found, Replayed, Row, images, labels, small, state
from torch import Tensor
from torch.overrides import TorchFunctionMode

FOLDER = "."
STRENGTH, EPOCHS, STEPS = 0.9, 2, 25
AS_THE_SET = 0  # shuffles: the one batch is in the set's order
GRID = 2.0**-40


class Kornia07(TorchFunctionMode):
    """A mode in which some of kornia's operations compute as in 0.7.

    `amax` and `amin` over channels pass their derivative to the first of equal entries, as `max` does; a hue of a
    whole turn is not set to 0, which has no derivative; images are not clamped to [0, 1] before and after a jitter.
    """

    def __enter__(self) -> Any:
        """Enter the mode."""
        jitter = importlib.import_module("kornia.augmentation._2d.intensity.color_jitter")
        jitter._clamp_unit_range = lambda images: images
        return super().__enter__()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function's replacement, or the function itself."""
        older = {torch.Tensor.amax: torch.Tensor.max, torch.Tensor.amin: torch.Tensor.min}.get(func)
        if older and args[1:] == (-3,):
            return older(*args).values
        if func is torch.Tensor.masked_fill:
            return args[0]
        return func(*args, **(kwargs or {}))


def drawn_boxes(count: int, least: float) -> Tensor:
    """Draw the corners of boxes, (n, 4, 2): the first of ten tries that fits, else the whole image."""
    (shares, slants), (downs, rights) = torch.rand((2, 10, count)).tolist(), torch.rand((2, count)).tolist()
    found = []
    for i in range(count):
        height = width = SIDE
        for k in range(10):
            area = SIDE * SIDE * (least + (1 - least) * shares[k][i])
            ratio = math.exp((2 * slants[k][i] - 1) * math.log(4 / 3))
            tried = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
            if max(tried) <= SIDE:
                height, width = tried
                break
        top, left = math.floor(downs[i] * (SIDE - height + 1)), math.floor(rights[i] * (SIDE - width + 1))
        if max(height, width) == SIDE and (height, width) == (SIDE, SIDE):
            top = left = 0
        right, bottom = left + width - 1, top + height - 1
        found.append([[left, top], [right, top], [right, bottom], [left, bottom]])
    return torch.tensor(found, dtype=torch.float64)


def on_grid(images: Tensor) -> Tensor:
    """Round to multiples of `GRID`; the derivative passes unchanged."""
    there = images.detach()
    return images + ((there / GRID).round() * GRID - there)


def look(utils: Any) -> Callable[[Tensor], Tensor]:
    """Return their view of a batch, with numbers drawn in the same order as ours."""
    made = utils.Augment(STRENGTH, SIDE)

    def view(data: Tensor) -> Tensor:
        src = drawn_boxes(len(data), max(1 - 0.9 * STRENGTH, 0.05))
        flips = torch.rand(len(data)) < 0.5
        drawn, order, chance = torch.rand((4, len(data))), torch.rand(4).argsort(), torch.rand((2, len(data)))
        image = on_grid(made.rrc.apply_transform(data, {"src": src}, made.rrc.flags))
        image = torch.where(flips[:, None, None, None], image.flip(3), image)
        wide = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
        for number, (name, most) in enumerate(wide.items()):
            wide[name] = (name != "hue") + most * STRENGTH * (2 * drawn[number] - 1)  # type: ignore[assignment]
        chosen = chance[0] < made.cj.p
        factors = {f"{name}_factor": factor[chosen] for name, factor in wide.items()}  # type: ignore[index]
        changed = made.cj.apply_transform(image[chosen], {**factors, "order": order}, made.cj.flags)
        image = image.index_copy(0, chosen.nonzero()[:, 0], changed)
        grey = chance[1] < made.rg.p
        plain = made.rg.apply_transform(image, {}, made.rg.flags)
        return torch.where(grey[:, None, None, None], plain, image)

    return view


def begin(name: str, **numbers: Any) -> tuple[Any, Callable[[Tensor], Tensor], Tensor, Tensor]:
    """Import one of their scripts; return it, its view, and the images with their labels."""
    importlib.import_module("torch.optim.optimizer").required = object()  # which newer versions lack
    script = importlib.import_module(name)
    script.args = SimpleNamespace(eps=8, num_classes=CLASSES, class_wise=False, **numbers)
    return script, look(importlib.import_module("utils")), *given(numbers.pop("kind"))


def given(kind: str) -> tuple[Tensor, Tensor]:
    """Return the images (N, C, H, W) in [0, 1] and their labels."""
    return torch.from_numpy(images(kind)).permute(0, 3, 1, 2) / 255, torch.from_numpy(labels())


def rounded(poison: Tensor) -> Any:
    """Return their noise in 1/255, rounded."""
    return (poison * 255).round().long().numpy()


def their_epochs(*, classwise: bool) -> Callable[[str], Found]:
    """Return a function that runs epochs of their AUE."""

    def run(kind: str) -> Found:
        aue, view, pixels, targets = begin(
            "aue", kind=kind, perturb_iters=1 if classwise else 5, num_updates=391, num_perturbs=391, epochs=EPOCHS
        )
        aue.args.class_wise = classwise
        model = Centred(small())
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4, momentum=0.9)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser, lr_lambda=lambda step: aue.cosine_annealing(step, EPOCHS, 1, 1e-6 / 0.1, warmup_steps=0)
        )
        poison = torch.zeros(CLASSES if classwise else COUNT, *pixels.shape[1:])
        batches = [(pixels, targets, torch.arange(COUNT))]
        with Kornia07():
            for epoch in range(EPOCHS):
                poison = aue.train_epoch(batches, model, poison, optimiser, schedule, epoch, MagicMock(), view)
        return {"noise": rounded(poison[targets] if classwise else poison), **state(model.network)}

    return run


def their_steps(*, untargeted: bool) -> Callable[[str], Found]:
    """Return a function that makes their AAP noise."""

    def run(kind: str) -> Found:
        aap, view, pixels, targets = begin(
            "aap", kind=kind, perturb_iters=STEPS, untargeted=untargeted, label_translation=1
        )
        with Kornia07():
            poison = aap.error_opt(
                Centred(small()), pixels, targets, torch.arange(COUNT), torch.zeros_like(pixels), view
            )
        return {"noise": rounded(poison)}

    return run


def ours(name: str, *, weights: bool) -> Callable[[str], Found]:
    """Return a function that makes our noise."""

    def run(kind: str) -> Found:
        from ours import network, task

        from attacks.core.settings import SignSteps
        from attacks.engine.views import ResizedCrop
        from attacks.methods import METHODS
        from attacks.recipes.contrastive_epochs import Aue
        from attacks.recipes.contrastive_steps import Aap

        untrained = Aap.model_construct(
            **Aap()
            .model_copy(update={"epochs": 0, "strength": STRENGTH, "descent": SignSteps(steps=STEPS, step=2.5 / STEPS)})
            .__dict__
        )
        tables = {"aue": Aue(epochs=EPOCHS, batch=COUNT, strength=STRENGTH), "aap": untrained}
        built, box = network(), ResizedCrop.apply
        on_one = patch.object(ResizedCrop, "apply", lambda view, images: on_grid(box(view, images)))
        with on_one, Replayed(Draws(shuffles=AS_THE_SET)):
            made = METHODS[name].recipe.make(task(kind, built, **tables))
        return {"noise": made.noise.numpy(), **(state(built) if weights else {})}

    return run


ROWS = (
    Row(
        name="aue-wang24",
        ran="aue.train_epoch",
        theirs=their_epochs(classwise=False),
        ours=ours("aue-wang24", weights=True),
        note=f"{EPOCHS} epochs of one batch, s = {STRENGTH}",
    ),
    Row(
        name="aue-wang24-classwise",
        ran="aue.train_epoch",
        theirs=their_epochs(classwise=True),
        ours=ours("aue-wang24-classwise", weights=True),
        note=f"{EPOCHS} epochs of one batch, s = {STRENGTH}",
    ),
    Row(
        name="aap-wang24",
        ran="aap.error_opt",
        theirs=their_steps(untargeted=False),
        ours=ours("aap-wang24", weights=False),
        note=f"{STEPS} steps, s = {STRENGTH}; the network is given",
    ),
    Row(
        name="aap-wang24-untargeted",
        ran="aap.error_opt",
        theirs=their_steps(untargeted=True),
        ours=ours("aap-wang24-untargeted", weights=False),
        note=f"{STEPS} steps, s = {STRENGTH}; the network is given",
    ),
)
