"""The original EM, after HanxunH/Unlearnable-Examples (Huang et al., ICLR 2021)."""

import importlib
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import torch
from common import CLASSES, COUNT, Centred, Found, Row, labels, small, state
from torch import nn

FOLDER = "."
# the scripts' numbers for CIFAR-10
ARGUMENTS = {
    "samplewise": ["--num_steps", "20", "--step_size", "0.8", "--noise_shape", str(COUNT), "3", "32", "32"],
    "classwise": ["--num_steps", "1", "--step_size", "0.8", "--noise_shape", str(CLASSES), "3", "32", "32"],
}


def theirs(perturbation: str, rounds: int, updates: int) -> Any:
    """Return a function that runs the rounds of their `perturbation.py`."""

    def run(kind: str) -> Found:
        import standins

        vars(standins.CONFIGURATION).update(grad_clip=5.0, log_frequency=100)
        sys.argv = [
            "perturbation.py",
            *("--perturb_type", perturbation, "--train_step", str(updates), "--universal_stop_error", "1"),
            *("--universal_train_target", "train_dataset", "--train_batch_size", str(COUNT)),
            *("--eval_batch_size", str(COUNT), "--config_path", ".", *ARGUMENTS[perturbation]),
        ]
        Path("resnet18.yaml").touch()
        script = importlib.import_module("perturbation")
        network = Centred(small())
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
        criterion = nn.CrossEntropyLoss()
        trainer = script.Trainer(criterion, None, MagicMock(), script.config)
        tool = script.toolbox.PerturbationTool(
            epsilon=script.args.epsilon, num_steps=script.args.num_steps, step_size=script.args.step_size
        )
        noise = torch.zeros(*script.args.noise_shape)
        function = script.sample_wise_perturbation if perturbation == "samplewise" else script.universal_perturbation
        for _ in range(rounds):
            noise = function(tool, trainer, None, network, criterion, optimiser, None, noise, {})
        rounded = (noise * 255).round().long()
        every = rounded if perturbation == "samplewise" else rounded[torch.from_numpy(labels())]
        return {"noise": every.numpy(), **state(network.network)}

    return run


def ours(name: str, rounds: int, updates: int) -> Any:
    """Return a function that runs our rounds."""

    def run(kind: str) -> Found:
        from ours import NUMBERS, method

        return method(name, alternating=NUMBERS.alternating.model_copy(update={"rounds": rounds, "updates": updates}))(
            kind
        )

    return run


def rows(name: str, ran: str, perturbation: str) -> tuple[Row, ...]:
    """Return two rows: one round of two updates, on clean images, and two rounds of one update."""
    return tuple(
        Row(
            name=name,
            ran=ran,
            theirs=theirs(perturbation, rounds, updates),
            ours=ours(name, rounds, updates),
            note=f"{rounds} round{'s' * (rounds > 1)} of {updates} update{'s' * (updates > 1)}",
        )
        for rounds, updates in ((1, 2), (2, 1))
    )


ROWS = (
    *rows("em-huang21", "perturbation.sample_wise_perturbation", "samplewise"),
    *rows("em-huang21-classwise", "perturbation.universal_perturbation", "classwise"),
)
