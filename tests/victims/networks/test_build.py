import math

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from attacks.core.errors import RequestError
from victims.networks.build import Normalise, build, check_network
from victims.networks.papers import NETWORKS

TIMM = ("resnet18", "resnet50", "vgg16_bn", "densenet121", "wide_resnet50_2", "vit_small_patch16_224")


def small(name: str = "resnet18-w8", **changes: object) -> nn.Module:
    arguments = {"classes": 10, "channels": 3, "size": 32, "seed": 0} | changes
    return build(name, **arguments)


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", ["resnet18-w8", "test_convnext", "test_vit", "mixer_s32_224-w32"])
def test_the_seed_decides_the_weights(name: str) -> None:
    assert same_weights(small(name, seed=3), small(name, seed=3))
    assert not same_weights(small(name, seed=3), small(name, seed=4))


def test_global_random_state_is_left_alone() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    small(seed=5)
    check_network("test_vit", size=32)
    assert torch.equal(torch.get_rng_state(), before)
    first = small(seed=5)
    torch.manual_seed(12)
    assert same_weights(first, small(seed=5))


def test_normalisation_is_the_first_layer() -> None:
    network = small(mean=0.25, std=2.0)
    first = next(network.children())
    images = torch.rand(2, 3, 32, 32)
    assert isinstance(first, Normalise)
    torch.testing.assert_close(first(images), (images - 0.25) / 2.0)
    plain = small(mean=0.0, std=1.0)
    network.eval(), plain.eval()
    torch.testing.assert_close(network(images), plain((images - 0.25) / 2.0))


@pytest.mark.parametrize(("mean", "std"), [((0.1, 0.2, 0.3), (1.0, 2.0, 4.0)), (0.25, (1.0, 2.0, 4.0))])
def test_channels_can_have_their_own_normalisation(mean: object, std: object) -> None:
    network = small(mean=mean, std=std).double().to(memory_format=torch.channels_last)
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    first = next(network.children())
    for channel in range(3):
        one, other = (value[channel] if isinstance(value, tuple) else value for value in (mean, std))
        expected = (images[:, channel] - one) / other
        torch.testing.assert_close(first(images)[:, channel], expected, rtol=1e-6, atol=1e-7)
    assert network.state_dict().keys() == small().state_dict().keys()
    with pytest.raises(RequestError, match=r"setup\.std has 3 numbers, but the images have 1 channel; give one number"):
        small(mean=0.5, std=std, channels=1)


def test_resnet18_costs_what_the_papers_network_costs() -> None:
    network = small("resnet18").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    assert counter.get_total_flops() == 2 * 555_422_720


@pytest.mark.parametrize("name", ["resnet18-w8", "vgg11_bn", "densenet121-w8"])
def test_torchs_initialisation(name: str) -> None:
    network = small(name)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert norms
    assert all(bool((norm.weight == 1).all()) and bool((norm.bias == 0).all()) for norm in norms)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = 1 / math.sqrt(layer.weight[0].numel())  # of kaiming_uniform(a=sqrt(5))
            assert 0.8 * bound < layer.weight.abs().max() <= bound * (1 + 1e-6)


def test_timm_initialisation_keeps_its_zero_norms() -> None:
    network = small("resnet18-w8", init="timm")
    assert any(bool((layer.weight == 0).all()) for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))


def test_families_outside_the_papers_keep_timms_initialisation() -> None:
    assert same_weights(small("test_vit", init="torch"), small("test_vit", init="timm"))
    assert not same_weights(small("resnet18-w8", init="torch"), small("resnet18-w8", init="timm"))


@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize("name", [*TIMM, *NETWORKS])
def test_check_takes_what_a_matrix_needs(name: str, size: int) -> None:
    check_network(name, size=size)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resnet81", r"unknown victim 'resnet81'; did you mean 'resnet18'\?"),
        ("resnet18.a1_in9k", r"unknown weights .*did you mean 'resnet18\.a1_in1k'\?"),
        ("vgg16_bn-w8", "the VGG family has no width option; write vgg16_bn"),
        ("resnet18-w9", "needs an even width; write resnet18-w10"),
        ("gmlp_ti16_224-w32", "has only timm's width"),
        ("crossvit_tiny_240", r"cannot be built .*; it is made for 240 pixels \(folder:PATH@240\); see"),
        ("resnext50_32x4d-w8", r"resnext50_32x4d cannot have width 8 .*; use resnext50_32x4d-w16"),
        ("densenet121_fu22-w9", "needs an even width; write densenet121_fu22-w10"),
        ("convit_tiny-w48", "the width of convit_tiny cannot be changed; leave out -w48"),
        ("vgg16_fu22", r"unknown victim 'vgg16_fu22'; did you mean 'vgg16_bn_fu22'\?"),
        ("halonet_h1", r"'halonet_h1' cannot be built for 32x32 images"),
    ],
)
def test_check_refuses_in_one_line(name: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as refusal:
        check_network(name, size=32)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_build_refuses_an_unknown_name() -> None:
    with pytest.raises(RequestError, match="did you mean 'resnet18'"):
        small("resnet81")
