"""What the benchmark measured for a method: how much worse its victims are than those trained on clean images."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from statistics import mean

from attacks.core.errors import several
from attacks.core.settings import ENGINE_VERSION
from attacks.methods.clean import CLEAN
from attacks.spec import Method
from bench.config.axes import FIELDS, Place, place
from bench.records.older import version_number
from bench.records.schema import NoiseRecord, VictimRecord
from bench.records.store import Store
from bench.report.standing import trainer_text
from bench.report.statistics import decimals
from bench.report.summary import Score


def measured_protection(results: Path, method: Method, protocol: str) -> list[str]:
    """Return a line for each trainer measured on a noise of this method and protocol, and on clean images.

    Accuracies are averaged over the seeds that both have; the highest on protected images, the strongest trainer's,
    comes first. Older versions of the method and of victims' networks do not count.
    """
    records = list(Store(results).all())
    noises = {record.cell.key: record for record in records if isinstance(record, NoiseRecord)}
    victims = [record for record in records if isinstance(record, VictimRecord) and _counts(record, protocol)]
    newest = dict[str, int]()
    for record in victims:
        newest[record.cell.victim] = max(newest.get(record.cell.victim, 1), _network_version(record))
    victims = [record for record in victims if _network_version(record) == newest[record.cell.victim]]
    clean = {_place(record): record for record in victims if _is_of(record, noises, CLEAN.name)}
    ours = [record for record in victims if _is_of(record, noises, method.identity) and _place(record) in clean]
    return [line for _, line in sorted(_lines(sorted(ours, key=_place), clean), reverse=True)]


TrainerPlace = tuple[str, Place]
VictimPlace = tuple[TrainerPlace, int]


def _counts(record: VictimRecord, protocol: str) -> bool:
    cell = record.cell
    return (cell.share, cell.part, cell.protocol) == (100, "all", protocol) and record.metrics is not None


def _network_version(record: VictimRecord) -> int:
    """Return the version of a victim's network; without one, it is the first."""
    return version_number(record.cell.inputs.get("network", "1").rpartition("/")[2])


def _place(record: VictimRecord) -> VictimPlace:
    cell = record.cell
    return (cell.dataset, place(**cell.model_dump(include={*FIELDS} - {"method"}))), cell.seed


def _is_of(record: VictimRecord, noises: Mapping[str, NoiseRecord], identity: str) -> bool:
    """Return whether a victim's noise was made by a method, given its identity or, for any version, its name."""
    noise = noises.get(record.cell.inputs.get("noise", ""))
    if noise is None or noise.cell.inputs.get("engine", str(ENGINE_VERSION)) != str(ENGINE_VERSION):
        return False
    return identity in {noise.cell.method, noise.cell.inputs.get("method")}


def _lines(ours: list[VictimRecord], clean: Mapping[VictimPlace, VictimRecord]) -> Iterator[tuple[float, str]]:
    """Yield each trainer's accuracy on protected images, with its line."""
    for (dataset, cell), group in groupby(ours, key=lambda record: _place(record)[0]):
        found = list(group)
        where = f"{dataset}, {trainer_text(Score(cell=cell))}"
        before = mean(_accuracy(clean[_place(record)]) for record in found)
        after = mean(map(_accuracy, found))
        accuracies = f"{decimals(before, 1)}% trained on clean images, {decimals(after, 1)}% on protected ones"
        yield after, f"{where}: {accuracies} ({several(len(found), 'seed')})"


def _accuracy(record: VictimRecord) -> float:
    return record.metrics.accuracy_final if record.metrics else 0.0
