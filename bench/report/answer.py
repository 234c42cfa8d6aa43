"""What a main table answers: per track the methods by their strongest trainer, and which of them to take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from attacks.methods.clean import CLEAN
from bench.config.load import load_protocol, shipped
from bench.config.suite import RANKING, Trainer, load_suite
from bench.data import listed_dataset
from bench.report.pool import paired
from bench.report.standing import Standing, by_trainer, trainer_title, two_lowest
from bench.report.statistics import Interval
from bench.report.summary import REFERENCES, Generation, Group, Score
from bench.report.tables import Row, ScoreTable
from bench.report.text import passes_text, percent, rank_text, runs_text, times_text

TRACKS = ("Every pixel within {} (L-inf)", "Other bounds", "No bound")
ADVERSARIAL = "adversarial training"  # the kind of a trainer in a suite
_EFFECT = 5.0  # points below clean images, from which on an answer says that a method helps
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
    """Of the methods bounded by `rho_u` that were measured at one trainer of the suite, the one with the lowest mean.

    Attributes:
        trainer: as the suite has it.
        score: the method's there.
        clean: the score of the clean reference there; None where there is none.
        over: the difference of the two, paired by seed.
        runs: over how many seeds each such method was measured there.
        helps: whether one of them is far enough below clean images, or these were not measured.
        is_certain: whether it is below the clean reference and every other of them beyond doubt, as `two_lowest` says.
    """

    trainer: Trainer
    score: Score
    clean: Score | None
    over: Interval
    runs: tuple[int, ...]
    helps: bool
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
            over = {
                score.method: group.pool.difference(paired(score.seeds, clean.seeds) if clean else [])
                for score in bounded
            }
            found.append(
                Leader(
                    trainer=wanted[trainer],
                    score=best,
                    clean=clean,
                    over=over[best.method],
                    runs=tuple(score.n for score in bounded),
                    helps=any(_helps(difference) for difference in over.values()),
                    is_certain=two_lowest(column, apart, group.pool)[0] is best,
                )
            )
    return found


def certainty_text(leader: Leader) -> str:
    """Write how sure it is that no other method leaves less, and over how many runs, each of one seed."""
    methods, runs = len(leader.runs), runs_text(leader.runs)
    sure = "certain (95%)" if leader.is_certain else f"too close to call among {methods}"
    if methods == 1:
        sure = "only method measured" + ", certain (95%)" * leader.is_certain
    return f"{sure}, {runs}"


def answer_lines(group: Group, table: ScoreTable) -> list[str]:
    """Write which method to take, what it leaves, what it costs and how sure that is.

    Where methods were measured against the adversarial training of the suite, a line for each radius at which one
    helps, and then one for all trainers of the suite against which none does; otherwise one against the strongest of
    all trainers.
    """
    made = {row.name: row.generation for row in table.rows}
    found, bound = leaders(group, table), bound_text(group.protocol)
    if not any(leader.trainer.kind == ADVERSARIAL for leader in found):
        return [_overall(table)]
    lines = [
        _against(leader, made.get(leader.score.method), group.dataset, bound)
        for leader in found
        if leader.trainer.kind == ADVERSARIAL and leader.helps
    ]
    in_vain = [leader for leader in found if not leader.helps]
    return [*lines, *([_none_against(in_vain, bound)] if in_vain else [])]


def _against(leader: Leader, made: Generation | None, dataset: str, bound: str) -> str:
    """Write who leads against adversarial training."""
    trainer = f"{leader.trainer.title} (perturbations of up to {leader.trainer.rho_a:g}/255)"
    is_only = len(leader.runs) == 1
    left = _left(leader.score, leader.clean, None if is_only else _lowest_text(bound, is_certain=leader.is_certain))
    method = f"{leader.score.method}, the only method within {bound} measured," if is_only else leader.score.method
    sure = "Certain (95%)" if leader.is_certain else "Too close to call"
    if not is_only:
        sure += f" among {len(leader.runs)} methods"
    elif not leader.is_certain:
        sure = "Not certain"
    return f"Against {trainer}, {method} {left}.{_cost(made, dataset)} {sure}, {runs_text(leader.runs)}."


def _none_against(leading: Sequence[Leader], bound: str) -> str:
    """Write against which trainers no method helps."""
    *others, last = (
        f"{leader.trainer.title} ({len(leader.runs)} method{'s' * (len(leader.runs) > 1)}, {runs_text(leader.runs)})"
        for leader in leading
    )
    trainers = " or ".join(filter(None, (", ".join(others), last)))
    return (
        f"No method within {bound} measured so far lowers accuracy by even {_EFFECT:g} points against {trainers}, so "
        "none is known to protect against every trainer."
    )


def _helps(over: Interval) -> bool:
    """Say whether a difference from clean images is large enough, or not known."""
    return over.mean is None or over.mean <= -_EFFECT


def _lowest_text(bound: str, *, is_certain: bool) -> str:
    """Write what the accuracy of a leader is."""
    return f"the lowest test accuracy {'' if is_certain else 'so far '}of the methods within {bound}:"


def _left(score: Score, clean: Score | None, which: str | None = None) -> str:
    """Write what test accuracy a method leaves, and what clean images do."""
    without = f"{percent(clean.mean)}% without noise" if clean else "not measured without noise"
    return f"leaves {which or 'a test accuracy of'} {percent(score.mean)}% ({without})"


def _cost(made: Generation | None, dataset: str) -> str:
    """Write what it costs to protect a dataset, as a sentence; nothing where that is not known."""
    if made is None or made.passes is None:
        return ""
    known = listed_dataset(dataset)
    images = f"all {known.train:,} images" if known else "all images"
    seconds = f" ({times_text(made)})" if made.seconds else ""
    return f" Protecting {images} costs {passes_text(made.passes)} image-passes{seconds}."


def _overall(table: ScoreTable) -> str:
    """Write which method to take against the strongest of all trainers."""
    row, bound = _lowest(table), bound_text(table.protocol)
    if row is None or row.standing is None:
        return f"No method within {bound} was measured against all trainers here."
    standing, trainer = row.standing, trainer_title(row.standing.strongest, table.protocol)
    if standing.trainers == 1:
        against = f"Against the only trainer measured ({trainer})"
    else:
        several = f"the strongest of the {standing.trainers} trainers measured"
        against = f"Against {several} (the one with the highest accuracy: {trainer})"
    if not _helps(standing.over):
        left = _left(standing.strongest, standing.clean)
        return f"{against}, no method within {bound} helps much: {row.name} {left}."
    ranked = [one for one in table.standings if one is not None and one.best_rank is not None]
    is_certain = len(ranked) > 1 and standing.worst_rank == 1
    left = _left(standing.strongest, standing.clean, _lowest_text(bound, is_certain=is_certain))
    sure = _certainty(standing, ranked)
    return f"{against}, {row.name} {left}.{_cost(row.generation, table.dataset)} {sure}."


def _certainty(standing: Standing, ranked: Sequence[Standing]) -> str:
    """Write how sure it is that a method comes first of those that are ranked."""
    if len(ranked) < 2:
        return "No other method was measured"
    among = f"among {len(ranked)} methods, {runs_text(one.strongest.n for one in ranked)}"
    return f"Certain (95%) {among}" if standing.worst_rank == 1 else f"Rank {rank_text(standing)} {among}"
