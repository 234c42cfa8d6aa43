"""The networks that jobs are run with."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from attacks.core.state import NullKeeper
from attacks.task import NoiseResult, Task
from bench.config.load import load_protocol
from bench.data import Places
from bench.run.making import built, make_noise, runtime_of
from bench.run.plan import Plan
from bench.run.workplace import Workplace
from victims.train import LabelledImages


def test_the_original_ems_surrogate_on_imagenet_is_centred_by_nothing_and_has_the_large_stem() -> None:
    setup = load_protocol("paper-v1").for_dataset("imagenet-100")
    own = setup.noise.alternating
    assert own.stem is not None
    assert (own.sgd or setup.noise.sgd).weight_decay == 5e-5
    assert own.batch == 32
    one = built("resnet18", setup, shape=(3, 224), classes=2, seed=0)
    other = built("resnet18", setup, shape=(3, 224), classes=2, seed=0, stem=own.stem, mean=own.mean)
    kernels = [next(part for part in net.modules() if isinstance(part, nn.Conv2d)).kernel_size for net in (one, other)]
    assert kernels == [(3, 3), (7, 7)]
    grey = torch.full((1, 3, 1, 1), 0.5)
    assert [float(net.normalise(grey).max()) for net in (one, other)] == [0, 0.5]


@pytest.mark.parametrize("mean", [None, 0.0, 0.25])
def test_a_recipe_may_ask_for_another_mean(
    mean: float | None, plan_of: Callable[..., Plan], places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks = []

    def make(task: Task) -> NoiseResult:
        networks.append(task.network() if mean is None else task.network(mean=mean))
        return NoiseResult(noise=torch.zeros(task.images.shape, dtype=torch.int8))

    monkeypatch.setattr(
        "bench.run.making.method", lambda _name: SimpleNamespace(recipe=SimpleNamespace(make=make, pretrained=False))
    )
    job = plan_of("methods=em").jobs[0]
    here = Workplace(results=places.cache, places=places, device="cpu", threads=1, by="test")
    images = LabelledImages(
        images=torch.zeros(2, 3, 32, 32, dtype=torch.uint8), labels=torch.zeros(2, dtype=torch.int64)
    )
    make_noise(job, images, "", runtime_of(job, here), here, lambda _done, _all: None, NullKeeper())
    (network,) = networks
    shown = float(network.normalise(torch.ones(1)))
    assert shown == 1 - (0.5 if mean is None else mean)
