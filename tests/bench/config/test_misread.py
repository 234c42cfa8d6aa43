"""Values that would be misread: another unit, true for 1, files written on Windows."""

from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from bench.config.load import load_grid

GRID = """
protocol = "smoke-v1"
datasets = ["photo-patches"]
methods = ["clean", "em"]
victims = ["resnet18-w8"]
radii = [0, 4]
seeds = [0]
"""


def refusal(name: str, *changes: str) -> str:
    with pytest.raises(RequestError) as caught:
        load_grid(name, changes)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "where", "meant"),
    [
        ("radii=[0,0.0314]", "radii.1", 8),
        ("radii=0.0157", "radii.0", 4),
        ("radii=[0,8/255]", "radii.1", 8),
        ("radii=4/255", "radii.0", 4),
        ("setup.noise.rho_a=0.0157", "setup.noise.rho_a", 4),
        ("setup.noise.rho_u=0.0314", "setup.noise.rho_u", 8),
        ("setup.noise.rho_u=16/255", "setup.noise.rho_u", 16),
        ("exclude=[{rho_a=0.0314}]", "exclude.0.rho_a", 8),
    ],
)
def test_a_radius_in_units_of_1_is_refused(change: str, where: str, meant: int) -> None:
    assert refusal("smoke", change).endswith(f": {where}: radii are in 1/255; did you mean {meant}?")


def test_so_is_one_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(GRID.replace("[0, 4]", "[0, 0.0471]"))
    assert refusal(str(tmp_path / "mine.toml")).endswith("radii.1: radii are in 1/255; did you mean 12?")


@pytest.mark.parametrize("radius", [0, 0.1, 0.5, 255])
def test_other_radii_are_taken(radius: float) -> None:
    assert load_grid("smoke", [f"radii={radius}"])[0].radii == (radius,)


STEPS = ("noise.descent", "noise.ascent", "victim.attack", "victim.robust_attack")


@pytest.mark.parametrize("table", STEPS)
@pytest.mark.parametrize("step", ["2", "1.6", "0.00784"])
def test_a_step_that_is_no_fraction_of_the_radius_is_refused(table: str, step: str) -> None:
    message = refusal("smoke", f"setup.{table}.step={step}")
    assert f"setup.{table}" in message
    assert message.endswith("a step is a fraction of the radius; for steps of 2/255 inside 8/255, write 0.25")


@pytest.mark.parametrize(
    "changes",
    [
        ["setup.noise.descent.step=0.02", "setup.noise.descent.steps=50"],
        ["setup.noise.alternating.descent.step=0.02"],  # continues from where the last round ended
        ["setup.noise.targeted.descent.step=0.008"],
    ],
)
def test_small_steps_that_come_far_enough_are_taken(changes: list[str]) -> None:
    load_grid("smoke", changes)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("seeds=true", "seeds.0"),
        ("seeds=[0,true]", "seeds.1"),
        ("shares=[true]", "shares.0"),
        ("radii=false", "radii.0"),
        ("setup.noise.steps=true", "setup.noise.steps"),
        ("setup.noise.sgd.lr=true", "setup.noise.sgd.lr"),
        ("setup.noise.alternating.batch=true", "setup.noise.alternating.batch"),
        ("setup.victim.sgd.milestones=[true]", "setup.victim.sgd.milestones.0"),
        ("setup.mean=[0.5,true,0.5]", "setup.mean.1"),
        ("exclude=[{seed=true}]", "exclude.0.seed"),
    ],
)
def test_true_is_no_number(change: str, where: str) -> None:
    assert refusal("smoke", change).endswith(f": {where}: must be a number, not true or false")


def test_a_number_too_long_to_print_is_refused_in_one_line(tmp_path: Path) -> None:
    grid = 'protocol = "smoke-v1"\ndatasets = ["photo-patches"]\nmethods = ["clean"]\nvictims = ["resnet18-w8"]\n'
    (tmp_path / "grid.toml").write_text(f"{grid}radii = [0]\nseeds = [0x{'f' * 5000}]\n")
    assert refusal(str(tmp_path / "grid.toml")).endswith("not a number of thousands of digits")


def test_true_is_true_where_it_is_asked_for() -> None:
    assert not load_grid("smoke", ["setup.augment.flip=false"])[1].setup.augment.flip


def test_a_list_whose_quotes_the_shell_took_is_a_list() -> None:
    assert load_grid("smoke", ["methods=[clean, em]"])[0].methods == ("clean", "em")


@pytest.mark.parametrize(
    ("change", "lone"),
    [
        ('methods=["clean"', "["),
        ("methods=[clean,", "["),  # of `[clean, em]` without quotes, split by the shell
        ("methods=clean]", "]"),
        ('methods="clean', '"'),
        ("methods='clean", "'"),
        ("methods=['clean, em]", "["),
        ('exclude=[{method="em"]', "]"),
        ("setup.noise.descent={steps=3", "{"),
    ],
)
def test_a_bracket_or_quote_without_its_other_half_is_named(change: str, lone: str) -> None:
    key = change.partition("=")[0]
    message = refusal("smoke", change)
    assert message.startswith(f"--set {key}: unmatched {lone} in ")
    assert message.endswith("""--set 'methods=["clean","em"]'""")


@pytest.mark.parametrize("path", ["/photos/it's", "/photos/a[b", "/photos/set[1]", "/photos/it's]["])
def test_a_path_may_hold_them(path: str) -> None:
    assert load_grid("smoke", [f"datasets=folder:{path}"])[0].datasets == (f"folder:{path}",)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Some editors on Windows write one."""
    path = tmp_path / "mine.toml"
    path.write_text(GRID, encoding="utf-8-sig")
    assert load_grid(str(path))[0].methods == ("clean", "em")


def test_utf16_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Older versions of PowerShell redirect output to UTF-16."""
    path = tmp_path / "mine.toml"
    path.write_text(GRID, encoding="utf-16")
    assert refusal(str(path)).endswith("save it as UTF-8")
