from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from attacks.core.cost import Passes
from attacks.core.optimiser import Optimiser
from attacks.core.runtime import Runtime
from attacks.core.settings import Precision, Sgd
from attacks.engine.fold import find_pairs
from attacks.engine.frozen import FeatureLoss, FrozenNetwork
from victims.networks.build import build

# including one that normalises before its convolutions (DenseNet) and some whose BatchNorms include the activation
FAMILIES = (
    "resnet18-w8",
    "densenet121-w8",
    "mobilenetv3_small_050",
    "vgg11_bn",
    "test_byobnet",
    "vgg16_bn_fu22-w8",
    "densenet121_fu22-w8",
    "wrn34_10_fu22-w8",
)
LABELS = torch.arange(8) % 4


def runtime(precision: Precision = "fp32", chunk: int = 256) -> Runtime:
    return Runtime(device=torch.device("cpu"), precision=precision, chunk=chunk)


def pictures(seed: int, count: int = 8, side: int = 32) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def learn(network: nn.Module, steps: int = 2, precision: Precision = "fp32") -> None:
    """Move the weights and the BatchNorm statistics away from their initial values."""
    optimiser = Optimiser(network, Sgd(lr=0.02), runtime(precision))
    for step in range(steps):
        optimiser.step(pictures(100 + step).to(next(network.parameters()).dtype), LABELS)


def slope(network: nn.Module, images: Tensor) -> Tensor:
    network.eval()
    leaf = images.clone().requires_grad_()
    loss = functional.cross_entropy(network(leaf), LABELS, reduction="sum")
    return torch.autograd.grad(loss, leaf)[0]


