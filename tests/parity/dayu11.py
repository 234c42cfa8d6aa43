"""LSP, after dayu11/Availability-Attacks-Create-Shortcuts (Yu et al., KDD 2022)."""

from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import scripts
from common import Cause, Draws, Found, Row

FOLDER = "synthetic_perturbations"
SEEDS = 2**32


@cache
def script() -> ModuleType:
    """Run their script until it has made the images."""
    import models.ResNet
    import sklearn.datasets

    models.ResNet.ResNet18 = scripts.end
    mixture = sklearn.datasets.make_classification

    def drawn(**given: Any) -> Any:
        """Seed the mixture as ours does, and order its features channels first, as ours does."""
        points, clusters = mixture(**given, random_state=int(Draws().whole("shifts", 0, SEEDS, ())))
        side = round((points.shape[1] / 3) ** 0.5)
        return points.reshape(-1, 3, side, side).transpose(0, 2, 3, 1).reshape(points.shape), clusters

    sklearn.datasets.make_classification = drawn
    return scripts.run("cifar_train")


def their_noise(kind: str) -> Found:
    """Return their noise, rounded before it is added, in the order of the images."""
    made = script()
    noise = np.empty(made.train_dataset.data.shape)
    for label in range(made.num_classes):
        own = made.arr_target == label
        noise[own] = made.simple_data[made.simple_label == label][: own.sum()]
    return {"noise": (noise * 255).round().astype(np.int64).transpose(0, 3, 1, 2)}


def our_noise(kind: str) -> Found:
    """Return our noise."""
    from ours import method

    return method("lsp-yu22", weights=False)(kind)


def our_images(kind: str) -> Found:
    """Return the images that carry our noise."""
    from ours import pixels

    return {"images": (pixels(kind).numpy().astype(np.int16) + our_noise(kind)["noise"]).clip(0, 255)}


ROWS = (
    Row(
        name="lsp-yu22",
        ran="cifar_train.py, up to its noise",
        theirs=their_noise,
        ours=our_noise,
        note="rounded before it is added",
    ),
    Row(
        name="lsp-yu22, protected images",
        ran="cifar_train.py, up to its images",
        theirs=lambda _: {"images": script().train_dataset.data.transpose(0, 3, 1, 2)},
        ours=our_images,
        causes={"": Cause(why="theirs truncates the sum to integers; ours rounds the noise", share=60, largest=1)},
    ),
)
