"""Check that no noise helps: no victim is better on protected images than on clean ones, beyond what seeds explain.

A countermeasure can cost clean images more accuracy than protected ones, where it takes noise for part of the image or
the other way round. So a victim is compared with clean images under the same countermeasure and under none, whichever
is higher, once both are measured.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev

from attacks.core.errors import several
from attacks.methods.clean import CLEAN
from bench.config.models import VictimCell, digest_of
from bench.records.schema import VictimRecord
from bench.validation.finding import Finding, Subject
from victims.countermeasures.standard import STANDARD

MARGIN = 3.0  # points above the mean of the clean seeds
SPREADS = 4.0  # or this many of their standard deviations, if that is more
MARGIN_OF_ONE = 10.0  # for a single clean seed, which says nothing about their spread

_Setting = tuple[str, ...]  # the countermeasure last


def check_reference(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield the victims at radius 0 that are far better than the same victims on clean images."""
    clean: dict[_Setting, list[float]] = defaultdict(list)
    protected: list[tuple[Subject, tuple[_Setting, _Setting], float]] = []
    for subject in subjects:
        record = subject.record
        if not isinstance(record, VictimRecord) or record.metrics is None or record.cell.rho_a > 0:
            continue
        accuracy, cell = record.metrics.accuracy_final, record.cell
        same = _setting(cell, record.precision, cell.countermeasure)
        if cell.method != CLEAN.name:
            protected.append((subject, (same, _setting(cell, record.precision, STANDARD.name)), accuracy))
        elif cell.part == "all":
            clean[same].append(accuracy)
    limits = {setting: limit(accuracies) for setting, accuracies in clean.items()}
    for subject, settings, accuracy in protected:
        if not all(setting in limits for setting in settings):
            continue
        highest = max(settings, key=limits.__getitem__)
        if accuracy > limits[highest]:
            countermeasure = highest[-1]
            under = "without a countermeasure" if countermeasure == STANDARD.name else f"under {countermeasure}"
            what = (
                f"{accuracy:.2f}% on protected images is higher than the spread of seeds explains: "
                f"{fmean(clean[highest]):.2f}% on clean ones {under} ({several(len(clean[highest]), 'seed')}; at most "
                f"{limits[highest]:.2f}%)"
            )
            yield Finding(path=subject.path, what=what, fix="find out why and rerun the cell")


def limit(clean: Sequence[float]) -> float:
    """Return the accuracy above which a protected victim is not credible, in percent."""
    return fmean(clean) + (max(MARGIN, SPREADS * stdev(clean)) if len(clean) > 1 else MARGIN_OF_ONE)


def _setting(cell: VictimCell, precision: str, countermeasure: str) -> _Setting:
    """Return what a cell trains and how, under a countermeasure or none."""
    own = {name: table for name, table in cell.numbers.items() if not name.startswith("countermeasure.")}
    numbers = digest_of(own if countermeasure == STANDARD.name else cell.numbers)
    network, recipe = cell.inputs.get("network", ""), cell.inputs.get("recipe", "")
    return cell.dataset, cell.victim, network, cell.protocol, cell.training, recipe, numbers, precision, countermeasure
