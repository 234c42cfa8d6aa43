"""Reading grids and protocols, and changing them by `--set`."""

import re
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from attacks.core.settings import AdamW
from bench.config.load import load_grid, load_protocol, shipped
from bench.config.models import Setup, digest_of

GRID = """
protocol = "smoke-v1"
datasets = ["photo-patches"]
methods = ["clean"]
victims = ["resnet18-w8"]
radii = [0]
seeds = [0]
"""
NUMBERS = "; numbers of the protocol begin with setup., e.g. setup.noise.steps=20"


def refusal(name: str, *changes: str) -> str:
    with pytest.raises(RequestError) as caught:
        load_grid(name, changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def write(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", shipped("grids"))
def test_shipped_grid_loads(name: str) -> None:
    grid, protocol = load_grid(name)
    assert grid.name == name
    assert protocol.name == grid.protocol


@pytest.mark.parametrize("name", shipped("protocols"))
def test_shipped_protocol_loads(name: str) -> None:
    assert load_protocol(name).name == name


def test_own_grid_has_its_files_name(tmp_path: Path) -> None:
    grid, _ = load_grid(write(tmp_path, GRID))
    assert grid.name == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GRID + "sedes = [1]", ["unknown key 'sedes'", "'seeds'"]),
        (GRID.replace("seeds", "sedes"), ["unknown key 'sedes'", "'seeds'"]),
        (GRID + "exclude = [{ methd = 'em' }]", ["exclude.0", "unknown key 'methd'", "'method'"]),
        (GRID.replace("radii = [0]", "radii = [-1]"), ["radii.0: must be at least 0, not -1"]),
        (GRID.replace("radii = [0]", "radii = []"), ["radii: must have 1 or more entries, not []"]),
        (GRID.replace("seeds = [0]", "seeds = [0.5]"), ["seeds.0: must be a whole number, not 0.5"]),
        (GRID.replace("resnet18-w8", "resnet18 w8"), ["victims.0", "'resnet18 w8'", "[A-Za-z0-9]"]),
        (GRID.replace("radii = [0]", ""), ["radii: is missing; add it"]),
        (GRID.replace("smoke-v1", "smok-v1"), ["unknown protocol 'smok-v1'", "'smoke-v1'"]),
        (GRID + "seeds = [1]", ["cannot read", "mine.toml", "Cannot overwrite a value"]),
        (GRID + "seeds = ", ["cannot read", "mine.toml"]),
        (GRID + "a = " + "9" * 5000, ["cannot read", "mine.toml", "4300"]),
        (GRID + "a = " + "[" * 5000, ["cannot read", "mine.toml", "recursion"]),
        (GRID + "name = 'a b'", ["name: must consist of up to 80 letters, digits and . _ + -", "not 'a b'"]),
    ],
    ids=[
        "key",
        "misspelt",
        "exclusion",
        "value",
        "empty",
        "fraction",
        "victim",
        "missing",
        "protocol",
        "duplicate",
        "toml",
        "digits",
        "deep",
        "name",
    ],
)
def test_wrong_grid_is_refused_in_one_line(text: str, words: list[str], tmp_path: Path) -> None:
    message = refusal(write(tmp_path, text))
    assert all(word in message for word in words), message


def test_unknown_grid_is_refused_with_the_nearest() -> None:
    assert "'smoke'" in refusal("smok")


def test_missing_file_is_refused_with_the_shipped_names(tmp_path: Path) -> None:
    assert "smoke" in refusal(str(tmp_path / "none.toml"))


def test_folder_is_no_grid(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    assert "cannot read" in refusal(str(tmp_path / "a.toml"))


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b'title = "\xff"')
    assert "cannot read" in refusal(str(tmp_path / "a.toml"))


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ([], [{"victim": "resnet18", "rho_a": 4}, {"seed": 1}, {"victim": "vgg61"}]),
        (['victims=["vgg16"]'], [{"seed": 1}, {"victim": "vgg61"}]),
        (["seeds=0"], [{"victim": "resnet18", "rho_a": 4}, {"victim": "vgg61"}]),
        (["radii=0"], [{"seed": 1}, {"victim": "vgg61"}]),
        (["exclude=[]"], []),
    ],
)
def test_set_takes_exclusions_with_what_it_takes_out(
    changes: list[str], left: list[dict[str, object]], tmp_path: Path
) -> None:
    lists = GRID.replace("resnet18-w8", "resnet18").replace("radii = [0]", "radii = [0, 4]")
    lists = lists.replace("seeds = [0]", "seeds = [0, 1]")
    excluded = "exclude = [{ victim = 'resnet18', rho_a = 4 }, { seed = 1 }, { victim = 'vgg61' }]"
    grid, _ = load_grid(str(write(tmp_path, lists + excluded)), changes)
    assert [exclusion.model_dump(exclude_none=True) for exclusion in grid.exclude] == left


