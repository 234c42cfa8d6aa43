"""Both optimisers: PyTorch's own steps, milestones, and exact resumption."""

from types import ModuleType

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor
from torch.nn import functional

from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import AdamW, OptimiserSettings, Sgd

CPU = Runtime(device=torch.device("cpu"), precision="fp32")
DOUBLE = Runtime(device=torch.device("cpu"), precision="fp64")
SGD = Sgd(lr=0.1, momentum=0.9, weight_decay=0.01, milestones=(2,), gamma=0.5)
ADAM = AdamW(kind="adamw", lr=0.01, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1, milestones=(2,), gamma=0.5)


def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(2)
    return [(torch.rand(6, 3, 8, 8, generator=generator), torch.arange(6) % 3) for _ in range(5)]


@pytest.mark.parametrize("settings", [SGD, ADAM], ids=["sgd", "adamw"])
def test_steps_are_those_of_pytorch(settings: Sgd | AdamW, literal: ModuleType) -> None:
    # in fp64, since AdamW amplifies a gradient that is 0 but for rounding, such as that of a bias before a BatchNorm
    network, plain = (DOUBLE.place(literal.tiny(3, seed=1)) for _ in range(2))
    optimiser = Optimiser(network, settings, DOUBLE)
    numbers = settings.model_dump(exclude={"kind", "milestones", "gamma"})
    other = (torch.optim.AdamW if settings is ADAM else torch.optim.SGD)(plain.parameters(), **numbers)
    schedule = torch.optim.lr_scheduler.MultiStepLR(other, [2], gamma=0.5)
    for given, labels in batches():
        images = given.double()
        plain.train()
        loss = functional.cross_entropy(plain(images), labels)
        other.zero_grad()
        loss.backward()
        other.step()
        schedule.step()
        torch.testing.assert_close(optimiser.step(images, labels), loss.detach())
    for one, same in zip(network.state_dict().values(), plain.state_dict().values(), strict=True):
        torch.testing.assert_close(one, same)


@pytest.mark.parametrize("settings", [SGD, ADAM], ids=["sgd", "adamw"])
@pytest.mark.parametrize("partly", [False, True])
def test_to_resume_is_to_have_gone_on(settings: Sgd | AdamW, partly: bool, literal: ModuleType) -> None:
    def begin(seed: int) -> Optimiser:
        network = CPU.place(literal.tiny(3, seed=seed))
        return Optimiser(network, settings, CPU, parts=(network.middle, network.head) if partly else None)

    whole, first, second = begin(1), begin(1), begin(9)
    data = batches()
    for images, labels in data[:3]:
        whole.step(images, labels), first.step(images, labels)
    second.restore({name: value.clone().contiguous() for name, value in first.state().items()})
    for images, labels in data[3:]:
        assert torch.equal(whole.step(images, labels), second.step(images, labels))
    one, other = whole.state(), second.state()
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_a_table_without_a_kind_is_one_of_sgd() -> None:
    adapter: TypeAdapter[Sgd | AdamW] = TypeAdapter(OptimiserSettings)
    plain = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.0005, "milestones": [3], "gamma": 0.1}
    found = adapter.validate_python(plain)
    assert isinstance(found, Sgd)
    assert adapter.dump_python(found, mode="json") == plain
    assert adapter.validate_python(plain | {"kind": "sgd"}) == found
    other = adapter.validate_python({"kind": "adamw", "lr": 0.1})
    assert isinstance(other, AdamW)
    assert adapter.validate_python(adapter.dump_python(other, mode="json")) == other
    for wrong in ({"kind": "adam"}, {"kind": "adamw", "momentum": 0.9}, {"betas": (0.9, 0.99)}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
