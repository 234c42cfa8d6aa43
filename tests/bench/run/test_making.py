"""The networks that jobs are run with, and the noise that methods may return."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from attacks.core.state import NullKeeper
from attacks.recipes.drawn import Drawn
from attacks.spec import Method
from attacks.task import Task
from bench.config.load import load_protocol
from bench.data import Places
from bench.run.making import UnusableNoiseError, built, make_noise, runtime_of
from bench.run.plan import Plan
from bench.run.workplace import Workplace
from victims.train import LabelledImages

SHAPE = (2, 3, 32, 32)
Make = Callable[..., Tensor]


@pytest.fixture
def make(plan_of: Callable[..., Plan], places: Places, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make noise for two images by a method that draws it with a given function."""

    def make(draw: Callable[[Task], Tensor], *, bounded: bool = True) -> Tensor:
        mine = Method(name="mine", title="", bound="", bounded=bounded, source="", recipe=Drawn(draw=draw))
        monkeypatch.setattr("bench.run.making.method", lambda _name: mine)
        job = plan_of("methods=em").jobs[0]
        here = Workplace(results=places.cache, places=places, device="cpu", threads=1, by="test")
        images = LabelledImages(images=torch.zeros(SHAPE, dtype=torch.uint8), labels=torch.zeros(2, dtype=torch.int64))
        runtime, report = runtime_of(job, here), lambda _done, _all: None
        return make_noise(job, images, "", runtime, here, report, NullKeeper()).noise

    return make


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
def test_a_recipe_may_ask_for_another_mean(mean: float | None, make: Make) -> None:
    networks = []

    def draw(task: Task) -> Tensor:
        networks.append(task.network() if mean is None else task.network(mean=mean))
        return torch.zeros(task.images.shape, dtype=torch.int8)

    make(draw)
    (network,) = networks
    shown = float(network.normalise(torch.ones(1)))
    assert shown == 1 - (0.5 if mean is None else mean)


@pytest.mark.parametrize(
    ("noise", "said"),
    [
        (torch.full(SHAPE, 8 / 255), "float32 noise; return int8 or int16, in units of 1/255"),
        (torch.full(SHAPE, 248, dtype=torch.uint8), "uint8 noise; return int8 or int16, in units of 1/255"),
        (
            torch.zeros(10, 3, 32, 32, dtype=torch.int8),
            "noise of shape (10, 3, 32, 32); return (2, 3, 32, 32), a noise for each image",
        ),
        (
            torch.full(SHAPE, 9, dtype=torch.int16),
            "noise of up to 9/255, above rho_u (8/255); clip it, or set bounded=False",
        ),
        (
            torch.full(SHAPE, -128, dtype=torch.int8),
            "noise of up to 128/255, above rho_u (8/255); clip it, or set bounded=False",
        ),
    ],
    ids=["float", "unsigned", "class-wise", "large", "int8's least"],
)
def test_what_is_no_noise_of_the_images_is_refused(noise: Tensor, said: str, make: Make) -> None:
    with pytest.raises(UnusableNoiseError) as caught:
        make(lambda _task: noise)
    assert str(caught.value) == f"method 'mine' returned {said}"


@pytest.mark.parametrize(("value", "bounded"), [(8, True), (-8, True), (255, False)])
def test_noise_within_its_bound_is_returned(value: int, bounded: bool, make: Make) -> None:
    noise = torch.full(SHAPE, value, dtype=torch.int16)
    assert torch.equal(make(lambda _task: noise, bounded=bounded), noise)
