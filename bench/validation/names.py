"""Check that the names in a cell are known here, so that readers of the tables can rerun the cell."""

from collections.abc import Callable, Iterator
from functools import cache

from attacks.core.errors import RequestError, unknown
from attacks.methods import methods
from bench.config.load import base_of, shipped
from bench.config.models import Cell, VictimCell
from bench.data import dataset_names as datasets
from bench.records.upgrades import is_given
from bench.run.pretraining import OWN
from bench.validation.finding import Finding, Subject
from victims.countermeasures import countermeasure
from victims.networks.names import parse_victim
from victims.networks.weights import split
from victims.networks.weights.from_file import GIVEN
from victims.recipes import training


class Names:
    """The names that are known here; each is looked up once."""

    def __init__(self) -> None:
        self._methods = set(methods())
        self._datasets = datasets()
        self._protocols = shipped("protocols")
        self._find = cache(lambda name: _refusal(parse_victim, name))

    def check(self, subject: Subject) -> Iterator[Finding]:
        """Yield the names of a cell that are not known; a victim's method is checked with its noise."""
        for message, fix in self._unknown(subject.record.cell):
            yield Finding(path=subject.path, what=message, fix=fix)

    def _unknown(self, cell: Cell) -> Iterator[tuple[str, str]]:
        if cell.dataset not in self._datasets:
            yield (
                str(unknown("dataset", cell.dataset, self._datasets)),
                "publish only datasets that others can obtain",
            )
        if cell.protocol not in self._protocols and (base := base_of(cell.protocol)) in self._protocols:
            what = f"unknown protocol {cell.protocol!r}: {base} with numbers changed by --set, or a variant of it"
            yield what, f"rerun the cell at {base}, or include the variant's file in bench/config/protocols"
        elif cell.protocol not in self._protocols:
            told = str(unknown("protocol", cell.protocol, self._protocols))
            yield told, "include its file in bench/config/protocols"
        if isinstance(cell, VictimCell):
            given = cell.inputs.get("weights", "").startswith((GIVEN, OWN))
            if wrong := self._find(split(cell.victim)[0] if given else cell.victim):
                yield wrong, "use a network of timm or include its file in victims/networks/papers"
            if wrong := _refusal(countermeasure, cell.countermeasure):
                yield wrong, "include its file in victims/countermeasures"
            if wrong := _refusal(training, cell.training):
                yield wrong, "include its file in victims/recipes"
        elif cell.method not in self._methods and not is_given(cell.method, cell.inputs.get("method", "")):
            yield str(unknown("method", cell.method, self._methods)), "include its file in attacks/methods"


def _refusal(look_up: Callable[[str], object], name: str) -> str | None:
    """Return why a name is refused; None where it is not."""
    try:
        look_up(name)
    except RequestError as error:
        return str(error)
    return None
