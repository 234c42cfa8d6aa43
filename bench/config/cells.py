"""What decides a cell's numbers: what is used, each with its version, and the tables of the protocol that it reads."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from attacks.errors import RequestError
from attacks.settings import OwnTable, Reads
from bench.config.models import Setup

Numbers = dict[str, dict[str, Any]]


def numbers_of(reads: Reads, setup: Setup, section: str) -> Numbers:
    """Return the numbers of the tables that a component reads, by the tables' names.

    Args:
        reads: the component's declaration.
        setup: the protocol's numbers.
        section: where its own tables lie: `noise`, `victim` or `countermeasure`.

    Raises:
        RequestError: where a number of its own is missing or wrong.
    """
    return {
        **{name: setup.shared(name).numbers() for name in reads if isinstance(name, str)},
        **{f"{section}.{own.table}": _own(own, setup, section) for own in own_tables(reads)},
    }


def own_tables(reads: Reads) -> Iterable[type[OwnTable]]:
    """Yield the tables of a component's own that it reads."""
    return (read for read in reads if not isinstance(read, str))


def _own(table: type[OwnTable], setup: Setup, section: str) -> dict[str, Any]:
    try:
        return table.of(getattr(setup, section)).numbers()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise RequestError(f"[setup.{section}.{table.table}] of the protocol: {key}: {first['msg'].lower()}") from None
