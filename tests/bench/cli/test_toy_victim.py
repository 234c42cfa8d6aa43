"""A package adds a network by an entry point, and every command knows it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

NETWORK = '''
"""A network of one layer, whose name says `resnet` but which is none."""

from timm.models import register_model
from torch import nn


@register_model
def toy_net(pretrained=False, num_classes=1000, in_chans=3, **_):
    return nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * in_chans, num_classes))
'''
POINTS = """
[unlearnable_bench.victims]
toy_net = toy_nets.resnet
toy_gone = toy_nets.resnet
toy_lost = toy_nets.nothing
toy_shadow = toy_nets.shadow
"""
SHADOW = NETWORK.replace("toy_net", "resnet18") + NETWORK.replace("toy_net", "toy_shadow")


@pytest.fixture(autouse=True)
def toy(install: Callable[..., None]) -> None:
    """Install a package with one network, and some entry points that are wrong."""
    install({"toy_nets/resnet.py": NETWORK, "toy_nets/shadow.py": SHADOW}, POINTS)


def test_a_network_in_a_package_is_listed_planned_run_and_shown(
    empty: SimpleNamespace, command: Callable[[list[str]], SimpleNamespace]
) -> None:
    assert "toy_net" in command(["list", "victims"]).out
    asked = ("--set", "methods=clean", "--set", "victims=toy_net", "--set", "radii=[4]")
    assert "clean/toy_net/r4-s0" in empty.do("plan", "--rows", *asked).out
    run = empty.run(*asked)
    assert run.status == 0, run.err
    assert "toy_net" in (empty.results / "leaderboard.md").read_text()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("toy_nte", "unknown victim 'toy_nte'; did you mean 'toy_net'?"),
        ("toy_gone", "toy_nets.resnet does not register a network 'toy_gone' with timm; fix or uninstall the package"),
        (
            "toy_lost",
            "victim 'toy_lost' of toy_nets.nothing cannot be loaded (No module named 'toy_nets.nothing')",
        ),
        ("toy_shadow", "victim 'toy_shadow' of toy_nets.shadow cannot be loaded (Overwriting resnet18 in registry"),
        ("toy_net-w8", "has no width option; write toy_net"),
    ],
)
def test_what_a_package_does_not_bring_is_refused_in_one_line(empty: SimpleNamespace, name: str, said: str) -> None:
    run = empty.run("--set", f"victims={name}")
    assert run.status == 2
    assert said in run.err
    assert len(run.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["resnet18", "wrn34_10_fu22"])
def test_a_name_that_is_taken_is_refused(name: str, empty: SimpleNamespace, tmp_path: Path) -> None:
    points = tmp_path / "site" / "toy-1.0.dist-info" / "entry_points.txt"
    points.write_text(POINTS + f"{name} = toy_nets.resnet\n")
    run = empty.run("--set", "victims=toy_net")
    assert run.status == 2
    assert run.err == f"error: victim {name!r} of toy_nets.resnet is already defined; fix or uninstall the package\n"
