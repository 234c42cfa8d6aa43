"""Rules for the source as a whole: direction of imports, length of files and commit subjects, cost of imports."""

import ast
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import product
from pathlib import Path

import pytest

from attacks.methods import METHODS

ROOT = Path(__file__).parents[1]
PACKAGES = ("attacks", "victims", "bench")  # each may import those before it
# The parts of each package, from the bottom up: a folder, or a file beside the folders, may import those before it.
LAYERS = {
    "attacks": ("core", "task", "engine", "spec", "recipes", "methods"),
    "victims": ("settings", "networks", "countermeasures", "recipes", "clock", "evaluate", "train"),
    "bench": (
        *("seal", "config", "data", "records", "run", "validation", "report", "compare", "noise", "profile", "protect"),
        *("cli", "__main__"),
    ),
}
Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
LONGEST_FILE = 300
LONGEST_SUBJECT = 72
FIRST_SUBJECT = "7ce46a1"  # the commit after which subjects are kept short
METHOD_NAMES = {name for method in METHODS.values() for name in (method.name, *method.aliases)}
# Public functions that several files define on purpose, each a hook that is looked up by name, and their folder.
HOOKS = {
    "act": "bench/cli",  # what a subcommand does
    "add": "bench/cli",  # adds a subcommand to the parser
    "create": "victims/networks/stems",  # makes a network of a family with its stem
    "make": "bench/run/executors",  # makes the executor with a given name
    "passes": "victims/countermeasures",  # what a countermeasure costs
    "prepare": "victims/countermeasures",  # what a countermeasure does to the images
    "stages": "victims/recipes",  # the stages of a training recipe
}
HEAVY = re.compile(r"\|\s+((?:torch|timm|torchvision|kornia|sklearn)(?:\.\S*)?)$", re.MULTILINE)


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the top-level packages that a module imports anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def modules() -> dict[str, Path]:
    """Return all our modules by name."""
    found = {}
    for package in PACKAGES:
        for path in sources(package):
            words = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(words[:-1] if words[-1] == "__init__" else words)] = path
    return found


def ours(tree: ast.AST, known: Iterable[str]) -> Iterator[str]:
    """Yield those of our modules that a module imports anywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else node.module for name in names)


def imports(others: Mapping[str, ast.Module] | None = None) -> dict[str, set[str]]:
    """Return, by name, which of our modules each one imports; `others` are added, or replace those of the same name."""
    trees = {name: ast.parse(path.read_text()) for name, path in modules().items()} | dict(others or {})
    return {name: set(ours(tree, trees)) - {name} for name, tree in trees.items()}


def upward(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the imports by which a part of a package uses a part above it."""
    wrong = []
    for name, targets in graph.items():
        package, _, inside = name.partition(".")
        layers = LAYERS[package]
        for target in sorted(targets):
            if not inside or not target.startswith(f"{package}."):
                continue
            one, other = (layers.index(part.split(".")[0]) for part in (inside, target.removeprefix(f"{package}.")))
            if other > one:
                wrong.append(f"{name} -> {target}")
    return wrong


def parsed() -> dict[str, ast.Module]:
    """Return all our modules, parsed, by path."""
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text()) for path in modules().values()}


def twice(trees: Mapping[str, ast.Module], *kinds: type[Named]) -> dict[str, list[str]]:
    """Return the public names that several modules define at their top level, each with those modules."""
    found = defaultdict(list)
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, kinds) and not node.name.startswith("_"):
                found[node.name].append(module)
    return {name: places for name, places in found.items() if len(places) > 1}


def dispatches(tree: ast.AST) -> list[int]:
    """Return the lines that compare something called `method` or `name` with the name of a method."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Compare) and _is_name(node.left, *node.comparators) and _is_method(node))
        or (isinstance(node, ast.Match) and _is_name(node.subject) and _is_method(node))
    ]


def meanings(trees: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return the meanings of the public names of types: a class of a module, or the value of an alias."""
    found = defaultdict(set)
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name].add(f"class of {module}")
            elif isinstance(node, ast.Assign) and isinstance(name := node.targets[0], ast.Name):
                found[name.id].add(ast.unparse(node.value))
    return {name: values for name, values in found.items() if re.fullmatch(r"[A-Z]+[a-z]\w*", name)}


def _is_hook(name: str, module: str) -> bool:
    return name in HOOKS and module.startswith(f"{HOOKS[name]}/")


def _is_name(*sides: ast.expr) -> bool:
    names = {getattr(side, "id", getattr(side, "attr", None)) for side in sides}
    return bool(names & {"method", "name"})


def _is_method(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Constant) and part.value in METHOD_NAMES for part in ast.walk(node))


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    later = set(PACKAGES[PACKAGES.index(package) + 1 :])
    wrong = {str(path): set(imported(ast.parse(path.read_text()))) & later for path in sources(package)}
    assert not {path: names for path, names in wrong.items() if names}


def test_no_arrow_points_up() -> None:
    assert not upward(imports())


def test_no_imports_run_in_a_circle() -> None:
    TopologicalSorter(imports()).prepare()  # names the modules in the circle


