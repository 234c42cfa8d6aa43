"""Check records against each other: what a victim was made from, one digest per dataset, one record per cell."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

from bench.config.models import NoiseCell
from bench.records.schema import NoiseRecord, VictimRecord
from bench.run.pretraining import OWN
from bench.validation.finding import Finding, Subject

# fields that a victim shares with its noise; protocols that differ only in their victims share their noises
_SHARED = ("dataset", "method", "seed")


def check_together(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Yield the records that contradict others."""
    noises = {subject.record.cell.key: subject for subject in subjects if isinstance(subject.record, NoiseRecord)}
    victims = [subject for subject in subjects if isinstance(subject.record, VictimRecord)]
    trained = {subject.record.cell.key for subject in victims}
    yield from _check_duplicates(subjects)
    for subject in victims:
        yield from _check_noise(subject, noises.get(subject.record.cell.inputs.get("noise", "")))
        yield from _check_weights(subject, trained)
    yield from _check_datasets(subjects, noises)


def _check_duplicates(subjects: Sequence[Subject]) -> Iterator[Finding]:
    first: dict[str, Subject] = {}
    for subject in subjects:
        other = first.setdefault(subject.record.cell.key, subject)
        if other is not subject:
            yield Finding(path=subject.path, what=f"has the same cell as {other.path}", fix="remove one of them")


def _check_noise(victim: Subject, noise: Subject | None) -> Iterator[Finding]:
    if noise is None:
        yield Finding(path=victim.path, what="the record of its noise is missing", fix="publish it too")
        return
    if any(getattr(victim.record.cell, name) != getattr(noise.record.cell, name) for name in _SHARED):
        what = f"its noise belongs to another cell, {noise.path}"
        yield Finding(path=victim.path, what=what, fix="rerun the cell")
    said = [subject.record.digests.get("noise") for subject in (victim, noise)]
    if None not in said and said[0] != said[1]:
        yield Finding(
            path=victim.path,
            what=f"the digest of its noise differs from {noise.path}",
            fix="publish a noise together with the victims trained on it; where another is published already, use "
            "seeds that are not, for the method and for clean",
        )


def _check_weights(victim: Subject, trained: Collection[str]) -> Iterator[Finding]:
    """Check that weights trained here are those of a recorded victim; `trained` are the keys of all of them."""
    weights = victim.record.cell.inputs.get("weights", "")
    if weights.startswith(OWN) and weights.removeprefix(OWN) not in trained:
        what = "the record of the network that its weights are from is missing"
        yield Finding(path=victim.path, what=what, fix="publish it too")


def _check_datasets(subjects: Sequence[Subject], noises: dict[str, Subject]) -> Iterator[Finding]:
    """Compare the digests of datasets with the same name and identity; the majority is taken to be right."""
    digests: dict[tuple[str, str], list[tuple[Subject, str]]] = defaultdict(list)
    for subject in subjects:
        cell = subject.record.cell
        noise = subject if isinstance(cell, NoiseCell) else noises.get(cell.inputs.get("noise", ""))
        if noise is not None and (digest := subject.record.digests.get("dataset")):
            digests[cell.dataset, noise.record.cell.inputs.get("dataset", "")].append((subject, digest))
    for (name, _), said in digests.items():
        for subject, digest, usual in _unlike(said):
            what = f"the digest of {name} is {digest[:12]}, but {usual[:12]} in most records"
            yield Finding(path=subject.path, what=what, fix="rerun the cell with the right images")


def _unlike(said: Sequence[tuple[Subject, str]]) -> Iterator[tuple[Subject, str, str]]:
    """Yield each subject that differs from the majority, its own value, and the majority's."""
    (usual, _count), *others = Counter(word for _, word in said).most_common()
    yield from ((subject, word, usual) for subject, word in said if others and word != usual)
