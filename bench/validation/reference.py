"""Check that no noise helps: nobody is better on protected images than on clean ones, beyond what seeds explain."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev

from attacks.methods.clean import CLEAN
from bench.config.models import digest_of
from bench.records.schema import VictimRecord
from bench.validation.finding import Finding, Subject

MARGIN = 3.0  # points above the mean of the clean seeds
SPREADS = 4.0  # or so many of their standard deviations, where that is more
MARGIN_OF_ONE = 10.0  # where one clean seed, alone, says nothing of their spread

_Setting = tuple[str, ...]


def check_reference(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield the victims at radius 0 that are far better than the same victims on clean images."""
    clean: dict[_Setting, list[float]] = defaultdict(list)
    protected: list[tuple[Subject, _Setting, float]] = []
    for subject in subjects:
        record = subject.record
        if not isinstance(record, VictimRecord) or record.metrics is None or record.cell.rho_a > 0:
            continue
        accuracy, cell = record.metrics.accuracy_final, record.cell
        if cell.method != CLEAN.name:
            protected.append((subject, _setting(record), accuracy))
        elif cell.part == "all":
            clean[_setting(record)].append(accuracy)
    limits = {setting: limit(accuracies) for setting, accuracies in clean.items()}
    for subject, setting, accuracy in protected:
        if setting in limits and accuracy > limits[setting]:
            what = (
                f"{accuracy:.2f}% on protected images is higher than seeds explain: {fmean(clean[setting]):.2f}% "
                f"on clean ones ({len(clean[setting])} seeds; at most {limits[setting]:.2f}%)"
            )
            yield Finding(path=subject.path, what=what, fix="find out why and rerun the cell")


def limit(clean: Sequence[float]) -> float:
    """Return the accuracy above which a protected victim is not believed, in percent."""
    return fmean(clean) + (max(MARGIN, SPREADS * stdev(clean)) if len(clean) > 1 else MARGIN_OF_ONE)


def _setting(record: VictimRecord) -> _Setting:
    cell = record.cell
    numbers = digest_of(cell.numbers)
    return cell.dataset, cell.victim, cell.protocol, cell.training, cell.countermeasure, numbers, record.precision