def test_a_planted_arrow_that_points_up_is_found() -> None:
    planted = {
        "bench.data.planted": ast.parse("def load():\n    from bench.report import summary"),
        "attacks.engine.planted": ast.parse("import attacks.methods.random\nimport attacks.core.files"),
    }
    assert upward(imports(planted)) == [
        "bench.data.planted -> bench.report.summary",
        "attacks.engine.planted -> attacks.methods.random",
    ]


@pytest.mark.parametrize(
    ("module", "above"),
    [
        ("attacks.core.errors", "bench.report.summary"),
        ("bench.config.axes", "bench.records.frame"),
        ("bench.run.leases", "bench.run.preparing"),
    ],
)
def test_a_planted_circle_is_found(module: str, above: str) -> None:
    planted = ast.parse(f"{modules()[module].read_text()}\n\ndef late():\n    import {above}")
    with pytest.raises(CycleError) as caught:
        TopologicalSorter(imports({module: planted})).prepare()
    assert module in caught.value.args[1]


def test_no_two_classes_share_a_name() -> None:
    assert not twice(parsed(), ast.ClassDef)


def test_no_name_of_a_type_has_two_meanings() -> None:
    assert not {name: values for name, values in meanings(parsed()).items() if len(values) > 1}


def test_the_search_for_meanings_finds_them() -> None:
    trees = {
        "one": ast.parse("class Ab: ...\nSame = int | None\nOther = list[int]\n_B = str\nLIMIT = 1"),
        "two": ast.parse("Ab = int\nSame = int | None\nOther = list[str]\n_B = int\nLIMIT = 2"),
    }
    several = {name: values for name, values in meanings(trees).items() if len(values) > 1}
    assert several == {"Ab": {"class of one", "int"}, "Other": {"list[int]", "list[str]"}}


def test_no_two_functions_share_a_name_but_hooks() -> None:
    found = twice(parsed(), ast.FunctionDef, ast.AsyncFunctionDef)
    others = {name: [place for place in places if not _is_hook(name, place)] for name, places in found.items()}
    assert not {name: places for name, places in others.items() if places}
    assert not HOOKS.keys() - found.keys()  # no exception is unused


def test_the_search_for_shared_names_finds_them() -> None:
    trees = {
        "one": ast.parse("class A: ...\nclass _B: ...\ndef f(): ..."),
        "two": ast.parse("class A: ...\nclass _B: ...\nasync def f(): ..."),
    }
    assert twice(trees, ast.ClassDef) == {"A": ["one", "two"]}
    assert twice(trees, ast.FunctionDef, ast.AsyncFunctionDef) == {"f": ["one", "two"]}
    assert _is_hook("act", "bench/cli/run.py")
    assert not _is_hook("act", "bench/run/cell.py")


@pytest.mark.parametrize("package", PACKAGES)
def test_files_are_short(package: str) -> None:
    lengths = {str(path): len(path.read_text().splitlines()) for path in sources(package)}
    assert not {path: length for path, length in lengths.items() if length > LONGEST_FILE}


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_asks_which_method_it_has(package: str) -> None:
    found = {str(path): dispatches(ast.parse(path.read_text())) for path in sources(package)}
    assert not {path: lines for path, lines in found.items() if lines}


@pytest.mark.parametrize(
    "code",
    ['if method == "em": ...', 'if cell.method in ("x", "rem-fu22"): ...', 'match name:\n  case "sem": ...'],
)
def test_the_search_for_dispatch_finds_it(code: str) -> None:
    assert dispatches(ast.parse(code))


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", "import bench, bench.cli, attacks.methods, victims.networks.stems"),
        ("-c", "import bench; assert len(bench.load_records('{folder}'))"),
        ("-m", "bench", "list", "methods"),
        ("-m", "bench", "cite", "sem-liu24"),
        ("-m", "bench", "leaderboard", "--results", "{folder}"),
        ("-m", "bench", "plot", "--results", "{folder}", "--format", "png", "--cache", "{folder}/cache"),
        ("-m", "bench", "validate", "--results", "{folder}"),
    ],
    ids=["import", "load", "list", "cite", "leaderboard", "plot", "validate"],
)
def test_quick_commands_import_nothing_heavy(arguments: tuple[str, ...], tmp_path: Path) -> None:
    for part, name in product(("noise", "records"), ("clean", "sem-liu24")):
        shutil.copytree(ROOT / "results" / part / "photo-patches" / name, tmp_path / part / "photo-patches" / name)
    words = [argument.format(folder=tmp_path) for argument in arguments]
    done = subprocess.run([sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True)
    assert "attacks.core.errors" in done.stderr  # the imports were listed
    assert not HEAVY.findall(done.stderr)


def test_commit_subjects_are_short() -> None:
    words = ["git", "log", "--format=%s", f"{FIRST_SUBJECT}..HEAD"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("the git history does not reach back that far")
    assert [subject for subject in done.stdout.splitlines() if len(subject) > LONGEST_SUBJECT] == []