@pytest.mark.parametrize(
    ("axis", "left", "removed", "excluded"),
    [
        ("method", "rem", "em", "em"),
        ("method", "rem", "em-fu22", "em"),
        ("method", "rem", "em", "em-fu22"),
        ("dataset", "cifar10", "folder:a/pets", "pets"),
        ("dataset", "cifar10", "folder:my pets@64", "my-pets-64"),
        ("victim", "vgg16", "resnet18:{}/mine.safetensors", "resnet18.mine"),
    ],
)
def test_exclusions_go_by_the_names_in_records(
    axis: str, left: str, removed: str, excluded: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.safetensors").touch()
    lists = re.sub(f"{axis}s = .*", f"{axis}s = ['{left}', '{removed.format(tmp_path)}']", GRID)
    grid = write(tmp_path, f"{lists}exclude = [{{ {axis} = '{excluded}' }}, {{ {axis} = 'other' }}]")
    both = [{axis: excluded}, {axis: "other"}]
    for changes, kept in (([], both), ([f"{axis}s={left}"], both[1:])):  # what was never listed is refused later
        found = load_grid(grid, changes)[0].exclude
        assert [exclusion.model_dump(exclude_none=True) for exclusion in found] == kept


@pytest.mark.parametrize(
    ("change", "seeds"), [("seeds=[1,2]", (1, 2)), ("seeds=1,2", (1, 2)), ("seeds=3", (3,)), (" seeds = [4] ", (4,))]
)
def test_set_changes_a_list_of_the_grid(change: str, seeds: tuple[int, ...]) -> None:
    grid, protocol = load_grid("smoke", [change])
    assert grid.seeds == seeds
    assert protocol == load_protocol("smoke-v1")


def test_set_takes_names_without_quotes() -> None:
    grid, _ = load_grid("smoke", ["methods=em,sem", "victims=resnet18-w8"])
    assert grid.methods == ("em", "sem")
    assert grid.victims == ("resnet18-w8",)


def test_set_changes_the_protocol_of_a_grid() -> None:
    assert load_grid("smoke", ["protocol=paper-v1"])[1] == load_protocol("paper-v1")


def test_a_protocol_that_is_set_is_not_looked_up_beside_the_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "grids").mkdir()
    for folder, title in ((tmp_path, "here"), (tmp_path / "grids", "beside the grid")):
        (folder / "p.toml").write_text(f"title = '{title}'\nbase = 'smoke-v1'\n")
    name = write(tmp_path / "grids", GRID.replace("smoke-v1", "p.toml"))
    monkeypatch.chdir(tmp_path)
    assert load_grid(name)[1].title == "beside the grid"
    assert load_grid(name, ["protocol=p.toml"])[1].title == "here"
    assert load_grid("smoke", ["protocol=p.toml"])[1].title == "here"


def test_set_of_a_number_gives_the_protocol_another_name() -> None:
    released = load_protocol("paper-v1")
    _, changed = load_grid("full", ["setup.noise.descent.steps=3"])
    _, again = load_grid("full", ["setup.noise.descent.steps=3"])
    _, other = load_grid("full", ["setup.noise.descent.steps=4"])
    assert changed.name.startswith("paper-v1+")
    assert changed == again
    assert len({released.name, changed.name, other.name}) == 3
    assert changed.setup.noise.descent.steps == 3
    assert changed.setup.noise.descent.step == released.setup.noise.descent.step


def test_set_of_a_number_reaches_the_setups_of_datasets() -> None:
    _, protocol = load_grid("full", ["setup.victim.sgd.milestones=[7]", "setup.noise.steps=9"])
    for name in ("cifar10", "imagenet-100"):
        assert protocol.for_dataset(name).victim.sgd.milestones == (7,)
        assert protocol.for_dataset(name).noise.steps == 9
    assert protocol.for_dataset("imagenet-100").noise.views == 4  # its own number stays


