"""The networks of the papers' code: size, stem, initialisation, and use through timm."""

import math
from importlib import import_module
from typing import Any

import pytest
import timm
import torch
from torch import nn

from attacks.core.errors import RequestError
from victims.networks.build import build, check_network
from victims.networks.papers import NETWORKS
from victims.networks.papers.classifier import Classifier
from victims.networks.stems.papers import PAPERS
from victims.networks.stems.policy import BuildSpec

# Counted in the networks that `models` of github.com/fshp971/robust-unlearnable-examples at adf2060 builds, for 10
# classes and for 100.
PARAMETERS = {
    "vgg16_bn_fu22": (15_253_578, 15_299_748),
    "densenet121_fu22": (6_964_106, 7_056_356),
    "wrn34_10_fu22": (46_162_714, 46_220_404),
}


def make(name: str, *, size: int = 32, classes: int = 10, **changes: Any) -> Any:
    return build(name, classes=classes, channels=3, size=size, seed=0, **changes).network  # type: ignore[union-attr]


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_every_network_is_counted() -> None:
    assert set(PARAMETERS) == set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_those_of_the_papers_networks(name: str) -> None:
    with torch.device("meta"):
        assert tuple(parameters(make(name, classes=classes)) for classes in (10, 100)) == PARAMETERS[name]


@pytest.mark.parametrize(("name", "more"), [("vgg16_bn", 525_312), ("densenet121", 7_680)])
def test_they_are_larger_than_timms_with_the_stem_of_small_images(name: str, more: int) -> None:
    with torch.device("meta"):
        assert parameters(make(f"{name}_fu22")) - parameters(make(name)) == more


@pytest.mark.parametrize(
    ("name", "sides"),
    [("vgg16_bn_fu22-w8", (1, 7)), ("densenet121_fu22-w8", (1, 7)), ("wrn34_10_fu22-w8", (8, 56))],
)
def test_shapes_at_32_and_224_pixels(name: str, sides: tuple[int, int]) -> None:
    for size, side in zip((32, 224), sides, strict=True):
        network, images = make(name, size=size).eval(), torch.rand(2, 3, size, size)
        with torch.no_grad():
            features = network.forward_features(images)
            logits = network(images)
        assert features.shape == (2, network.num_features, side, side)
        assert logits.shape == (2, 10)


@pytest.mark.parametrize("stem", ["by-size", "small"])
@pytest.mark.parametrize("name", NETWORKS)
def test_size_stem_and_initialisation_of_a_protocol_change_nothing(name: str, stem: Any) -> None:
    plain, other = make(f"{name}-w8"), make(f"{name}-w8", size=224, stem=stem, init="timm")
    pairs = zip(plain.state_dict().items(), other.state_dict().items(), strict=True)
    assert all(key == twin and torch.equal(value, copied) for (key, value), (twin, copied) in pairs)
    layers = [[repr(layer) for layer in network.modules()] for network in (plain, other)]
    assert layers[0] == layers[1]


def torchs(layer: nn.Conv2d | nn.Linear) -> float:
    return 1 / math.sqrt(3 * layer.weight[0].numel())


def fan_in(layer: nn.Conv2d) -> float:
    return math.sqrt(2 / layer.weight[0].numel())


def fan_out(layer: nn.Conv2d) -> float:
    return math.sqrt(2 / (layer.weight.numel() / layer.in_channels))


# standard deviation of a convolution's weights; whether they are normal; whether the convolutions have biases of 0, or
# none; whether the last layer's bias is 0
STARTS = {
    "vgg16_bn_fu22": (fan_out, True, True, False),
    "densenet121_fu22": (fan_in, True, False, True),
    "wrn34_10_fu22": (torchs, False, False, False),
}


