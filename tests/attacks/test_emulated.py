"""bf16 emulated in fp32, against PyTorch's own."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from attacks.core.emulated import EmulatedBf16, has_bf16
from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from attacks.engine.frozen import FrozenNetwork
from victims.networks.build import build

PLAIN = Runtime(device=torch.device("cpu"), precision="bf16")
EMULATED = replace(PLAIN, emulated=True)
NETWORKS = ["resnet18-w8", "mixer_s32_224-w32", "vit_tiny_patch16_224-w24", "test_efficientnet"]
OPERANDS: dict[str, tuple[Callable[..., Tensor], tuple[int, ...], tuple[int, ...]]] = {
    "conv1d": (functional.conv1d, (2, 3, 8), (4, 3, 3)),
    "conv2d": (functional.conv2d, (2, 3, 8, 8), (4, 3, 3, 3)),
    "conv3d": (functional.conv3d, (2, 3, 4, 4, 4), (4, 3, 3, 3, 3)),
    "conv_transpose1d": (functional.conv_transpose1d, (2, 3, 8), (3, 4, 3)),
    "conv_transpose2d": (functional.conv_transpose2d, (2, 3, 8, 8), (3, 4, 3, 3)),
    "conv_transpose3d": (functional.conv_transpose3d, (2, 3, 4, 4, 4), (3, 4, 3, 3, 3)),
    "linear": (functional.linear, (5, 3), (4, 3)),
    "linear, by name": (lambda one, other: functional.linear(input=one, weight=other), (5, 3), (4, 3)),
    "matmul": (torch.matmul, (2, 5, 3), (3, 4)),
    "method matmul": (lambda one, other: one.matmul(other), (2, 5, 3), (3, 4)),
    "@": (lambda one, other: one @ other, (5, 3), (3, 4)),
    "mm": (torch.mm, (5, 3), (3, 4)),
    "method mm": (lambda one, other: one.mm(other), (5, 3), (3, 4)),
    "bmm": (torch.bmm, (2, 5, 3), (2, 3, 4)),
    "method bmm": (lambda one, other: one.bmm(other), (2, 5, 3), (2, 3, 4)),
    "addmm": (lambda one, other: torch.addmm(torch.ones(4), one, other), (5, 3), (3, 4)),
    "method addmm": (lambda one, other: torch.ones(5, 4).addmm(one, other), (5, 3), (3, 4)),
    "baddbmm": (lambda one, other: torch.baddbmm(torch.ones(2, 1, 1), one, other), (2, 5, 3), (2, 3, 4)),
    "method baddbmm": (lambda one, other: torch.ones(2, 5, 4).baddbmm(one, other), (2, 5, 3), (2, 3, 4)),
    "einsum": (lambda one, other: torch.einsum("ij,jk->ik", one, other), (5, 3), (3, 4)),
    "einsum of a list": (lambda one, other: torch.einsum("ij,jk->ik", [one, other]), (5, 3), (3, 4)),
    "attention": (
        lambda one, other: functional.scaled_dot_product_attention(one, other, value=other),
        (1, 2, 5, 4),
        (1, 2, 5, 4),
    ),
}
EXACT = [name for name in OPERANDS if name != "attention"]  # its softmax is rounded on the way


class Products(TorchDispatchMode):
    """Records the types in which products are computed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.types: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in flop_registry:
            self.types |= {one.dtype for one in args if isinstance(one, Tensor)}
        return func(*args, **(kwargs or {}))


def types_in(action: Callable[[], object]) -> set[torch.dtype]:
    products = Products()
    with products:
        action()
    return products.types


