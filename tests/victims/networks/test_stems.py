import subprocess
import sys
from typing import Any

import pytest
import timm
import torch
from torch import nn

from attacks.core.errors import RequestError
from victims.networks.build import build, check_network
from victims.networks.papers import NETWORKS
from victims.networks.stems import STEMS, stem_of
from victims.networks.stems.other import OTHER
from victims.networks.stems.policy import BuildSpec, vit_patch_side
from victims.networks.stems.unstride import unstride
from victims.networks.stems.vit import heads

HEAVY = {"resnet50", "wide_resnet50_2", "vgg16_bn", "densenet121", "vit_small_patch16_224", *NETWORKS}
EXAMPLES = [name for stem in STEMS for name in stem.examples]
LIGHT = [name for name in EXAMPLES if name not in HEAVY]
REPEATS = {"resnet18", "resnet26d", "vgg11", "efficientnet_b0", "gmlp_ti16_224"}  # the costlier half of a pair
# no 4x4 map by design: VGG and the papers' DenseNet go down to one pixel, the rest use tokens
FLAT = ("vgg", "densenet121_fu22", "vit", "deit", "mixer", "gmlp", "test_vit")
LARGE = {"vgg16_bn_fu22-w8", "densenet121_fu22-w8"}  # for images of 32 pixels or more


def make(name: str, *, channels: int = 3, size: int = 32) -> nn.Module:
    return build(name, classes=10, channels=channels, size=size, seed=0)


def side(network: nn.Module, *, channels: int = 3, size: int = 32) -> int:
    with torch.no_grad():
        features = network.eval().network.forward_features(torch.rand(1, channels, size, size))
    return features.shape[-1]


def trains(network: nn.Module, *, channels: int = 3, size: int = 32) -> None:
    logits = network.train()(torch.rand(2, channels, size, size))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()
    nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.any() for gradient in gradients)


@pytest.mark.parametrize("name", LIGHT)
def test_examples_train_at_32_pixels(name: str) -> None:
    network = make(name)
    trains(network)
    if not name.startswith(FLAT):
        assert side(network) >= 4


@pytest.mark.parametrize("name", [name for name in LIGHT if name not in REPEATS | LARGE])
def test_examples_train_on_grey_images_of_28_pixels(name: str) -> None:
    network = make(name, channels=1, size=28)
    trains(network, channels=1, size=28)
    if not name.startswith(FLAT):
        assert side(network, channels=1, size=28) >= 3


@pytest.mark.parametrize("name", sorted(HEAVY))
def test_heavy_examples_are_accepted_at_32_pixels(name: str) -> None:
    check_network(name, size=32)


@pytest.mark.parametrize("name", ["resnet18-w8", "densenet121-w8", "mobilenetv2_050", "regnetx_002"])
def test_timms_own_stem_from_96_pixels(name: str) -> None:
    def first(network: nn.Module) -> nn.Conv2d:
        return next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))

    with torch.device("meta"):
        own, large, small = timm.create_model(name.partition("-")[0]), make(name, size=96), make(name, size=95)
    assert (first(large).kernel_size, first(large).stride) == (first(own).kernel_size, first(own).stride)
    assert first(small).stride == (1, 1)


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("resnet18", 64),
        ("densenet121", 64),
        ("convnext_atto", 40),
        ("vit_tiny_patch16_224", 192),
        ("mixer_s32_224", 512),
    ],
)
def test_a_networks_own_width_changes_nothing(name: str, width: int) -> None:
    def shapes(width: int | None) -> dict[str, torch.Size]:
        module = timm.model_entrypoint(name).__module__.rpartition(".")[2]
        with torch.device("meta"):
            network = stem_of(module).create(
                BuildSpec(name=name, width=width, classes=10, channels=3, size=32, small=True)
            )
        return {key: value.shape for key, value in network.state_dict().items()}

    assert shapes(width) == shapes(None)


