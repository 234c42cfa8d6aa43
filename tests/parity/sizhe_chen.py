"""SEP, after Sizhe-Chen/SEP (Chen et al., ICLR 2023)."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

import numpy as np
import torch
from common import COUNT, Centred, Found, Row, images, labels, repository, several, small

FOLDER = "."
STEPS, COUNT_OF_NETWORKS = 30, 5


def save_checkpoints(folder: str) -> None:
    """Save five networks as their training does."""
    Path(folder).mkdir(parents=True)
    for number, network in enumerate(several(COUNT_OF_NETWORKS)):
        torch.save({"net": Centred(network).state_dict()}, f"{folder}/it-s2-e{number}-a1.pth")


def theirs(kind: str) -> Found:
    """Run their script on all images and five given checkpoints; return the noise, in 1/255."""
    import standins

    standins.module("robustbench")
    standins.module("robustbench.utils", load_model=None)
    save_checkpoints("ckpt/ResNet18")
    import utils

    pixels = torch.from_numpy(images(kind)).permute(0, 3, 1, 2).double() / 255
    loader = [(pixels.clone(), torch.from_numpy(labels()), torch.arange(COUNT))]
    utils.cifar10csz = lambda *_: (loader, None, loader)
    utils.get_model = lambda *_, **__: Centred(small())
    utils.LogProcessBar = MagicMock()
    sys.argv = ["ens.py", "--num_model", str(COUNT_OF_NETWORKS), "--eps", "8", "--epoch", str(STEPS)]
    runpy.run_path(str(repository() / "ens.py"), run_name="__main__")
    (found,) = Path("samples").rglob("*.npy")
    noise = np.load(found) - pixels.numpy()
    return {"noise": (noise * 255).round().astype(np.int64)}


def given_checkpoints() -> Any:
    """Replace the checkpoints that our training keeps by five given networks."""
    from ours import network

    from attacks.engine import ensemble

    class Given(ensemble.Checkpoints):
        def __init__(self, learner: Any, **numbers: int) -> None:
            super().__init__(learner, **numbers)
            for one in several(COUNT_OF_NETWORKS):
                built = network()
                built[1].load_state_dict(one.state_dict())
                self._kept.append(built.state_dict())

    return patch.object(ensemble, "Checkpoints", Given)


def ours(name: str, step: float) -> Callable[[str], Found]:
    """Return a function that runs our method on the given checkpoints; `step` is a fraction of the radius."""

    def run(kind: str) -> Found:
        from ours import SGD, method

        from attacks.core.settings import SignSteps
        from attacks.methods import METHODS

        table, descent = METHODS[name].recipe.table, SignSteps(steps=STEPS, step=step)
        own = table.model_construct(pretraining=0, sgd=SGD, checkpoints=COUNT_OF_NETWORKS, descent=descent, colour=None)
        with given_checkpoints():
            return method(name, weights=False, **{table.table: own})(kind)

    return run


ROWS = (
    Row(
        name="sep-chen23",
        ran="ens.py",
        theirs=theirs,
        ours=ours("sep-chen23", 0.125),
        note="radius 8; five checkpoints given",
    ),
)
