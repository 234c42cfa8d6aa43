"""`list`: the available methods, victims, datasets and so on."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attacks.core.settings import NoiseSettings
    from attacks.spec import Paper, Recipe


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("list", help="list available methods, victims, datasets, ...")
    parser.add_argument("table", choices=sorted(TABLES))
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print one table."""
    from bench.run.describe import table_text

    head, rows = TABLES[chosen.table]()
    print(table_text(head, rows))
    return 0


TableParts = tuple[Sequence[str], Iterable[Sequence[str]]]


def _methods() -> TableParts:
    """List the methods, each with its maximum image-passes per image of CIFAR-10 at `lite-v1` and `paper-v1`."""
    from attacks.methods import methods
    from bench.config.load import load_protocol
    from bench.data.cifar10 import CIFAR10

    images, protocols = CIFAR10.train, ("lite-v1", "paper-v1")
    settings = [load_protocol(name).for_dataset(CIFAR10.name).noise for name in protocols]
    rows = []
    for known in methods().values():
        each = [_passes_per_image(known.recipe, numbers, images) for numbers in settings]
        per = known.granularity if known.protects else ""
        needs = ", ".join(known.needs)
        row = (known.name, ", ".join(known.aliases), known.bound, per, needs, *each, known.title, known.source)
        rows.append(row)
    head = ("method", "alias", "bound", "per", "needs", *(f"passes {name}" for name in protocols), "what", "source")
    return head, rows


def _passes_per_image(recipe: "Recipe", settings: "NoiseSettings", images: int) -> str:
    """Return the maximum image-passes per image, or `?` if the protocol lacks a number that has no default."""
    from pydantic import ValidationError

    try:
        return f"{recipe.passes(settings, images).full / images:,.0f}"
    except ValidationError:
        return "?"


def _papers() -> TableParts:
    from bench.report.citations import papers_of_components

    found: dict[Paper, list[str]] = {}
    for name, paper in papers_of_components().items():
        if paper:
            found.setdefault(paper, []).append(name)
    head = ("key", "paper", "authors", "venue", "id", "code", "cited for")
    return head, [
        (one.key, one.title, ", ".join(one.authors), one.venue, one.identifier, one.code, ", ".join(names))
        for one, names in found.items()
    ]


def _victims() -> TableParts:
    from victims.networks.names import packaged
    from victims.networks.stems import STEMS
    from victims.networks.stems.other import OTHER
    from victims.networks.weights import WEIGHTS

    head = ("family", "examples", "widths", "small images")
    rows = [(known.family, ", ".join(known.examples), "yes" if known.widths else "no", known.policy) for known in STEMS]
    rows.append(
        (
            "with weights",
            ", ".join((*WEIGHTS, "NAME.TAG as timm has it", "NAME:FILE")),
            "as NAME",
            "resized to the weights' own size; those of a file as NAME",
        )
    )
    if names := packaged():
        rows.append(("from packages", ", ".join(names), "no", OTHER.policy))
    return head, rows


def _countermeasures() -> TableParts:
    from victims.countermeasures import countermeasures

    return ("countermeasure", "what", "source"), [
        (known.name, known.title, known.source) for known in countermeasures().values()
    ]


def _trainings() -> TableParts:
    from victims.recipes import trainings

    return ("training", "what", "source"), [(known.name, known.title, known.source) for known in trainings().values()]


def _metrics() -> TableParts:
    from bench.records.metrics import OF_NOISES, OF_VICTIMS, Metric

    head = ("metric", "measured on", "unit", "better", "frame", "tables", "what")
    metrics: list[tuple[str, Metric[Any]]] = [("victim", metric) for metric in OF_VICTIMS]
    metrics += [("noise", metric) for metric in OF_NOISES]
    return head, [
        (one.name, of, one.unit, one.better or "", one.column or "", one.shown.name if one.shown else "", one.title)
        for of, one in metrics
    ]


def _datasets() -> TableParts:
    from bench.data import entries

    head = ("dataset", "classes", "train", "test", "size", "what", "source")
    rows = [
        (
            known.name,
            str(known.classes),
            f"{known.train:,}",
            f"{known.test:,}",
            "x".join(map(str, known.shape)),
            known.title,
            known.source,
        )
        for known in entries()
    ]
    return head, [*rows, ("folder:PATH", "", "", "", "", "an ImageFolder tree: train/ and test/ (or val/)", "yours")]


def _grids() -> TableParts:
    from bench.config.load import load_grid, shipped

    grids = [load_grid(name)[0] for name in shipped("grids")]
    return ("grid", "protocol", "what"), [(grid.name, grid.protocol, grid.title) for grid in grids]


def _suites() -> TableParts:
    from bench.config.axes import AXIS, TRAINER
    from bench.config.load import shipped
    from bench.config.suite import load_suite

    rows = []
    for suite in map(load_suite, shipped("suites")):
        for trainer in suite.trainer:
            words = (AXIS[axis.field].word(getattr(trainer, axis.field)) for axis in TRAINER)
            rows.append((suite.name, trainer.title, trainer.kind, ", ".join(filter(None, words)), trainer.reason))
    return ("suite", "trainer", "kind", "what", "why"), rows


def _protocols() -> TableParts:
    from bench.config.load import load_protocol, shipped

    known = [load_protocol(name) for name in shipped("protocols")]
    return ("protocol", "what"), [(protocol.name, protocol.title) for protocol in known]


def _reported() -> TableParts:
    from bench.report.reported.published import published

    head = ("dataset", "method", "victim", "rho_a", "countermeasure", "share")
    return (*head, "accuracy", "runs", "grade", "source", "note"), [
        (
            known.dataset,
            known.method,
            known.victim or "?",
            "?" if known.rho_a is None else f"{known.rho_a:g}",
            known.countermeasure,
            f"{known.share}%" if known.part == "all" else f"{known.share}%, rest",
            f"{known.accuracy:.2f}" + ("" if known.spread is None else f" \u00b1 {known.spread:.2f}"),
            str(known.runs or ""),
            known.grade,
            known.source,
            known.note,
        )
        for known in published()
    ]


def _sources() -> TableParts:
    from bench.report.reported.published import sources

    return ("source", "what"), sources().items()


TABLES: dict[str, Callable[[], TableParts]] = {
    "methods": _methods,
    "papers": _papers,
    "victims": _victims,
    "trainings": _trainings,
    "countermeasures": _countermeasures,
    "metrics": _metrics,
    "datasets": _datasets,
    "grids": _grids,
    "protocols": _protocols,
    "suites": _suites,
    "reported": _reported,
    "sources": _sources,
}