def test_set_takes_one_number_for_a_list_of_them() -> None:
    assert load_grid("smoke", ["setup.victim.sgd.milestones=7"])[1].setup.victim.sgd.milestones == (7,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("seeds", ["KEY=VALUE", "'seeds'"]),
        ("=3", ["KEY=VALUE"]),
        ("sedes=[1]", ["unknown key 'sedes'", "'seeds'"]),
        ("setup.noise.stps=1", ["setup.noise", "unknown key 'stps'", "'steps'"]),
        ("setup.nosie.steps=1", ["setup", "unknown key 'nosie'", "'noise'"]),
        ("victim.steps=1", ["unknown key 'victim'", "'victims'"]),
        ("steps=20", ["--set steps: unknown key 'steps'", NUMBERS]),
        ("noise.steps=20", ["--set noise.steps: unknown key 'noise'", ", setup, ", NUMBERS]),
        ("seeds.first=1", ["'seeds' is not a table; leave out what follows it"]),
        ("setup.noise.steps.x=1", ["'steps' is not a table"]),
        ("setup.noise.steps.kind=x", ["'steps' is not a table"]),
        ("setup.noise.steps=0", ["setup.noise.steps: must be at least 1, not 0"]),
        ("setup.noise.steps=many", ["setup.noise.steps: must be a whole number, not 'many'"]),
        ("setup.precision=fp8", ["setup.precision", "'bf16'", "'fp8'"]),
        ("setup.victim.sgd.lr=nan", ["setup.victim.sgd.lr: must be a finite number, not nan"]),
        ("setup.victim.sgd.lr=inf", ["setup.victim.sgd.lr", "inf"]),
        ("setup.mean=nan", ["setup.mean", "nan"]),
        ("seeds=99999999999999999999", ["seeds.0", "99999999999999999999"]),
        ("setup.noise.steps=9007199254740993", ["setup.noise.steps", "9007199254740993"]),
        ("setup.noise.steps=" + "9" * 5000, ["setup.noise.steps", "'999"]),
        ("radii=" + "9" * 400, ["radii.0"]),
        ("setup.noise.steps=0x" + "f" * 5000, ["setup.noise.steps", "'0xfff"]),
        ("setup.noise.steps=" + "[" * 5000, ["setup.noise.steps", "unmatched [ in '[[["]),
        ("setup.noise.rho_u=200", ["setup.noise.rho_u: must be at most 127, not 200"]),
        ("setup.victim.sgd.lr=fast", ["setup.victim.sgd.lr: must be a number, not 'fast'"]),
        ("setup.augment.flip=5", ["setup.augment.flip: must be true or false, not 5"]),
        ("setup.noise.steps=1\nother = 2", ["setup.noise.steps", "more than one line"]),
        (
            "setup.victim.sgd.learning_rate=0.2",
            ["setup.victim.sgd: unknown key 'learning_rate'; one of: gamma, kind, lr,"],
        ),
        ("setup.victim.sgd.betas=[0.9,0.9]", ["setup.victim.sgd: unknown key 'betas'; one of: gamma, kind, lr,"]),
        ("setup.victim.sgd.kind=adam", ["setup.victim.sgd.kind: must be 'sgd' or 'adamw', not 'adam'"]),
        ("setup.countermeasure.leaked-pairs.optimiser.kind=3", ["optimiser.kind: must be 'sgd' or 'adamw', not 3"]),
        ("setup.noise.kind=adamw", ["setup.noise: unknown key 'kind'; one of: alternating,"]),
        ("setup.kind=adamw", ["setup: unknown key 'kind'; one of: augment,"]),
    ],
)
def test_wrong_change_is_refused_in_one_line(change: str, words: list[str]) -> None:
    message = refusal("smoke", change)
    assert all(word in message for word in words), message


def test_a_misspelt_key_of_the_grid_is_not_taken_for_a_number() -> None:
    assert refusal("smoke", "sedes=[1]") == "--set sedes: unknown key 'sedes'; did you mean 'seeds'?"


