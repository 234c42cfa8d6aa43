"""What a main table answers: per track the methods by their strongest trainer, and which of them to take."""

from collections.abc import Iterable
from math import inf

from bench.config.load import load_protocol, shipped
from bench.report.standing import Standing, trainer_text
from bench.report.summary import REFERENCES
from bench.report.tables import Row, ScoreTable
from bench.report.text import devices_text, passes_text, percent, rank_text, seconds_text

TRACKS = ("Every pixel within {} (L-inf)", "Other bounds", "No bound")
NO_BOUND = "none"  # what a method states as its bound where it has none


def track(row: Row) -> int:
    """Return the place in `TRACKS` of a row's method."""
    if not row.generation or not row.generation.bound:
        return 0
    return 2 if row.generation.bound == NO_BOUND else 1


def bound_text(protocol: str) -> str:
    """Write the bound `rho_u` of a protocol: in 1/255 where the protocol is one of ours."""
    if protocol not in shipped("protocols"):
        return "rho_u"
    return f"\N{PLUS-MINUS SIGN}{load_protocol(protocol).setup.noise.rho_u:g}/255"


def lacks(row: Row) -> bool:
    """Say whether a row's method lacks trainers that others have, which may be its strongest."""
    return row.standing is None or row.standing.lacks > 0


def by_headline(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of a main table by the accuracy of their strongest trainer, the lowest first.

    References come first; then track after track, in each the methods that lack trainers last.
    """

    def key(row: Row) -> tuple[int, int, bool, float, str]:
        mean = row.standing.strongest.mean if row.standing else None
        first = REFERENCES.index(row.name) if row.name in REFERENCES else len(REFERENCES)
        return first, track(row), lacks(row), inf if mean is None else mean, row.name

    return sorted(rows, key=key)


def recommended(table: ScoreTable) -> Row | None:
    """Return the method to take: bounded by `rho_u`, measured at every trainer that any was, and of those the lowest.

    There is none where that is not below the clean reference.
    """
    for row in by_headline(table.rows):
        standing = row.standing
        if row.name in REFERENCES or track(row) or lacks(row) or not standing or not standing.clean:
            continue
        return row if (standing.strongest.mean or inf) < (standing.clean.mean or 0.0) else None
    return None


def answer_text(table: ScoreTable) -> str:
    """Write which method to take, what it leaves, what it costs and how sure that is."""
    row, bound = recommended(table), bound_text(table.protocol)
    if row is None or row.standing is None or row.generation is None:
        return f"No method within {bound} was measured against all trainers here and left less than clean images do."
    standing, made = row.standing, row.generation
    clean = percent(standing.clean.mean if standing.clean else None)
    seconds = f" ({seconds_text(made)} s on {devices_text(made)})" if made.seconds else ""
    adversarial = ", adversarial training" if standing.strongest.of["rho_a"] else ""
    return (
        f"Against the strongest of {_trainers(standing)}, {row.name} protects best within {bound}: it "
        f"leaves {percent(standing.strongest.mean)}% test accuracy, where clean images give {clean}% "
        f"({trainer_text(standing.strongest)}{adversarial}). Its noise costs {passes_text(made.passes)} "
        f"image-passes{seconds}. {_certainty(table, row)}"
    )


def _trainers(standing: Standing) -> str:
    """Write which trainers were measured."""
    if standing.suite is None:
        return f"the {standing.trainers} trainers measured here"
    return f"the {standing.trainers} trainers of {standing.suite} measured here so far (of {standing.of_trainers})"


def _certainty(table: ScoreTable, row: Row) -> str:
    """Write how sure it is that a row's method comes first."""
    if row.standing is None:
        return ""
    ranked = sum(one is not None and one.best_rank is not None for one in table.standings)
    seeds = row.standing.strongest.n
    if ranked < 2:
        return "No other method was measured here."
    if row.standing.worst_rank == 1:
        return f"That is certain (95%) against each of the {ranked - 1} others."
    over = f"{seeds} seeds leave" if seeds > 1 else "one seed leaves"
    return f"That order is not certain: {over} its rank among the {ranked} methods at {rank_text(row.standing)}."