def far(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.mark.parametrize("name", FAMILIES)
def test_folded_is_unfolded_in_eval_mode(name: str) -> None:
    # in fp32 the two differ where rounding flips a ReLU or a max-pooling; in fp64 that does not happen
    network = runtime("fp64").place(build(name, classes=4, channels=3, size=32, seed=0))
    images = pictures(1).double()
    frozen = FrozenNetwork(network, images[:2], runtime("fp64"))
    assert find_pairs(network, images[:2])
    learn(network, precision="fp64")
    frozen.refresh()
    with torch.no_grad():
        expected = network.eval()(images)
    assert far(frozen.logits(images), expected) < 1e-9
    assert far(frozen.gradient(images, LABELS), slope(network, images)) < 1e-9


@pytest.mark.parametrize("name", FAMILIES)
def test_features_are_what_goes_into_the_last_layer(name: str) -> None:
    network = runtime("fp64").place(build(name, classes=4, channels=3, size=32, seed=0))
    images = pictures(1).double()
    frozen = FrozenNetwork(network, images[:2], runtime("fp64", chunk=3))
    learn(network, precision="fp64")
    frozen.refresh()
    network.eval()
    leaf = images.clone().requires_grad_()
    within = network.network
    features = within.forward_head(within.forward_features(network.normalise(leaf)), pre_logits=True).flatten(1)
    assert far(frozen.features(images), features.detach()) < 1e-9
    weights = torch.linspace(-1, 1, features.shape[1], dtype=torch.float64)
    (expected,) = torch.autograd.grad((features @ weights * (1 + LABELS)).sum(), leaf)
    loss = FeatureLoss(lambda found, labels: (found @ weights * (1 + labels)).sum())
    assert far(frozen.feature_gradient(loss, images, LABELS), expected) < 1e-9
    assert frozen.passes == Passes(attack=8, forward=8)


def test_features_of_a_loss_on_all_images_together_are_not_cut_into_chunks() -> None:
    network = runtime("fp64").place(build("resnet18-w8", classes=4, channels=3, size=32, seed=0))
    images, sizes = pictures(1).double(), []
    frozen = FrozenNetwork(network, images[:2], runtime("fp64", chunk=3))
    for together in (False, True):
        loss = FeatureLoss(
            lambda found, _labels: (sizes.append(len(found)), found.square().sum())[1], together=together
        )
        frozen.feature_gradient(loss, images, LABELS)
    assert sizes == [3, 3, 2, 8]


class Halved(nn.Module):
    """A network whose last layer does not give the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * 32 * 32, 4)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.flatten(1)) / 2


def test_a_network_without_a_last_layer_has_no_features() -> None:
    frozen = FrozenNetwork(Halved(), pictures(1)[:2], runtime())
    with pytest.raises(ValueError, match="needs a surrogate whose last layer outputs the logits"):
        frozen.features(pictures(1))


@pytest.mark.parametrize(
    "name", ["resnet18-w8", "vgg11_bn", "mobilenetv3_small_050", "vgg16_bn_fu22-w8", "wrn34_10_fu22-w8"]
)
def test_every_norm_that_follows_a_convolution_is_folded(name: str) -> None:
    network = build(name, classes=4, channels=3, size=32, seed=0)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert len(find_pairs(network, pictures(0, 2))) == norms


class Twice(nn.Module):
    """A network whose convolution is read both by the BatchNorm and directly."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        features = self.convolution(images)
        return (self.norm(features) + features).mean((2, 3))


class Shared(nn.Module):
    """A network whose BatchNorm runs twice, after two convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        return (self.norm(self.one(images)) * self.norm(self.other(images))).mean((2, 3))


@pytest.mark.parametrize("kind", [Twice, Shared])
def test_what_cannot_be_folded_is_left(kind: type[nn.Module]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = kind()
    assert find_pairs(network, pictures(0, 2)) == []
    frozen = FrozenNetwork(network, pictures(0, 2), runtime())
    learn(network)
    frozen.refresh()
    assert far(frozen.gradient(pictures(1), LABELS), slope(network, pictures(1))) < 1e-5


def test_refresh_follows_the_network(literal: ModuleType) -> None:
    network = literal.tiny(4, seed=0)
    frozen = FrozenNetwork(network, pictures(0, 2), runtime())
    before = frozen.logits(pictures(1))
    learn(network)
    assert torch.equal(frozen.logits(pictures(1)), before)
    frozen.refresh()
    with torch.no_grad():
        torch.testing.assert_close(frozen.logits(pictures(1)), network.eval()(pictures(1)), rtol=1e-5, atol=1e-5)
    assert far(frozen.logits(pictures(1)), before) > 0.1


def test_chunks_change_nothing_but_rounding(literal: ModuleType) -> None:
    network = literal.tiny(4, seed=0)
    whole, parts = (FrozenNetwork(network, pictures(0, 2), runtime(chunk=chunk)) for chunk in (256, 3))
    torch.testing.assert_close(parts.gradient(pictures(1), LABELS), whole.gradient(pictures(1), LABELS))
    torch.testing.assert_close(parts.logits(pictures(1)), whole.logits(pictures(1)))
    assert parts.passes == whole.passes == Passes(attack=8, forward=8)


@pytest.mark.parametrize("training", [True, False])
def test_passes_leave_the_network_alone(training: bool, literal: ModuleType) -> None:
    network = literal.tiny(4, seed=0).train(training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    frozen = FrozenNetwork(network, pictures(0, 2), runtime())
    gradient = frozen.gradient(pictures(1), LABELS)
    logits = frozen.logits(pictures(1))
    assert not gradient.requires_grad
    assert not logits.requires_grad
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(module.training is training for module in network.modules())
    assert all(weight.requires_grad and weight.grad is None for weight in network.parameters())
    assert not any(weight.requires_grad for weight in frozen._twin.parameters())


def test_bf16_gradients_point_the_way_of_fp32() -> None:
    network = runtime().place(build("resnet18-w8", classes=4, channels=3, size=32, seed=0))
    learn(network)
    fp32, bf16 = (FrozenNetwork(network, pictures(0, 2), runtime(precision)) for precision in ("fp32", "bf16"))
    exact, rough = fp32.gradient(pictures(1), LABELS), bf16.gradient(pictures(1), LABELS)
    assert rough.dtype == torch.float32
    assert (exact.sign() == rough.sign()).double().mean() > 0.9
    assert 0 < far(rough, exact) < 0.3
    logits = bf16.logits(pictures(1))
    assert logits.dtype == torch.float32
    assert 0 < far(logits, fp32.logits(pictures(1))) < 0.05