def numbers(*shape: int, seed: int, whole: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    found = (
        torch.randint(-2, 3, shape, generator=generator).float() if whole else torch.randn(shape, generator=generator)
    )
    return found.requires_grad_()


def with_slopes(at: Runtime, product: Callable[..., Tensor], one: Tensor, other: Tensor) -> list[Tensor]:
    with at.autocast():
        found = product(one, other)
    slope = torch.ones_like(found)
    return [found.detach(), *torch.autograd.grad(found, (one, other), slope)]


def distance(here: Tensor, there: Tensor) -> float:
    return ((here - there).norm() / there.norm().clamp(min=1)).item()


@pytest.mark.parametrize("name", OPERANDS)
def test_products_are_computed_in_fp32(name: str) -> None:
    product, one, other = OPERANDS[name]
    operands = numbers(*one, seed=0), numbers(*other, seed=1)
    assert types_in(lambda: with_slopes(EMULATED, product, *operands)) == {torch.float32}
    assert torch.bfloat16 in types_in(lambda: with_slopes(PLAIN, product, *operands))


@pytest.mark.parametrize("name", OPERANDS)
def test_products_are_near_those_of_bf16(name: str) -> None:
    product, one, other = OPERANDS[name]
    operands = numbers(*one, seed=0), numbers(*other, seed=1)
    plain, emulated = (with_slopes(at, product, *operands) for at in (PLAIN, EMULATED))
    assert [tensor.dtype for tensor in emulated] == [tensor.dtype for tensor in plain]
    assert emulated[0].dtype == torch.bfloat16
    assert all(distance(here, there) < 0.02 for here, there in zip(emulated, plain, strict=True))


@pytest.mark.parametrize("name", EXACT)
def test_results_are_rounded_once(name: str) -> None:
    product, one, other = OPERANDS[name]
    operands = numbers(*one, seed=0), numbers(*other, seed=1)
    with EMULATED.autocast():
        found = product(*operands)
    assert torch.equal(found, product(*(operand.bfloat16().float() for operand in operands)).bfloat16())


@pytest.mark.parametrize("name", EXACT)
def test_small_whole_numbers_give_the_same(name: str) -> None:
    product, one, other = OPERANDS[name]
    operands = numbers(*one, seed=0, whole=True), numbers(*other, seed=1, whole=True)
    plain, emulated = (with_slopes(at, product, *operands) for at in (PLAIN, EMULATED))
    assert all(map(torch.equal, emulated, plain))


def test_what_autocast_leaves_stays() -> None:
    one, double, whole = numbers(4, 4, seed=0), numbers(4, 4, seed=0).double(), torch.ones(4, 4, dtype=torch.int)
    with EmulatedBf16():
        assert (one @ one).dtype == torch.float32
    with EMULATED.autocast():
        assert (one + one).dtype == torch.float32
        assert torch.equal(double @ double, double.matmul(double))
        assert (double @ double).dtype == torch.float64
        assert (whole @ whole).dtype == torch.int
        assert (one.half() @ one).dtype == torch.bfloat16
        with torch.autocast("cpu", enabled=False):
            assert (one @ one).dtype == torch.float32
        with torch.no_grad():
            torch.mm(one, one, out=(written := torch.zeros(4, 4)))
    assert torch.equal(written, one @ one)
    with replace(EMULATED, precision="fp32").autocast():
        assert (one @ one).dtype == torch.float32


def pictures(at: Runtime, count: int = 8) -> tuple[Tensor, Tensor]:
    images = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return at.pixels(images), torch.arange(count) % 4


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_run_in_fp32(name: str) -> None:
    network, (images, labels) = EMULATED.place(build(name, classes=4, channels=3, size=32, seed=0)), pictures(EMULATED)
    optimiser = Optimiser(network, Sgd(lr=0.02), EMULATED)
    frozen = FrozenNetwork(network, images[:2], EMULATED)
    for action in (
        lambda: optimiser.step(images, labels),
        lambda: frozen.gradient(images, labels),
        lambda: frozen.logits(images),
    ):
        assert types_in(action) == {torch.float32}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_is_as_near_to_the_exact_one(name: str) -> None:
    def learnt(at: Runtime) -> Tensor:
        network = at.place(build(name, classes=4, channels=3, size=32, seed=0))
        Optimiser(network, Sgd(lr=0.02), at).step(*pictures(at))
        return torch.cat([value.double().flatten() for value in network.state_dict().values()])

    plain, emulated, exact = (learnt(at) for at in (PLAIN, EMULATED, replace(PLAIN, precision="fp64")))
    assert 0 < (emulated - exact).norm() < 1.1 * (plain - exact).norm()


def test_a_network_that_diverged_does_not_look_finite() -> None:
    network, (images, _) = EMULATED.place(build("resnet18-w8", classes=4, channels=3, size=32, seed=0)), pictures(PLAIN)
    with torch.no_grad():
        next(one for one in network.modules() if isinstance(one, nn.Conv2d)).weight[0, 0, 0, 0] = torch.nan
    assert not FrozenNetwork(network, images[:2], EMULATED).logits(images).isfinite().all()


def test_only_bf16_on_cpus_without_it_is_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    for supported in (True, False):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda supported=supported: supported)
        assert has_bf16() == (supported and torch.backends.mkldnn.is_available())
        assert Runtime.on("cpu", precision="bf16", side=32).emulated != has_bf16()
        assert not Runtime.on("cpu", precision="fp32", side=32).emulated
        assert not Runtime.on("cuda:0", precision="bf16", side=32).emulated
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_bf16()