@pytest.mark.parametrize(("name", "width"), [("vgg16_bn_fu22", 32), ("densenet121_fu22", 64), ("wrn34_10_fu22", 32)])
def test_every_layer_starts_as_in_the_papers_code(name: str, width: int) -> None:
    network = make(f"{name}-w{width}").requires_grad_(False)
    deviation, normal, biased, last_is_zero = STARTS[name]
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert convolutions
    assert norms
    for layer in convolutions:
        near = 5 / math.sqrt(2 * layer.weight.numel())  # five standard errors of a normal's deviation
        assert float(layer.weight.std()) == pytest.approx(deviation(layer), rel=near)
        assert (float(layer.weight.abs().max()) > 1.8 * deviation(layer)) is normal  # uniform: at most sqrt(3) times it
        assert (layer.bias is not None) is biased
        assert layer.bias is None or not layer.bias.any()
    for layer in norms:
        assert (layer.weight == 1).all()
        assert not layer.bias.any()
    for layer in linear:
        near = 5 / math.sqrt(2 * layer.weight.numel())
        assert float(layer.weight.std()) == pytest.approx(torchs(layer), rel=near)
        assert float(layer.weight.abs().max()) <= math.sqrt(3) * torchs(layer) * (1 + 1e-6)
        assert bool(layer.bias.any()) is not (last_is_zero and layer is network.get_classifier())


def test_vgg_drops_half_of_its_hidden_units_twice() -> None:
    network = make("vgg16_bn_fu22-w8")
    hidden = [type(layer) for layer in network.hidden]
    assert hidden == [nn.Dropout, nn.Linear, nn.ReLU] * 2
    assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == [0.5, 0.5]
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        assert not torch.equal(network.train()(images), network(images))
        assert torch.equal(network.eval()(images), network(images))


def test_blocks_of_the_wide_resnet_end_with_their_activation() -> None:
    network = make("wrn34_10_fu22-w8").eval()
    blocks = list(network.features)[3:]
    assert len(blocks) == 15
    assert [block.stride for block in blocks] == [1] * 5 + [2] + [1] * 4 + [2] + [1] * 4
    assert [block.downsample is not None for block in blocks] == ([True] + [False] * 4) * 3
    with torch.no_grad():
        assert network.forward_features(torch.rand(2, 3, 32, 32)).min() >= 0


@pytest.mark.parametrize("name", ["vgg16_bn_fu22", "densenet121_fu22"])
def test_images_of_less_than_32_pixels_are_refused(name: str) -> None:
    with pytest.raises(RequestError, match=rf"'{name}' cannot be built for 28x28 images"):
        check_network(name, size=28)


@pytest.mark.parametrize(("name", "width"), [("vgg16_bn_fu22", 64), ("densenet121_fu22", 64), ("wrn34_10_fu22", 160)])
def test_their_own_width_changes_nothing(name: str, width: int) -> None:
    def shapes(width: int | None) -> list[torch.Size]:
        with torch.device("meta"):
            network = PAPERS.create(BuildSpec(name=name, width=width, classes=10, channels=3, size=32, small=True))
        return [value.shape for value in network.state_dict().values()]

    assert shapes(width) == shapes(None)


@pytest.mark.parametrize("name", NETWORKS)
def test_timm_knows_them(name: str) -> None:
    import_module(NETWORKS[name])
    network: Any = timm.create_model(name, num_classes=7, in_chans=1, width=8)
    assert (network.num_classes, network.in_chans) == (7, 1)
    assert network(torch.rand(2, 1, 32, 32)).shape == (2, 7)
    with pytest.raises(RuntimeError, match=f"No pretrained weights exist for {name}"):
        timm.create_model(name, pretrained=True, width=8)


@pytest.mark.parametrize("name", NETWORKS)
def test_heads_are_taken_off_and_put_back_as_timms_are(name: str) -> None:
    network, images = make(f"{name}-w8").eval(), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        maps, logits = network.forward_features(images), network(images)
        before = network.forward_head(maps, pre_logits=True)
        assert torch.equal(network.forward_head(maps), logits)
        assert torch.equal(network.get_classifier()(before), logits)
        network.reset_classifier(0)
        assert before.shape == (2, network.head_hidden_size)
        assert torch.equal(network(images), before)
        network.reset_classifier(3)
        assert network(images).shape == (2, 3)


def test_another_pooling_is_refused() -> None:
    network = Classifier(nn.Identity(), num_features=3, num_classes=2, in_chans=3)
    with pytest.raises(ValueError, match="supports mean pooling only"):
        network.reset_classifier(2, "max")
