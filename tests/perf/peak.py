"""Print the peak memory of making noise, in bytes beyond the process's own: `python peak.py IMAGES STEPS`.

The noise is `em-fu22`'s with one sign step, on a narrow ResNet-18, so that the images take up more than the network.
"""

import sys

import torch

from attacks.core.runtime import Runtime
from attacks.core.settings import SignSteps
from attacks.core.state import NullKeeper
from attacks.methods import method
from attacks.task import Task
from bench.config.load import load_protocol
from bench.run import process
from victims.networks.build import build


def main(count: int, steps: int, device: str) -> int:
    """Make the noise of `count` images with `steps` (M) steps; return the peak memory in bytes."""
    setup = load_protocol("paper-v1").setup
    one = SignSteps(steps=1, step=setup.noise.descent.step)
    network = build("resnet18-w16", classes=10, channels=3, size=32, seed=0)
    process.reset_peak(device)
    before = process.peak(device)
    task = Task(
        images=torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, device=device),
        labels=torch.arange(count, device=device) % 10,
        classes=10,
        dataset="",
        settings=setup.noise.model_copy(update={"steps": steps, "descent": one}),
        augment=setup.augment,
        network=lambda: network,
        generator=torch.Generator(device).manual_seed(0),
        runtime=Runtime.on(device, precision="bf16", side=32),
        report=lambda _done, _all: None,
        keeper=NullKeeper(),
    )
    method("em-fu22").recipe.make(task)
    return process.peak(device) - before


if __name__ == "__main__":
    print(main(int(sys.argv[1]), int(sys.argv[2]), "cuda:0" if torch.cuda.is_available() else "cpu"))
