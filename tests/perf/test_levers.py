"""Each speed lever against the plain way to the same numbers, on a narrow ResNet-18, where overhead shows."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from attacks.core.runtime import Runtime
from attacks.core.settings import Precision
from attacks.engine.frozen import FrozenNetwork
from attacks.engine.views import draw
from bench.config.models import Setup

Batch = tuple[Tensor, Tensor]
Build = Callable[[str], torch.nn.Module]
Measure = Callable[..., None]
NETWORK = "resnet18-w16"
WAYS = ("lever", "plain")

pytestmark = pytest.mark.parametrize("way", WAYS)


def gradient(network: torch.nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of the summed cross-entropy with respect to the images, of a plain network."""
    leaf = images.detach().requires_grad_()
    loss = functional.cross_entropy(network(leaf), labels, reduction="sum")
    return torch.autograd.grad(loss, leaf)[0]


def test_views_in_one_stack(
    measure: Measure, way: str, setup: Setup, network: Build, runtime: Runtime, batch: Batch
) -> None:
    images, labels = runtime.pixels(batch[0]), batch[1]
    frozen = FrozenNetwork(runtime.place(network(NETWORK)), images[:2], runtime)
    generator, many = torch.Generator(runtime.device).manual_seed(0), setup.noise.views

    def over(stack: Tensor, targets: Tensor) -> None:
        view = draw(setup.augment, len(stack), (32, 32), generator)
        view.adjoint(frozen.gradient(view.apply(stack), targets))

    def one_at_a_time() -> None:
        for _ in range(many):
            over(images, labels)

    stacked = (lambda: over(images.repeat(many, 1, 1, 1), labels.repeat(many))) if way == "lever" else one_at_a_time
    measure(stacked, role=way, work="J views in one stack", image_passes=many * len(images))


def test_augmentation_as_one_gather(
    measure: Measure, way: str, setup: Setup, runtime: Runtime, naive: ModuleType, batch: Batch
) -> None:
    images = runtime.pixels(batch[0])
    generator = torch.Generator(runtime.device).manual_seed(0)

    def gather() -> None:
        view = draw(setup.augment, len(images), (32, 32), generator)
        view.adjoint(view.apply(images))

    def image_by_image() -> None:
        leaf = images.detach().requires_grad_()
        views = naive.augment(leaf)
        torch.autograd.grad(views, leaf, views.detach())

    measure(gather if way == "lever" else image_by_image, role=way, work="flip and crop, and their adjoint")


def test_batchnorm_folded_away(
    measure: Measure, way: str, network: Build, runtime_of: Callable[[Precision], Runtime], batch: Batch
) -> None:
    runtime = runtime_of("fp32")
    images, labels = runtime.pixels(batch[0]), batch[1]
    source = runtime.place(network(NETWORK)).eval().requires_grad_(requires_grad=False)
    frozen = FrozenNetwork(source, images[:2], runtime)
    action = (lambda: frozen.gradient(images, labels)) if way == "lever" else lambda: gradient(source, images, labels)
    measure(action, role=way, work="BatchNorm folded into convolutions", image_passes=len(images))


def test_parameters_frozen(
    measure: Measure, way: str, network: Build, runtime_of: Callable[[Precision], Runtime], batch: Batch
) -> None:
    runtime = runtime_of("fp32")
    images, labels = runtime.pixels(batch[0]), batch[1]
    source = runtime.place(network(NETWORK)).eval().requires_grad_(requires_grad=way == "plain")

    def with_all_gradients() -> None:
        leaf = images.detach().requires_grad_()
        functional.cross_entropy(source(leaf), labels, reduction="sum").backward()

    action = with_all_gradients if way == "plain" else lambda: gradient(source, images, labels)
    measure(action, role=way, work="no gradient of the parameters", image_passes=len(images))


def test_channels_last(
    measure: Measure, way: str, network: Build, runtime_of: Callable[[Precision], Runtime], batch: Batch
) -> None:
    runtime = runtime_of("fp32")
    source = runtime.place(network(NETWORK)).eval().requires_grad_(requires_grad=False)
    images, labels = runtime.pixels(batch[0]), batch[1]
    if way == "plain":
        source, images = source.to(memory_format=torch.contiguous_format), images.contiguous()
    measure(lambda: gradient(source, images, labels), role=way, work="channels last", image_passes=len(images))


def test_bf16(
    measure: Measure, way: str, network: Build, runtime_of: Callable[[Precision], Runtime], batch: Batch
) -> None:
    runtime = runtime_of("bf16" if way == "lever" else "fp32")
    images, labels = runtime.pixels(batch[0]), batch[1]
    frozen = FrozenNetwork(runtime.place(network(NETWORK)), images[:2], runtime)
    measure(lambda: frozen.gradient(images, labels), role=way, work="bf16", image_passes=len(images))


def test_emulated_bf16(
    measure: Measure, way: str, network: Build, runtime_of: Callable[[Precision], Runtime], batch: Batch
) -> None:
    runtime = runtime_of("bf16")
    if not runtime.emulated:
        pytest.skip("this machine has fast bf16")
    runtime = replace(runtime, emulated=way == "lever")
    images, labels = runtime.pixels(batch[0]), batch[1]
    frozen = FrozenNetwork(runtime.place(network(NETWORK)), images[:2], runtime)
    measure(
        lambda: frozen.gradient(images, labels),
        rounds=5 if way == "lever" else 1,
        role=way,
        work="bf16 emulated in fp32",
        image_passes=len(images),
    )


def test_fused_sgd(measure: Measure, way: str, setup: Setup, network: Build, runtime: Runtime) -> None:
    weights = list(runtime.place(network(NETWORK)).parameters())
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    sgd = setup.noise.sgd
    optimiser = torch.optim.SGD(
        weights,
        lr=sgd.lr,
        momentum=sgd.momentum,
        weight_decay=sgd.weight_decay,
        fused=way == "lever",
        foreach=False if way == "plain" else None,
    )
    measure(optimiser.step, rounds=100, role=way, work="fused SGD")


def test_images_on_the_device(measure: Measure, way: str, setup: Setup, runtime: Runtime, is_short: bool) -> None:
    count = 10 * setup.noise.batch
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
    labels = torch.arange(count)
    here = images.to(runtime.device)
    loader = DataLoader(TensorDataset(images.float() / 255, labels), batch_size=setup.noise.batch, shuffle=True)

    def epoch() -> None:
        for index in torch.randperm(count, device=runtime.device).split(setup.noise.batch):
            runtime.pixels(here[index])

    def loaded() -> None:
        for part, _ in loader:
            part.to(runtime.device)

    measure(epoch if way == "lever" else loaded, role=way, work="uint8 images on the device, no loader")
