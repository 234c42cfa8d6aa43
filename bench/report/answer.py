"""Answers drawn from a main table: the methods of each track by strongest trainer, and which of them to use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from attacks.methods.clean import CLEAN
from bench.config.load import load_protocol, shipped
from bench.config.suite import RANKING, Trainer, load_suite
from bench.data import listed_dataset
from bench.report.standing import Standing, by_trainer, is_below, trainer_title
from bench.report.statistics import Interval
from bench.report.summary import REFERENCES, Generation, Group, Score, paired, references_first
from bench.report.tables import Row, ScoreTable
from bench.report.text import OLDER, passes_text, percent, rank_text, runs_text, times_text

TRACKS = ("Every pixel within {} (L-inf)", "Other bounds", "No bound")
ADVERSARIAL = "adversarial training"  # the `kind` of such trainers in a suite
_EFFECT = 5.0  # points below clean images at which a method counts as helping
NO_BOUND = "none"  # the bound stated by a method that has none


def track(row: Row) -> int:
    """Return the index in `TRACKS` of a row's method."""
    return track_of(row.generation.bound if row.generation else "")


def track_of(bound: str) -> int:
    """Return the index in `TRACKS` of a method, by the bound that it states besides `rho_u`, if any."""
    return (2 if bound == NO_BOUND else 1) if bound else 0


def bound_text(protocol: str) -> str:
    """Format the bound `rho_u` of a protocol: its value in 1/255 for a shipped protocol, otherwise its name."""
    if protocol not in shipped("protocols"):
        return "rho_u"
    return f"\N{PLUS-MINUS SIGN}{load_protocol(protocol).setup.noise.rho_u:g}/255"


def lacks(row: Row) -> bool:
    """Return whether a row's method lacks trainers measured for others, any of which may be its strongest."""
    return row.standing is None or row.standing.lacks > 0


