"""REM, EM, TAP, victims and networks, after fshp971/robust-unlearnable-examples (Fu et al., ICLR 2022)."""

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from common import COUNT, Cause, Found, Row, fill, images, labels, small, state
from torch.nn import functional

FOLDER = "."
# the scripts' numbers for CIFAR-10; two updates on all images
ARGUMENTS = {
    "arch": "resnet18",
    "dataset": "cifar10",
    "train_steps": 2,
    "batch_size": COUNT,
    "optim": "sgd",
    "lr": 0.1,
    "lr_decay_rate": 0.1,
    "lr_decay_freq": 40000,
    "weight_decay": 5e-4,
    "momentum": 0.9,
    "pgd_radius": 8,
    "pgd_steps": 10,
    "pgd_step_size": 1.6,
    "pgd_random_start": True,
    "pgd_norm_type": "l-infty",
    "atk_pgd_radius": 4,
    "atk_pgd_steps": 10,
    "atk_pgd_step_size": 0.8,
    "atk_pgd_random_start": True,
    "samp_num": 5,
    "perturb_freq": 1,
    "report_freq": 500,
    "save_freq": 5000,
    "cpu": True,
    "parallel": False,
    "resume": False,
    "pretrain": False,
    "data_dir": ".",
    "save_dir": ".",
    "save_name": "it",
}


def script(name: str, **changes: Any) -> Found:
    """Run `main` of one of their scripts; return the noise that it saves, in 1/255, and the network's weights."""
    import importlib

    loaded = importlib.import_module(name)
    built = small()
    loaded.utils.get_arch = lambda *_: built
    loaded.main(SimpleNamespace(**ARGUMENTS | changes), MagicMock())
    saved = Path("it-fin-def-noise.pkl")
    noise = {"noise": pickle.loads(saved.read_bytes())} if saved.exists() else {}
    return {**noise, **state(built)}


def generator(name: str, **changes: Any) -> Callable[[str], Found]:
    """Return a function that runs one of their scripts."""
    return lambda kind: script(name, **changes)


def ours(name: str) -> Callable[[str], Found]:
    """Return a function that runs one of our methods."""

    def run(kind: str) -> Found:
        from ours import method

        return method(name)(kind)

    return run


def victim(kind: str, radius: float) -> Found:
    """Train one of our victims for two steps."""
    from common import Draws, Replayed
    from ours import SGD, TEN, network, pixels

    from attacks.core.runtime import Runtime
    from attacks.core.settings import Augment, SignSteps
    from attacks.core.state import NullKeeper
    from victims.countermeasures import COUNTERMEASURES
    from victims.recipes import TRAININGS
    from victims.settings import VictimSettings
    from victims.train import LabelledImages, Training, train

    built = network()
    split = LabelledImages(images=pixels(kind), labels=torch.from_numpy(labels()))
    with Replayed(Draws()):
        train(
            Training(
                network=built,
                train=split,
                test=split,
                classes=10,
                rho_a=radius,
                recipe=TRAININGS["supervised"],
                countermeasure=COUNTERMEASURES["standard"],
                settings=VictimSettings(
                    steps=2,
                    batch=COUNT,
                    sgd=SGD,
                    attack=TEN,
                    evaluate_every=2,
                    robust_attack=SignSteps(steps=1, step=0.1),
                    robust_images=0,
                ),
                augment=Augment(),
                generator=torch.Generator(),
                runtime=Runtime(device=torch.device("cpu"), precision="fp64"),
                report=lambda _done, _all: None,
                keeper=NullKeeper(),
            )
        )
    return state(built)


NETWORKS = {  # our name: theirs
    "resnet18": "resnet18",
    "resnet50": "resnet50",
    "vgg16_bn_fu22": "vgg16-bn",
    "densenet121_fu22": "densenet-121",
    "wrn34_10_fu22": "wrn-34-10",
}


