"""What the benchmark measured for a method: how much worse its victims are than those trained on clean images."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from attacks.core.errors import several
from attacks.methods.clean import CLEAN
from attacks.spec import Method
from bench.records.frame import load_records
from bench.report.standing import by_trainer, trainer_text
from bench.report.statistics import decimals
from bench.report.summary import Group, groups, shared_seeds


def measured_protection(results: Path, method: Method, protocol: str) -> list[str]:
    """Return a line for each trainer measured on a noise of this method and protocol, and on clean images.

    Accuracies are averaged over the seeds that both have; the highest on protected images, the strongest trainer's,
    comes first. Records of older versions do not count.

    Raises:
        RequestError: as `load_records` does.
    """
    rows = load_records(results)
    rows = rows[(rows["protocol"] == protocol) & ~rows["older"]]
    return [
        line for _, line in sorted((line for group in groups(rows) for line in _lines(group, method)), reverse=True)
    ]


def _lines(group: Group, method: Method) -> Iterator[tuple[float, str]]:
    """Yield each trainer's accuracy on protected images, with its line."""
    measured = by_trainer(group.scores)
    clean = measured.get(CLEAN.name, {})
    for trainer, score in measured.get(method.name, {}).items():
        if trainer in clean and (seeds := shared_seeds(score, clean[trainer])):
            before, after = (fmean(one.seeds[seed] for seed in seeds) for one in (clean[trainer], score))
            accuracies = f"{decimals(before, 1)}% trained on clean images, {decimals(after, 1)}% on protected ones"
            yield after, f"{group.dataset}, {trainer_text(score)}: {accuracies} ({several(len(seeds), 'seed')})"
