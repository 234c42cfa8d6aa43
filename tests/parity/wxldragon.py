"""DUNE without LPIPS, after wxldragon/DUNE (Wang et al., ICML 2026)."""

import pickle
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from common import Cause, Centred, Found, Row, images, labels, repository, small
from sizhe_chen import COUNT_OF_NETWORKS, STEPS, ours, save_checkpoints

FOLDER = "."


def theirs(branch: str) -> Callable[[str], Found]:
    """Return what runs their script with one of its branches or both on five given checkpoints."""

    def run(kind: str) -> Found:
        import standins

        # no image is any farther from another than none at all: LPIPS never exceeds what is free
        none = SimpleNamespace(cuda=lambda: lambda *_: torch.zeros(()))
        standins.module("lpips", LPIPS=lambda **_: none)
        save_checkpoints("ckpt/cifar10/ResNet18")
        import utils

        utils.get_model = lambda *_, **__: Centred(small())
        np.random.rand = lambda *shape: torch.rand(shape).numpy()
        numbers = ["--num_model", COUNT_OF_NETWORKS, "--alpha", 0.5, "--batch", 1000, "--num_step", STEPS]
        sys.argv = ["generate_unlearnable.py", branch, *map(str, numbers)]
        runpy.run_path(str(repository() / "generate_unlearnable.py"), run_name="__main__")
        (saved,) = Path("UEs/cifar10").glob("*.pkl")
        made = np.stack([image for image, _ in pickle.loads(saved.read_bytes())])
        order = np.argsort(labels(), kind="stable")
        noise = np.empty_like(made)
        noise[order] = made - images(kind)[order].transpose(0, 3, 1, 2) / 255
        return {"noise": (noise * 255).round().astype(np.int64)}

    return run


def with_colours(kind: str) -> Found:
    """Run ours with the search for colours."""
    from attacks.core.settings import Colour

    return ours("dune-wang26-without-lpips", 0.0625, Colour(particles=10, rounds=10, share=1))(kind)


# they part where a particle has moved on from the best place before the search ends
MOVED = Cause(
    why="theirs keeps a view of the best particle, which moves on; ours keeps the place", share=100, largest=60
)

ROWS = (
    Row(
        name="dune-wang26-without-lpips",
        ran="generate_unlearnable.py --adv",
        theirs=theirs("--adv"),
        ours=ours("dune-wang26-without-lpips", 0.0625),
        note="the spatial half; five checkpoints given",
    ),
    Row(
        name="dune-wang26-without-lpips",
        ran="generate_unlearnable.py --ours",
        theirs=theirs("--ours"),
        ours=with_colours,
        causes={"": MOVED},
        note="without LPIPS; five checkpoints given",
    ),
)