def test_wrong_key_of_one_dataset_is_refused_with_the_nearest(tmp_path: Path) -> None:
    paper = load_protocol("paper-v1").setup.model_dump(mode="json")
    text = f"name = 'p'\ntitle = 't'\nsetup = {inline(paper)}\ndatasets.cifar10 = {inline(paper | {'precison': 'x'})}"
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(RequestError, match=r"datasets\.cifar10: unknown key 'precison'; did you mean 'precision'"):
        load_protocol(str(tmp_path / "p.toml"))


def test_a_dataset_states_only_where_it_differs(tmp_path: Path) -> None:
    paper = load_protocol("paper-v1").setup.model_dump(mode="json")
    text = f"title = 't'\nsetup = {inline(paper)}\n[datasets.cifar10.noise]\nsteps = 7\nsgd = {{ lr = 0.2 }}"
    (tmp_path / "p.toml").write_text(text)
    protocol = load_protocol(str(tmp_path / "p.toml"))
    changed = protocol.for_dataset("cifar10")
    assert (changed.noise.steps, changed.noise.sgd.lr) == (7, 0.2)
    assert changed.noise.sgd.milestones == protocol.setup.noise.sgd.milestones
    assert changed.victim == protocol.setup.victim == protocol.for_dataset("svhn").victim


@pytest.mark.parametrize(("base", "precision"), [("paper-v1", "bf16"), ("lite-v1", "bf16"), ("lite-v1+fp32", "fp32")])
def test_a_protocol_states_only_where_it_differs_from_its_base(tmp_path: Path, base: str, precision: str) -> None:
    text = f"title = 't'\nbase = '{base}'\n[setup.noise]\nsteps = 7\nsgd = {{ lr = 0.2 }}\n"
    protocol, whole = load_protocol(write(tmp_path, text)), load_protocol(base)
    assert (protocol.name, protocol.title, protocol.salt) == ("mine", "t", whole.salt)
    assert protocol.setup.precision == precision
    assert protocol.setup.victim == whole.setup.victim
    noise = whole.setup.noise
    sgd = noise.sgd.model_copy(update={"lr": 0.2})
    assert protocol.setup.noise == noise.model_copy(update={"steps": 7, "sgd": sgd})
    assert protocol.datasets.keys() == whole.datasets.keys()
    assert {setup.noise.steps for setup in protocol.datasets.values()} <= {7}
    assert all(setup.victim == whole.datasets[name].victim for name, setup in protocol.datasets.items())


def test_a_protocol_on_a_base_may_differ_for_a_dataset_and_draw_for_itself(tmp_path: Path) -> None:
    text = "title = 't'\nbase = 'paper-v1'\nstream = 'own'\n"
    text += "[setup]\nprecision = 'fp32'\n[datasets.cifar100]\nprecision = 'bf16'\n[datasets.svhn.noise]\nsteps = 7\n"
    protocol, whole = load_protocol(write(tmp_path, text)), load_protocol("paper-v1")
    assert protocol.salt == "own"
    assert protocol.datasets.keys() == whole.datasets.keys() | {"svhn"}
    precisions = {name: setup.precision for name, setup in protocol.datasets.items()}
    assert precisions == {"cifar100": "bf16", "imagenet-100": "fp32", "svhn": "fp32"}
    assert protocol.datasets["cifar100"].noise == whole.datasets["cifar100"].noise
    assert protocol.datasets["svhn"].noise == whole.setup.noise.model_copy(update={"steps": 7})


def test_a_table_of_another_kind_replaces_that_of_the_base(tmp_path: Path) -> None:
    text = "title = 't'\nbase = 'lite-v1'\n[setup.noise]\nsgd = { kind = 'adamw', lr = 0.001 }\n"
    assert load_protocol(write(tmp_path, text)).setup.noise.sgd == AdamW(kind="adamw", lr=0.001)
    text = "title = 't'\nbase = 'lite-v1'\n[setup.noise]\nsgd = { kind = 'sgd', lr = 0.001 }\n"
    before = load_protocol("lite-v1").setup.noise.sgd
    assert load_protocol(write(tmp_path, text)).setup.noise.sgd == before.model_copy(update={"lr": 0.001})


