"""DUNE without LPIPS, after wxldragon/DUNE (Wang et al., ICML 2026)."""

import pickle
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from common import Centred, Found, Row, images, labels, repository, small
from sizhe_chen import COUNT_OF_NETWORKS, STEPS, ours, save_checkpoints

FOLDER = "."


def theirs(kind: str) -> Found:
    """Run the spatial half of their script on five given checkpoints."""
    import standins

    # their script builds it but does not use it in this half
    standins.module("lpips", LPIPS=lambda **_: SimpleNamespace(cuda=lambda: None))
    save_checkpoints("ckpt/cifar10/ResNet18")
    import utils

    utils.get_model = lambda *_, **__: Centred(small())
    numbers = ["--num_model", COUNT_OF_NETWORKS, "--alpha", 0.5, "--batch", 1000, "--num_step", STEPS]
    sys.argv = ["generate_unlearnable.py", "--adv", *map(str, numbers)]
    runpy.run_path(str(repository() / "generate_unlearnable.py"), run_name="__main__")
    (saved,) = Path("UEs/cifar10").glob("*.pkl")
    made = np.stack([image for image, _ in pickle.loads(saved.read_bytes())])
    order = np.argsort(labels(), kind="stable")
    noise = np.empty_like(made)
    noise[order] = made - images(kind)[order].transpose(0, 3, 1, 2) / 255
    return {"noise": (noise * 255).round().astype(np.int64)}


ROWS = (
    Row(
        name="dune-wang26-without-lpips",
        ran="generate_unlearnable.py --adv",
        theirs=theirs,
        ours=ours("dune-wang26-without-lpips", 0.0625),
        note="the spatial half; five checkpoints given",
    ),
)
