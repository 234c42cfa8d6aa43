"""Products in fp32 of what is rounded to bf16, against PyTorch's own bf16."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.optimiser import Optimiser
from attacks.core.rounded import RoundedProducts, has_bf16
from attacks.core.runtime import Runtime
from attacks.core.settings import Sgd
from attacks.engine.frozen import FrozenNetwork
from victims.networks.build import build

PLAIN = Runtime(device=torch.device("cpu"), precision="bf16")
ROUNDED = replace(PLAIN, rounded=True)
OPERANDS = {
    "conv1d": (functional.conv1d, (2, 3, 8), (4, 3, 3)),
    "conv2d": (functional.conv2d, (2, 3, 8, 8), (4, 3, 3, 3)),
    "conv3d": (functional.conv3d, (2, 3, 4, 4, 4), (4, 3, 3, 3, 3)),
    "conv_transpose1d": (functional.conv_transpose1d, (2, 3, 8), (3, 4, 3)),
    "conv_transpose2d": (functional.conv_transpose2d, (2, 3, 8, 8), (3, 4, 3, 3)),
    "conv_transpose3d": (functional.conv_transpose3d, (2, 3, 4, 4, 4), (3, 4, 3, 3, 3)),
    "linear": (functional.linear, (5, 3), (4, 3)),
    "matmul": (torch.matmul, (2, 5, 3), (3, 4)),
    "@": (lambda one, other: one @ other, (5, 3), (3, 4)),
    "mm": (torch.mm, (5, 3), (3, 4)),
    "bmm": (torch.bmm, (2, 5, 3), (2, 3, 4)),
    "addmm": (lambda one, other: torch.addmm(torch.ones(4), one, other), (5, 3), (3, 4)),
    "baddbmm": (lambda one, other: torch.baddbmm(torch.ones(2, 1, 1), one, other), (2, 5, 3), (2, 3, 4)),
    "einsum": (lambda one, other: torch.einsum("ij,jk->ik", one, other), (5, 3), (3, 4)),
    "einsum of a list": (lambda one, other: torch.einsum("ij,jk->ik", [one, other]), (5, 3), (3, 4)),
    "attention": (
        lambda one, other: functional.scaled_dot_product_attention(one, other, value=other),
        (1, 2, 5, 4),
        (1, 2, 5, 4),
    ),
}


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
def test_products_are_those_of_bf16(name: str) -> None:
    product, one, other = OPERANDS[name]
    operands = numbers(*one, seed=0), numbers(*other, seed=1)
    plain, rounded = (with_slopes(at, product, *operands) for at in (PLAIN, ROUNDED))
    assert [tensor.dtype for tensor in rounded] == [tensor.dtype for tensor in plain]
    assert rounded[0].dtype == torch.bfloat16
    for here, there in zip(rounded, plain, strict=True):
        assert distance(here, there) < 0.02
    if name != "attention":  # whose softmax is rounded on the way
        single = product(*(operand.detach().bfloat16().float() for operand in operands))
        assert torch.equal(rounded[0], single.bfloat16())


@pytest.mark.parametrize("name", sorted(OPERANDS.keys() - {"attention"}))
def test_small_whole_numbers_give_the_same(name: str) -> None:
    product, one, other = OPERANDS[name]
    operands = numbers(*one, seed=0, whole=True), numbers(*other, seed=1, whole=True)
    plain, rounded = (with_slopes(at, product, *operands) for at in (PLAIN, ROUNDED))
    assert all(map(torch.equal, rounded, plain))


def test_what_is_no_product_in_bf16_stays() -> None:
    one, double, whole = numbers(4, 4, seed=0), torch.ones(4, 4, dtype=torch.float64), torch.ones(4, 4, dtype=torch.int)
    with RoundedProducts():
        assert torch.equal(one @ one, one.clone() @ one.clone())
        assert (one @ one).dtype == torch.float32
    with ROUNDED.autocast():
        assert (one + one).dtype == torch.float32
        assert (double @ double).dtype == torch.float64
        assert (whole @ whole).dtype == torch.int
        with torch.autocast("cpu", enabled=False):
            assert (one @ one).dtype == torch.float32
    with replace(ROUNDED, precision="fp32").autocast():
        assert (one @ one).dtype == torch.float32


@pytest.mark.parametrize("name", ["resnet18-w8", "mixer_s32_224-w32", "vit_tiny_patch16_224-w24"])
def test_a_step_is_as_near_to_the_exact_one(name: str) -> None:
    images, labels = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 4

    def learnt(at: Runtime) -> Tensor:
        network = at.place(build(name, classes=4, channels=3, size=32, seed=0))
        Optimiser(network, Sgd(lr=0.02), at).step(at.pixels((255 * images).byte()), labels)
        return torch.cat([value.double().flatten() for value in network.state_dict().values()])

    plain, rounded, exact = (learnt(at) for at in (PLAIN, ROUNDED, replace(PLAIN, precision="fp64")))
    assert 0 < (rounded - exact).norm() < 1.1 * (plain - exact).norm()


def test_a_network_that_diverged_does_not_look_finite() -> None:
    network = ROUNDED.place(build("resnet18-w8", classes=4, channels=3, size=32, seed=0))
    with torch.no_grad():
        next(one for one in network.modules() if isinstance(one, nn.Conv2d)).weight[0, 0, 0, 0] = torch.nan
    images = torch.rand(4, 3, 32, 32)
    assert not FrozenNetwork(network, images[:2], ROUNDED).logits(images).isfinite().all()


def test_only_bf16_on_cpus_without_it_is_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for has in (True, False):
        monkeypatch.setattr("attacks.core.runtime.has_bf16", lambda has=has: has)
        assert Runtime.on("cpu", precision="bf16", side=32).rounded != has
        assert not Runtime.on("cpu", precision="fp32", side=32).rounded
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_bf16()
