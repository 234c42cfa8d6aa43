"""The notes under a table, as plain text."""

from collections.abc import Iterable, Mapping, Sequence

from attacks.core.errors import several
from attacks.methods import METHODS
from bench.records.trust import TIERS, Tier
from bench.report.generations import Generation
from bench.report.pool import DECIDING
from bench.report.reported.beside import PROTOCOL, Band
from bench.report.reported.published import sources
from bench.report.standing import Standing
from bench.report.text import EXHAUSTED, OLDER, UNBOUNDED, passes_text, shortened

_GRADES: Mapping[str, str] = {
    "V": "read in the paper",
    "V2": "quoted by another paper",
    "C": "from released code",
}

_HEADLINE = (
    "Strongest trainer: of the trainers {} that were measured for a method (victim, training, radius, countermeasure, "
    "all images protected), the one with the highest mean accuracy. Without noise: the clean reference at the same "
    "trainer; minus clean: the difference, paired by seed. Trainers: how many were measured, of {}; those not measured "
    "may be stronger."
)
_ADAPTIVE = (
    "Adaptive: a trainer outside the suite that was made against this very method (breaks.toml); it counts for this "
    "method alone."
)
_RANK = (
    "Rank: the range of ranks, among methods of any bound, consistent with the data. Of two methods, each against its "
    "strongest trainer of those that both have, one ranks before the other if the 95% interval of their difference, "
    f"paired by seed, excludes zero, over at least {DECIDING} seeds, and if it has every trainer that the other has. "
    "The spread of a difference is moderated by that of all comparable ones (Smyth 2004). About five in a hundred "
    "pairs of equal methods separate by chance if the number of seeds was fixed in advance; seeds added because an "
    "order was undecided raise that rate. References have no rank."
)


def on_standings(found: Iterable[Standing]) -> list[str]:
    """Explain the headline and the rank, if there are any."""
    found = list(found)
    if not found:
        return []
    first, *_ = found
    whose = f"of suite {first.suite}" if first.suite else "of this table"
    lines = [_HEADLINE.format(whose, first.of_trainers)]
    if any(one.strongest.adaptive for one in found):
        lines.append(_ADAPTIVE)
    return [*lines, _RANK] if any(one.best_rank is not None for one in found) else lines


def on_passes(made: Iterable[Generation]) -> list[str]:
    """Explain image-passes, and name the methods with work that they do not count."""
    made = list(made)
    if not any(one.passes for one in made):
        return []
    left_out = [f"{passes_text(one.forward)} per noise of {one.method}" for one in made if one.forward]
    without = f": {', '.join(left_out)}" if left_out else ""
    text = "An image-pass is one forward and backward pass of one image. Forward-only passes are not counted"
    return [" ".join(filter(None, [f"{text}{without}.", without_passes(made)]))]


def without_passes(made: Iterable[Generation]) -> str:
    """Name the methods that train something without any image-pass, each with its title; empty if there are none."""
    named = [METHODS[one.method] for one in made if one.method in METHODS and one.passes == 0]
    trained = [f"{method.name} ({method.title})" for method in named if method.surrogate]
    return f"Training that is not counted in image-passes: {', '.join(trained)}." if trained else ""


def on_devices(made: Iterable[Generation]) -> list[str]:
    """Warn if seconds were measured on different hardware."""
    devices = {device for one in made for device in one.seconds}
    return (
        ["Seconds and memory are comparable only on the same hardware; image-passes are comparable everywhere."]
        if len(devices) > 1
        else []
    )


def on_trust(lowest: Iterable[Tier], records: Sequence[str]) -> list[str]:
    """Explain the trust in records: what the tiers mean, or how many records are above the lowest.

    Args:
        lowest: the lowest tier of each method.
        records: the tier of each record.
    """
    tiers = set(lowest)
    if not tiers:
        return []
    if tiers == {TIERS[0]}:
        above = sum(tier != TIERS[0] for tier in records)
        if not above:
            return ["Trust: all records are self-reported."]
        return [f"Trust: every method has self-reported records; {above} of {len(records)} are re-run or verified."]
    text = "Trust: the lowest tier of a method's records. Re-run: others reran them and agree; verified: a maintainer"
    return [f"{text} reran them and checked the method's code against its paper."]


def on_bounds(made: Iterable[Generation]) -> list[str]:
    """Name the methods whose noise may leave `rho_u`, each with what bounds it."""
    names = [f"{one.method} ({shortened(one.bound)})" for one in made if one.bound]
    text = f"{UNBOUNDED} Not bounded by rho_u, so never marked as lowest: {', '.join(names)}."
    return [text] if names else []


def on_budgets(made: Iterable[Generation]) -> list[str]:
    """Name the methods that ran out of steps before they had finished."""
    names = [f"{one.method} ({several(one.exhausted, 'noise')})" for one in made if one.exhausted]
    text = f"{EXHAUSTED} Stopped by the step budget before its own criterion was met: {', '.join(names)}."
    return [text] if names else []


def on_older_records(older: int, left_out: int) -> list[str]:
    """State how many records are of older versions, and how many were replaced by newer ones or are failed reruns."""
    lines = []
    if older:
        of = "an older version of the method, its engine, the network, the training recipe or the countermeasure"
        text = f"{OLDER} Older: {several(older, 'record')} of {of}, or with other protocol numbers; shown until"
        lines = [f"{text} a rerun of one of the cell's seeds succeeds."]
    if left_out:
        text = f"Left out: {several(left_out, 'record')} superseded by newer ones of the same cell, or failed reruns."
        lines.append(text)
    return lines


def on_reported(bands: Iterable[Band]) -> list[str]:
    """List the sources of the published values, each with its grades."""
    grades: dict[str, set[str]] = {}
    for cell in [cell for band in bands for cell in band.cells]:
        grades.setdefault(cell.source, set()).add(cell.grade)
    if not grades:
        return []
    cited = sources()
    lines = [f"{source} ({', '.join(sorted(found))}): {cited[source]}" for source, found in sorted(grades.items())]
    shown = set().union(*grades.values())
    meanings = "; ".join(f"{grade}: {meaning}" for grade, meaning in _GRADES.items() if grade in shown)
    text = f"Reported: published values, each with its own paper's training, shown for protocol {PROTOCOL} only"
    return [f"{text}; {meanings}.", *lines]
