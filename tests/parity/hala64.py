"""MI-UE, after hala64/mi-ue (Zhu et al., ICLR 2026)."""

import importlib
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import torch
from common import COUNT, EDGES, Cause, Found, Row, WithFeatures, small, state
from torch import nn

FOLDER = "."
# the readme's arguments and the script's defaults for CIFAR-10; two rounds on all images
ARGUMENTS = {
    "experiment": "it",
    "backbone": "resnet18",
    "dataset": "cifar10",
    "data": ".",
    "num_classes": 10,
    "batch_size": COUNT,
    "poison_batch_size": COUNT,
    "num_workers": 0,
    "data_aug": True,
    "temperature": 0.1,
    "alpha": 0.2 / 255,
    "poison_size": 32,
    "post_aug": True,
    "perturb_iters": 10,
    "optimizer": "sgd",
    "epochs": 2,
    "lr": 0.1,
    "resume": False,
    "seed": None,
    "gpu_id": "0",
    "poison_freq": 1,
    "epsilon": 8 / 255,
    "poison_random": False,
    "attack": "none",
    "poison_loss_type": "nt_xent_l2",
    "train_loss_type": "cross_entropy",
    "poison_update_epsilon": 8 / 255,
    "zeta": 0.0,
    "eot": False,
    "eot_nums": 5,
}


class Kept(WithFeatures):
    """A network whose stem cannot be replaced."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in {"conv1", "maxpool"}:
            super().__setattr__(name, value)


def theirs(kind: str) -> Found:
    """Run their `main`; return the noise after its last round, in 1/255, and the network's weights."""
    from torchvision import transforms

    nothing = lambda *_args, **_kwargs: nn.Identity()  # noqa: E731
    transforms.RandomResizedCrop = transforms.RandomApply = transforms.RandomGrayscale = nothing
    script = importlib.import_module("gen_miue")
    built, rounds = Kept(small()), []
    epoch = script.train_epoch

    def train_epoch(*args: Any, **kwargs: Any) -> torch.Tensor:
        rounds.append(epoch(*args, **kwargs))
        return rounds[-1]

    script.resnet18 = lambda **_: built
    script.train_epoch, script.logger = train_epoch, MagicMock()
    script.args = SimpleNamespace(**ARGUMENTS)
    script.main(script.args)
    return {"noise": (rounds[-1] * 255).round().long().numpy(), **state(built.network)}


def ours(kind: str) -> Found:
    """Run our method."""
    from ours import method

    signs = {"steps": 10, "step": 0.025}
    numbers = {"rounds": 2, "batch": COUNT, "descent": signs, "last_step": 0.05, "temperature": 0.1}
    sgd = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "last": 1e-6}
    return method("mi-ue-zhu26-code", **{"mi-ue": numbers | {"sgd": sgd}})(kind)


HALF = Cause(why="a noise halfway between two levels, but for its last bit", share=0.01, largest=1)

ROWS = (
    Row(
        name="mi-ue-zhu26-code",
        ran="gen_miue.main",
        theirs=theirs,
        ours=ours,
        causes={EDGES: HALF},
        note="2 rounds; without its crop, jitter and grey, which do nothing",
    ),
)