def measured(network: torch.nn.Module, shift: float) -> Found:
    """Fill a network; return its sizes of weights, logits and the slope of its loss, in eval mode."""
    network = fill(network.double()).eval()
    pixels = torch.from_numpy(images("saturated")[:2]).permute(0, 3, 1, 2).double() / 255 - shift
    pixels.requires_grad_()
    logits = network(pixels)
    (slope,) = torch.autograd.grad(functional.cross_entropy(logits, torch.from_numpy(labels()[:2])), pixels)
    weights = np.asarray([weight.numel() for weight in network.parameters()])
    return {"sizes of weights": weights, "logits": logits.detach().numpy(), "slope": slope.numpy()}


def their_network(name: str) -> Found:
    """Build and measure one of their networks."""
    import utils

    return measured(utils.get_arch(name, "cifar10"), 0.5)


def our_network(name: str) -> Found:
    """Build and measure one of our networks."""
    from victims.networks.build import build

    return measured(build(name, classes=10, channels=3, size=32, seed=0), 0)


# OpenCV computes and rounds in float32; 1 or 2 of 61,440 values differ
OWN_ROUNDING = Cause(why="OpenCV's own rounding", share=0.005, largest=1)
ROUNDED = {"bilateral": {"saturated": OWN_ROUNDING, "near the ends": OWN_ROUNDING}}
FILTERS = {"mean-3x3": "averaging", "gaussian-blur": "gaussian", "median-3x3": "median", "bilateral": "bilateral"}


def their_filter(name: str) -> Callable[[str], Found]:
    """Return a function that applies one of their low-pass filters."""

    def run(kind: str) -> Found:
        import utils.generic

        smooth = utils.generic.get_filter(name)
        return {"images": np.stack([smooth(image) for image in images(kind)]).transpose(0, 3, 1, 2)}

    return run


def prepared(name: str) -> Callable[[str], Found]:
    """Return a function that prepares the images with one of our countermeasures."""

    def run(kind: str) -> Found:
        from ours import preparation

        from victims.countermeasures import COUNTERMEASURES

        prepare = COUNTERMEASURES[name].prepare
        assert prepare
        return {"images": prepare(preparation(kind)).images.numpy()}

    return run


ROWS = (
    Row(
        name="rem-fu22",
        ran="generate_robust_em.main",
        theirs=generator("generate_robust_em"),
        ours=ours("rem-fu22"),
    ),
    Row(name="em-fu22", ran="generate_em.main", theirs=generator("generate_em"), ours=ours("em-fu22")),
    Row(
        name="tap-fowl21",
        ran="generate_tap.main",
        theirs=generator(
            "generate_tap", adv_type="robust-pgd", targeted=True, samp_num=1, pgd_steps=25, pgd_step_size=0.64
        ),
        ours=ours("tap-fowl21"),
        note="25 steps of 0.64 instead of 250 of 0.064",
    ),
    *(
        Row(
            name=f"victim at radius {radius}",
            ran="train.main",
            theirs=generator(
                "train",
                data_mode="mix",
                noise_path=None,
                poi_idx_path=None,
                filter=None,
                resume_path=None,
                pgd_radius=radius,
                pgd_step_size=0.8,
            ),
            ours=partial(victim, radius=radius),
        )
        for radius in (0, 4)
    ),
    *(
        Row(
            name=name,
            ran=f"utils.get_arch({theirs!r})",
            theirs=lambda _, theirs=theirs: their_network(theirs),
            ours=lambda _, name=name: our_network(name),
            kinds=("saturated",),
        )
        for name, theirs in NETWORKS.items()
    ),
    *(
        Row(
            name=name,
            ran=f"utils.generic.get_filter({theirs!r})",
            theirs=their_filter(theirs),
            ours=prepared(name),
            causes=ROUNDED.get(name, {}),
        )
        for name, theirs in FILTERS.items()
    ),
)