def by_headline(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of a main table sorted by the accuracy of their strongest trainer, lowest first.

    References come first, then one track after another; within a track, methods that lack trainers come last.
    """

    def key(row: Row) -> tuple[int, int, bool, float, str]:
        mean = row.standing.strongest.mean if row.standing else None
        return references_first(row.name), track(row), lacks(row), inf if mean is None else mean, row.name

    return sorted(rows, key=key)


def _lowest(table: ScoreTable) -> Row | None:
    """Return the lowest of the methods bounded by `rho_u` that lack no trainer measured for others, if any."""
    rows = (row for row in by_headline(table.rows) if row.name not in REFERENCES and not track(row) and not lacks(row))
    return next(rows, None)


@dataclass(frozen=True, kw_only=True)
class Leader:
    """The method with the lowest mean at one trainer of the suite, among the measured methods bounded by `rho_u`.

    Attributes:
        trainer: as listed in the suite.
        score: the method's score at this trainer.
        clean: the clean reference's score at this trainer; None if it was not measured.
        over: the difference between the two, paired by seed.
        runs: the number of seeds of each such method at this trainer.
        tied: the number of seeds of this method and of each that it is not below beyond doubt (`is_below`).
        helps: whether any such method is far enough below clean images, or its difference from them is unknown.
        is_certain: whether the method is below the clean reference and all the others beyond doubt.
    """

    trainer: Trainer
    score: Score
    clean: Score | None
    over: Interval
    runs: tuple[int, ...]
    tied: tuple[int, ...]
    helps: bool
    is_certain: bool


def leaders(group: Group, table: ScoreTable) -> list[Leader]:
    """Return the leader at each trainer of the ranking suite where there is one, in the suite's order.

    Args:
        group: the group of results.
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
            tied = [score for score in bounded if not is_below(best, score, group.pool)]
            over = {score.method: group.pool.difference(paired(score, clean) if clean else []) for score in bounded}
            found.append(
                Leader(
                    trainer=wanted[trainer],
                    score=best,
                    clean=clean,
                    over=over[best.method],
                    runs=tuple(score.n for score in bounded),
                    tied=tuple(score.n for score in tied),
                    helps=any(_helps(difference) for difference in over.values()),
                    is_certain=tied == [best] and clean is not None and is_below(best, clean, group.pool),
                )
            )
    return found


def certainty_text(leader: Leader) -> str:
    """State how certain it is that no other method leaves a lower accuracy, and over how many runs (one seed each)."""
    if len(leader.runs) == 1:
        return f"only one within the bound{', certain (95%)' * leader.is_certain}, {runs_text(leader.runs)}"
    return _certainty_among(leader)


def _certainty_among(leader: Leader, noun: str = "") -> str:
    """State the certainty of a leader among several methods; `noun` follows their number."""
    measured, tied = f"{len(leader.runs)}{noun}", len(leader.tied)
    if leader.is_certain:
        return f"certain (95%) among {measured}, {runs_text(leader.runs)}"
    if tied == 1:
        return f"lowest of {measured} (95%), perhaps not below clean images, {runs_text(leader.runs)}"
    among = measured if tied == len(leader.runs) else f"{tied} of {measured}"
    return f"too close to call among {among}, {runs_text(leader.tied)}"


def answer_lines(group: Group, table: ScoreTable) -> list[str]:
    """State which method to use, the accuracy it leaves, its cost, and how certain that is.

    If methods were measured against the suite's adversarial training, there is a line for each radius at which one
    helps, then one for all trainers of the suite against which none does; otherwise a single line for the strongest
    of all trainers.
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
    """Describe the leader against adversarial training."""
    trainer = f"{leader.trainer.title} (perturbations of up to {leader.trainer.rho_a:g}/255)"
    is_only = len(leader.runs) == 1
    left = _left(leader.score, leader.clean, None if is_only else _lowest_text(bound, is_certain=leader.is_certain))
    method = f"{leader.score.method}, the only method within {bound} measured," if is_only else leader.score.method
    alone = f"{'certain (95%)' if leader.is_certain else 'not certain'}, {runs_text(leader.runs)}"
    sure = alone if is_only else _certainty_among(leader, " methods")
    return f"Against {trainer}, {method} {left}.{_cost(made, dataset)} {sure[0].upper()}{sure[1:]}."


def _none_against(leading: Sequence[Leader], bound: str) -> str:
    """Name the trainers against which no method helps."""
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
    """Return whether a difference from clean images is large enough, or unknown."""
    return over.mean is None or over.mean <= -_EFFECT


def _lowest_text(bound: str, *, is_certain: bool) -> str:
    """Introduce a leader's accuracy as the lowest of the methods within the bound."""
    return f"the lowest test accuracy {'' if is_certain else 'so far '}of the methods within {bound}:"


def _left(score: Score, clean: Score | None, which: str | None = None) -> str:
    """State the test accuracy that a method leaves, and that of clean images."""
    without = f"{_with_unit(clean)} without noise" if clean else "not measured without noise"
    return f"leaves {which or 'a test accuracy of'} {_with_unit(score)} ({without})"


def _with_unit(score: Score) -> str:
    return f"{percent(score.mean)}%{f' {OLDER}' * bool(score.older)}"


def _cost(made: Generation | None, dataset: str) -> str:
    """State the cost of protecting a dataset as a sentence; empty if it is unknown."""
    if made is None or made.passes is None:
        return ""
    known = listed_dataset(dataset)
    images = f"all {known.train:,} images" if known else "all images"
    seconds = f" ({times_text(made)})" if made.seconds else ""
    return f" Protecting {images} costs {passes_text(made.passes)} image-passes{seconds}."


def _overall(table: ScoreTable) -> str:
    """State which method to use against the strongest of all trainers."""
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
    """State how certain it is that a method comes first among those ranked."""
    if len(ranked) < 2:
        return "No other method was measured"
    among = f"among {len(ranked)} methods, {runs_text(one.strongest.n for one in ranked)}"
    return f"Certain (95%) {among}" if standing.worst_rank == 1 else f"Rank {rank_text(standing)} {among}"
