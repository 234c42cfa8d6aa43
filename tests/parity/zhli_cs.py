"""BAIT, after zhli-cs/BAIT (Li et al., ICLR 2026)."""

import importlib
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

import numpy as np
import torch
from common import CLASSES, COUNT, Centred, Draws, Found, Replayed, Row, fill, images, small, state
from torch import Tensor, nn

FOLDER = "."
ROUNDS = 3
ARGUMENTS = (
    *("--config_path", ".", "--epoch", str(ROUNDS), "--train_batch_size", str(COUNT), "--eval_batch_size", str(COUNT)),
    *("--noise_shape", str(CLASSES), "3", "32", "32", "--num_steps", "1", "--lr", "0.1"),
)


class OneRoundEach:
    """Replaces their first stage of 30 rounds: runs the three stages one after another, a round of one batch each.

    Wrong labels of the second stage come from the numbers that ours draws: offsets from the label, never redrawn.
    """

    def __init__(self, tool: Any) -> None:
        self._stages = [getattr(tool, f"stage{number}_min_min_attack") for number in (1, 2, 3)]

    def __call__(self, args: Any, pixels: Tensor, labels: Tensor, *rest: Any) -> Any:
        """Take one step of the generator."""
        drawn = torch.randint
        with patch("torch.randint", lambda _low, classes, size, **_: (labels + drawn(1, classes, size)) % classes):
            return self._stages.pop(0)(args, pixels, labels, *rest)


def theirs(kind: str) -> Found:
    """Run their rounds, then their code that protects images with the generator."""
    import standins

    vars(standins.CONFIGURATION).update(grad_clip=5.0, log_frequency=100, optimizer={})
    Path("resnet18.yaml").touch()
    sys.argv = ["perturbation.py", *ARGUMENTS]
    script, dataset = (importlib.import_module(name) for name in ("perturbation", "dataset"))
    views = dataset.transform_options["CIFAR10"]["train_transform"]
    views[1:3] = views[2:0:-1]  # flip, then crop, as ours draws them: the same distribution
    args = script.args
    loaders = dataset.DatasetGenerator(
        args, train_batch_size=COUNT, eval_batch_size=COUNT, num_of_workers=0
    ).getDataLoader(train_shuffle=True, train_drop_last=True)
    tool = script.toolbox.PerturbationTool(args, epsilon=args.epsilon, num_steps=1, step_size=args.step_size)
    fill(tool.generator)
    tool.stage1_min_min_attack = OneRoundEach(tool)
    network, criterion = Centred(small()), nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(network.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
    script.universal_perturbation(
        args,
        tool,
        script.Trainer(criterion, loaders, MagicMock(), script.config),
        None,
        network,
        criterion,
        optimiser,
        None,
        torch.zeros(*args.noise_shape),
        {},
        loaders,
    )
    torch.save(tool.generator.state_dict(), "generator.pth")
    args.generator_filepath = "generator.pth"
    sums, clip = [], np.clip

    def noted(values: Any, *limits: Any, **named: Any) -> Any:
        sums.append(np.copy(values))  # a copy, since it is written to later
        return clip(values, *limits, **named)

    dataset.PoisonCIFAR10.classes = range(CLASSES)
    with patch.object(dataset.np, "clip", noted):
        dataset.PoisonCIFAR10(args, "", transform=None, use_generator=True)
    noise = np.stack([values for values in sums if np.ndim(values) == 3]) - images(kind)  # others are positions
    return {"noise": noise.round().astype(int).transpose(0, 3, 1, 2), **state(network.network)}


def ours(kind: str) -> Found:
    """Run our rounds."""
    from ours import network, task

    from attacks.core.numbers import Bait
    from attacks.methods import METHODS

    built = network()
    given = patch("attacks.engine.baited.draw_network", lambda build, _random: fill(build().double()))
    with given, Replayed(Draws()):
        made = METHODS["bait-li26"].recipe.make(task(kind, built, bait=Bait(rounds=ROUNDS, batch=COUNT)))
    return {"noise": made.noise.numpy(), **state(built)}


ROWS = (
    Row(
        name="bait-li26",
        ran="perturbation.universal_perturbation, dataset.PoisonCIFAR10",
        theirs=theirs,
        ours=ours,
        note="a round of each kind of wrong label; networks given; before truncation",
    ),
)
