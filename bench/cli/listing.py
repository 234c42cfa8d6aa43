"""`list`: what there is."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Any


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("list", help="list what a grid can name", allow_abbrev=False)
    parser.add_argument("what", choices=sorted(TABLES))
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print one table."""
    from bench.run.describe import table_text

    head, rows = TABLES[chosen.what]()
    print(table_text(head, rows))
    return 0


Listing = tuple[Sequence[str], Iterable[Sequence[str]]]


def _methods() -> Listing:
    from attacks.methods import methods

    head = ("method", "alias", "year", "bound", "what", "source")
    return head, [
        (known.name, ", ".join(known.aliases), str(known.year), known.bound, known.title, known.source)
        for known in methods().values()
    ]


def _victims() -> Listing:
    from victims.stems import families

    head = ("family", "for example", "widths", "at small images")
    return head, [
        (known.family, ", ".join(known.examples), "yes" if known.widths else "no", known.policy) for known in families()
    ]


def _datasets() -> Listing:
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
    return head, [*rows, ("folder:PATH", "", "", "", "", "a train/ and test/ or val/ ImageFolder tree", "yours")]


def _grids() -> Listing:
    from bench.config.load import load_grid, shipped

    grids = [load_grid(name)[0] for name in shipped("grids")]
    return ("grid", "protocol", "what"), [(grid.name, grid.protocol, grid.title) for grid in grids]


def _protocols() -> Listing:
    from bench.config.load import load_protocol, shipped

    known = [load_protocol(name) for name in shipped("protocols")]
    return ("protocol", "what"), [(protocol.name, protocol.title) for protocol in known]


TABLES: dict[str, Callable[[], Listing]] = {
    "methods": _methods,
    "victims": _victims,
    "datasets": _datasets,
    "grids": _grids,
    "protocols": _protocols,
}
