import sys
from collections.abc import Callable

import pytest
import timm

from attacks.core.errors import RequestError
from victims.networks import names
from victims.networks.names import parse_victim, split_width
from victims.networks.papers import NETWORKS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet18", ("resnet18", None)),
        ("resnet18-w16", ("resnet18", 16)),
        ("vit_tiny_patch16_224-w48", ("vit_tiny_patch16_224", 48)),
        ("resnet18-w0", ("resnet18-w0", None)),
        ("resnet18-x16", ("resnet18-x16", None)),
    ],
)
def test_parse(name: str, expected: tuple[str, int | None]) -> None:
    assert split_width(name) == expected


def test_names_read_off_the_source_are_timms_own() -> None:
    modules = {name: timm.model_entrypoint(name).__module__ for name in timm.list_models()}
    own = {name: module.removeprefix("timm.models.") for name, module in modules.items() if module.startswith("timm.")}
    assert names._modules() == own


@pytest.mark.parametrize("read", [names._modules, dict])
def test_own_networks_need_no_timm(read: Callable[[], dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_modules", read)
    monkeypatch.delitem(sys.modules, "timm")
    assert {parse_victim(f"{name}-w8").policy.family for name in NETWORKS} == {"from the papers' code"}
    assert "timm" not in sys.modules


def test_no_own_network_bears_a_name_of_timms() -> None:
    assert not set(NETWORKS) & set(names._modules())


def test_a_name_that_the_source_does_not_show_is_asked_of_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_modules", dict)
    assert parse_victim("resnet18-w16").policy.family == "ResNet"
    with pytest.raises(RequestError, match=r"unknown victim 'resnet81'; did you mean 'resnet18'\?"):
        parse_victim("resnet81")


def test_an_unknown_name_is_refused_without_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "timm")
    with pytest.raises(RequestError, match=r"unknown victim 'resnet81'; did you mean 'resnet18'\?"):
        parse_victim("resnet81")
    assert "timm" not in sys.modules


def test_a_width_that_the_family_does_not_take_is_refused() -> None:
    with pytest.raises(RequestError, match="the VGG family has no width option; write vgg16_bn"):
        parse_victim("vgg16_bn-w8")