@pytest.mark.parametrize("order", [1, -1])
def test_set_of_another_kind_replaces_the_table_whatever_the_order(order: int) -> None:
    changes = [
        *("setup.victim.sgd.kind=adamw", "setup.victim.sgd.lr=0.01"),
        *("setup.countermeasure.leaked-pairs.optimiser.kind=sgd", "setup.countermeasure.leaked-pairs.optimiser.lr=0.2"),
    ]
    setup = load_protocol("smoke-v1", changes[::order]).setup
    assert setup.victim.sgd == AdamW(kind="adamw", lr=0.01)
    assert setup.countermeasure.tables["leaked-pairs"]["optimiser"] == {"kind": "sgd", "lr": 0.2}
    for name, setup in load_protocol("paper-v1", changes[:1]).datasets.items():
        assert setup.victim.sgd == AdamW(kind="adamw"), name


def test_set_of_the_same_kind_keeps_the_table() -> None:
    changes = ["setup.victim.sgd.kind=sgd", "setup.augment.kind=shift"]
    assert load_protocol("smoke-v1", changes) == load_protocol("smoke-v1")


def test_a_key_of_another_kind_of_optimiser_is_refused_with_those_of_its_own() -> None:
    message = refusal("smoke", "setup.victim.sgd.kind=adamw", "setup.victim.sgd.momentum=0.5")
    assert "setup.victim.sgd: unknown key 'momentum'; one of: betas, eps, gamma, kind," in message


def test_an_unknown_optimiser_in_a_file_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    text = "title = 't'\nbase = 'lite-v1'\n[setup.noise]\nsgd = { kind = 'adam', lr = 0.001 }\n"
    with pytest.raises(RequestError, match=r"setup\.noise\.sgd\.kind: must be 'sgd' or 'adamw', not 'adam'$"):
        load_protocol(write(tmp_path, text))


def test_what_states_no_kind_is_of_the_usual_one(tmp_path: Path) -> None:
    data = load_protocol("smoke-v1").setup.model_dump(mode="json") | {"augment": {"padding": 8}}
    text = f"title = 't'\nsetup = {inline(data)}\n[datasets.cifar100]\naugment = {{ kind = 'shift', flip = false }}\n"
    text += "noise = { sgd = { kind = 'sgd', lr = 0.5 } }\n"
    protocol = load_protocol(write(tmp_path, text))
    changed, usual = protocol.for_dataset("cifar100"), protocol.setup
    assert changed.augment == usual.augment.model_copy(update={"flip": False})
    assert changed.augment.padding == 8
    assert changed.noise.sgd == usual.noise.sgd.model_copy(update={"lr": 0.5})


def test_a_variant_that_is_changed_keeps_its_name_and_draws() -> None:
    changed = load_protocol("lite-v1+fp32", ["setup.noise.steps=7"])
    assert re.fullmatch(r"lite-v1\+fp32\+[0-9a-f]{6}", changed.name)
    assert changed.salt == "lite-v1"


@pytest.mark.parametrize("base", ["'lite'", "'other.toml'", "3", "['lite-v1']"])
def test_an_unknown_base_is_refused_in_one_line(tmp_path: Path, base: str) -> None:
    with pytest.raises(RequestError) as caught:
        load_protocol(write(tmp_path, f"title = 't'\nbase = {base}\n"))
    message = str(caught.value)
    assert "base: unknown built-in protocol" in message
    assert "lite-v1" in message
    assert "\n" not in message


def inline(value: object) -> str:
    """Return JSON data as inline TOML; keys whose value is None are left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {inline(part)}" for key, part in value.items() if part is not None) + "}"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def test_inline_setup_is_the_setup_itself(tmp_path: Path) -> None:
    paper = load_protocol("paper-v1").setup
    (tmp_path / "p.toml").write_text(f"title = 't'\nsetup = {inline(paper.model_dump(mode='json'))}")
    again: Setup = load_protocol(str(tmp_path / "p.toml")).setup
    assert digest_of(again.model_dump(mode="json")) == digest_of(paper.model_dump(mode="json"))


def test_a_changed_protocol_whose_name_would_be_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / f"{'a' * 74}.toml"
    file.write_text('base = "smoke-v1"\ntitle = "t"\n')
    assert load_protocol(str(file)).name == file.stem
    with pytest.raises(RequestError, match="name would exceed 80 characters; shorten the name in its file"):
        load_protocol(str(file), ["setup.noise.steps=9"])
