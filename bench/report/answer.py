"""What a main table answers: per track the methods by their strongest trainer, and which of them to take."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from attacks.methods.clean import CLEAN
from bench.config.load import load_protocol, shipped
from bench.config.suite import RANKING, Trainer, load_suite
from bench.report.pool import paired
from bench.report.standing import Standing, by_trainer, trainer_title, two_lowest
from bench.report.statistics import Interval
from bench.report.summary import REFERENCES, Generation, Group, Score
from bench.report.tables import Row, ScoreTable
from bench.report.text import devices_text, passes_text, percent, rank_text, seconds_text

TRACKS = ("Every pixel within {} (L-inf)", "Other bounds", "No bound")
ADVERSARIAL = "adversarial training"  # the kind of a trainer in a suite
_EFFECT = 5.0  # points below clean images, from which on an answer says that a method protects
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

    There is none where that is not below the clean reference at its strongest trainer, if that was measured there.
    """
    row = _lowest(table)
    if row is None or row.standing is None:
        return None
    clean = row.standing.clean
    return row if clean is None or (row.standing.strongest.mean or 0.0) < (clean.mean or 0.0) else None


def _lowest(table: ScoreTable) -> Row | None:
    rows = (row for row in by_headline(table.rows) if row.name not in REFERENCES and not track(row) and not lacks(row))
    return next(rows, None)


@dataclass(frozen=True, kw_only=True)
class Leader:
    """Of the methods bounded by `rho_u` that were measured at one trainer of the suite, the one that protects best.

    Attributes:
        trainer: as the suite has it.
        score: the method's there; it has the lowest mean.
        clean: the score of the clean reference there; None where there is none.
        over: the difference of the two, paired by seed.
        methods: how many such methods were measured there.
        is_certain: whether it is below the clean reference and every other of them beyond doubt, as `two_lowest` says.
    """

    trainer: Trainer
    score: Score
    clean: Score | None
    over: Interval
    methods: int
    is_certain: bool


def leaders(group: Group, table: ScoreTable) -> list[Leader]:
    """Return who leads at each trainer of the ranking suite that such a method was measured at, in the suite's order.

    Args:
        group: of results.
        table: its main table.
    """
    wanted = load_suite(RANKING).trainers(group.protocol)
    apart = {row.name for row in table.rows if track(row)}
    measured = by_trainer(group.scores, wanted)
    found = []
    for trainer in wanted:
        column = [scores[trainer] for scores in measured.values() if trainer in scores]
        bounded = [score for score in column if score.method not in {*REFERENCES, *apart}]
        if bounded:
            best = min(bounded, key=lambda score: (score.mean or 0.0, score.method))
            clean = measured.get(CLEAN.name, {}).get(trainer)
            found.append(
                Leader(
                    trainer=wanted[trainer],
                    score=best,
                    clean=clean,
                    over=group.pool.difference(paired(best.seeds, clean.seeds) if clean else []),
                    methods=len(bounded),
                    is_certain=two_lowest(column, apart, group.pool)[0] is best,
                )
            )
    return found


def certainty_text(leader: Leader) -> str:
    """Write how sure it is that a method leads, and over how many seeds."""
    seeds = "one seed" if leader.score.n == 1 else f"{leader.score.n} seeds"
    if leader.is_certain:
        return f"certain (95%), {seeds}"
    return f"{'only one measured' if leader.methods == 1 else f'undecided among {leader.methods}'}, {seeds}"


def answer_lines(group: Group, table: ScoreTable) -> list[str]:
    """Write which method to take, what it leaves, what it costs and how sure that is.

    Where the suite has adversarial training, a line for each radius; then one against the strongest of all trainers.
    """
    made = {row.name: row.generation for row in table.rows}
    found = [leader for leader in leaders(group, table) if leader.trainer.kind == ADVERSARIAL]
    return [*(_against(leader, made.get(leader.score.method)) for leader in found), _overall(table)]


def _against(leader: Leader, made: Generation | None) -> str:
    name, over, below = leader.score.method, leader.over.mean, ""
    if over is not None:
        below = f", {percent(abs(over))} points {'below' if over <= 0 else 'above'} clean images"
    accuracy, cost = (
        f"{percent(leader.score.mean)}% test accuracy{below}",
        f", for {_cost(made)}" if made and made.passes is not None else "",
    )
    protects = _protects(leader.over)
    what = f"{name} protects best: {accuracy}{cost}" if protects else f"no method helps much: {name} leaves {accuracy}"
    return f"Against {leader.trainer.title}, {what}; {certainty_text(leader)}."


def _protects(over: Interval) -> bool:
    """Say whether a difference from clean images is large enough, or not known."""
    return over.mean is None or over.mean <= -_EFFECT


def _cost(made: Generation) -> str:
    seconds = f" ({seconds_text(made)} s on {devices_text(made)})" if made.seconds else ""
    return f"{passes_text(made.passes)} image-passes{seconds}"


def _overall(table: ScoreTable) -> str:
    """Write which method to take against the strongest of all trainers."""
    row, bound = _lowest(table), bound_text(table.protocol)
    if row is None or row.standing is None:
        return f"No method within {bound} was measured against all trainers here."
    standing, made = row.standing, row.generation
    if standing.clean is None:
        clean = "clean images were not measured"
    else:
        clean = f"clean images give {percent(standing.clean.mean)}%"
    left = f"leaves {percent(standing.strongest.mean)}% test accuracy, where {clean}"
    left += f" ({trainer_title(standing.strongest, table.protocol)})"
    against = f"Against {_trainers(standing)},"
    if not _protects(standing.over):
        return f"{against} no method within {bound} helps much: {row.name} {left}."
    cost = f" Its noise costs {_cost(made)}." if made and made.passes is not None else ""
    return f"{against} {row.name} protects best within {bound}: it {left}.{cost} {_certainty(table, row)}"


def _trainers(standing: Standing) -> str:
    """Write which trainers were measured."""
    if standing.suite is None:
        which, rest = "measured here", ""
    else:
        which, rest = f"of {standing.suite} measured here so far", f" (of {standing.of_trainers})"
    if standing.trainers == 1:
        return f"the only trainer {which}{rest}"
    return f"the strongest of the {standing.trainers} trainers {which}{rest}"


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