@pytest.mark.parametrize("size", [32, 224])
def test_resnet_widths(size: int) -> None:
    network = make("resnet18-w16", size=size).network
    stages = (network.conv1, network.layer1, network.layer2, network.layer3, network.layer4)
    convolutions = [[m for m in stage.modules() if isinstance(m, nn.Conv2d)][-1] for stage in stages]
    assert [conv.out_channels for conv in convolutions] == [16, 16, 32, 64, 128]
    assert isinstance(network.conv1, nn.Conv2d)


def test_deep_stems_keep_their_structure() -> None:
    conv1 = make("resnet26d").network.conv1
    assert [layer.kernel_size for layer in conv1 if isinstance(layer, nn.Conv2d)] == [(3, 3)] * 3


def test_vgg_has_the_cifar_head() -> None:
    network = make("vgg11_bn").network
    linear = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert [layer.in_features for layer in linear] == [512]
    assert sum(parameter.numel() for parameter in network.parameters()) < 10e6


@pytest.mark.parametrize(("size", "patch"), [(28, 1), (32, 1), (64, 2)])
def test_convnext_stem_patches(size: int, patch: int) -> None:
    network = make("convnext_atto-w8", size=size)
    stem = network.network.stem[0]
    assert stem.stride == stem.kernel_size == (patch, patch)
    assert side(network, size=size) == min(4, size // 8)


def test_unstride_takes_back_what_a_network_cannot_bear() -> None:
    network = timm.create_model("deit_tiny_patch16_224", img_size=32, embed_dim=48)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    unstride(network, channels=3, size=32)
    assert network.patch_embed.proj.stride == network.patch_embed.proj.kernel_size == (16, 16)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_unstride_leaves_a_network_that_needs_nothing() -> None:
    network = timm.create_model("regnetx_002")
    strides = [layer.stride for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    unstride(network, channels=3, size=160)
    assert [layer.stride for layer in network.modules() if isinstance(layer, nn.Conv2d)] == strides
    assert network.training
    assert not any(layer._forward_pre_hooks for layer in network.modules())


@pytest.mark.parametrize(("size", "side"), [(28, 4), (32, 4), (48, 6), (64, 8), (30, 3)])
def test_patches_tile_the_image(size: int, side: int) -> None:
    assert vit_patch_side(size) == side


@pytest.mark.parametrize(("width", "count"), [(48, 3), (64, 2), (100, 2), (192, 3), (384, 6), (768, 12), (7, 1)])
def test_heads_divide_the_width(width: int, count: int) -> None:
    assert heads(width) == count


def test_one_family_per_module() -> None:
    modules = [module for stem in STEMS for module in stem.modules]
    assert len(modules) == len(set(modules))
    assert set(modules) - set(NETWORKS.values()) <= set(timm.list_modules())
    assert stem_of("regnet") is OTHER


def test_listing_needs_no_torch() -> None:
    code = (
        "import sys; from victims.networks.stems import STEMS; print(len(STEMS)); "
        "assert not {'torch', 'timm', 'torchvision'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(STEMS)


@pytest.mark.parametrize(("name", "stride"), [("resnet18", 1), ("vit_tiny_patch16_224", 16)])
def test_small_stems_at_224_pixels_are_for_the_families_of_the_papers(name: str, stride: int) -> None:
    with torch.device("meta"):
        network = build(name, classes=2, channels=3, size=224, stem="small", seed=0).network
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv2d))
    assert first.stride == (stride, stride)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnext50_32x4d-w8", "no channels); use resnext50_32x4d-w16"),
        ("seresnext26d_32x4d-w4", "no channels); use seresnext26d_32x4d-w16"),
        ("resnet50_gn-w8", "num_groups (32)); use resnet50_gn"),
    ],
)
@pytest.mark.parametrize("ask", [check_network, make])
def test_a_width_that_a_network_cannot_have_is_refused_with_one_that_it_can(name: str, said: str, ask: Any) -> None:
    with pytest.raises(RequestError) as caught:
        ask(name, size=32)
    network, _, width = name.partition("-w")
    assert str(caught.value).startswith(f"{network} cannot have width {width} (")
    assert str(caught.value).endswith(said)
