"""Answers drawn from a main table: the methods of each track by strongest trainer, and which of them to use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from attacks.core.errors import several
from attacks.methods.clean import CLEAN
from bench.config.load import load_protocol, shipped
from bench.config.suite import RANKING, Trainer, load_suite
from bench.data import listed_dataset
from bench.report.generations import Generation
from bench.report.standing import Standing, by_trainer, is_below, trainer_title
from bench.report.statistics import Interval
from bench.report.summary import REFERENCES, Group, Score, newest, paired, reference_of, references_first, shared_seeds
from bench.report.tables import Row, ScoreTable
from bench.report.text import OLDER, common_text, passes_text, percent, rank_text, runs_text, times_text

TRACKS = ("Every pixel within {} (L-inf)", "Other bounds", "No bound")
ADVERSARIAL = "adversarial training"  # the `kind` of such trainers in a suite
_EFFECT = 5.0  # points below clean images at which a method counts as helping
HeadlineKey = tuple[int, int, bool, float, str]
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
    return _is_incomplete(row.standing)


def _is_incomplete(standing: Standing | None) -> bool:
    return standing is None or standing.lacks > 0


def by_headline(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of a main table sorted by the accuracy of their strongest trainer, lowest first.

    References come first, then one track after another; within a track, methods that lack trainers come last.
    """
    return sorted(rows, key=lambda row: headline_key(row.name, row.standing, track(row)))


def headline_key(name: str, standing: Standing | None, where: int) -> HeadlineKey:
    """Return what sorts a method by its headline, as `by_headline` does; `where` is its index in `TRACKS`."""
    mean = standing.strongest.mean if standing else None
    return references_first(name), where, _is_incomplete(standing), inf if mean is None else mean, name


def _lowest(table: ScoreTable) -> Row | None:
    """Return the lowest of the methods bounded by `rho_u` that lack no trainer measured for others, if any."""
    rows = (row for row in by_headline(table.rows) if row.name not in REFERENCES and not track(row) and not lacks(row))
    return next(rows, None)


@dataclass(frozen=True, kw_only=True)
class Leader:
    """The method with the lowest mean at one trainer of the suite, among the measured methods bounded by `rho_u`.

    Where some were measured before and others after a correction of the trainer, only the latter count.

    Attributes:
        trainer: as listed in the suite.
        score: the method's score at this trainer.
        clean: the clean reference's score at this trainer, of the same version; None if it was not measured.
        over: the difference between the two, paired by seed.
        runs: the number of seeds of each such method at this trainer.
        before: how many more were measured, but only before a correction of the trainer.
        undecided: for each of the others that it is not below beyond doubt (`is_below`), the number of seeds that the
            two have in common.
        helps: whether any such method is far enough below clean images, or its difference from them is unknown.
        is_certain: whether the method is below the clean reference and all the others beyond doubt.
    """

    trainer: Trainer
    score: Score
    clean: Score | None
    over: Interval
    runs: tuple[int, ...]
    before: int
    undecided: tuple[int, ...]
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
        within = [score for score in column if score.method not in {*REFERENCES, *apart}]
        bounded = newest(within)
        if bounded:
            best = min(bounded, key=lambda score: (score.mean or 0.0, score.method))
            clean = reference_of(best, measured.get(CLEAN.name, {}).get(trainer))
            others = [score for score in bounded if score is not best]
            undecided = [score for score in others if not is_below(best, score, group.pool)]
            over = {score.method: group.pool.difference(paired(score, clean) if clean else []) for score in bounded}
            found.append(
                Leader(
                    trainer=wanted[trainer],
                    score=best,
                    clean=clean,
                    over=over[best.method],
                    runs=tuple(score.n for score in bounded),
                    before=len(within) - len(bounded),
                    undecided=tuple(len(shared_seeds(best, score)) for score in undecided),
                    helps=any(_helps(difference) for difference in over.values()),
                    is_certain=not undecided and clean is not None and is_below(best, clean, group.pool),
                )
            )
    return found


def certainty_text(leader: Leader) -> str:
    """State how certain it is that no other method leaves a lower accuracy, and over how many runs (one seed each)."""
    if len(leader.runs) == 1:
        alone = f"only one within the bound{_since(leader)}"
        return f"{alone}{', certain (95%)' * leader.is_certain}, {runs_text(leader.runs)}"
    return _certainty_among(leader)


def _since(leader: Leader) -> str:
    """State that other methods were measured, but only before a correction of the trainer."""
    return " measured since a correction" * bool(leader.before)


def _certainty_among(leader: Leader, noun: str = "") -> str:
    """State the certainty of a leader among several methods; `noun` names them in a sentence."""
    since, others = _since(leader), len(leader.runs) - 1
    measured = f"{'the ' * bool(since)}{len(leader.runs)}{f' {noun}s' * bool(noun)}{since}"
    if leader.is_certain:
        return f"certain (95%) among {measured}, {runs_text(leader.runs)}"
    if not leader.undecided:
        return f"lowest of {measured} (95%), perhaps not below clean images, {runs_text(leader.runs)}"
    if others == 1:
        against = f"the {'one ' * bool(since)}other{f' {noun}' * bool(noun)}"
    else:
        every = "both" if others == 2 else f"all {others}"
        share = f"{len(leader.undecided)} of {others}" if len(leader.undecided) < others else every
        against = f"{share} {f'other {noun}s' if noun else 'others'}"
    return f"undecided against {against}{since}, {common_text(leader.undecided)}"


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
    method = leader.score.method
    method += f", the only method within {bound}{_since(leader) or ' measured'}," * is_only
    alone = f"{'certain (95%)' if leader.is_certain else 'not certain'}, {runs_text(leader.runs)}"
    sure = alone if is_only else _certainty_among(leader, "method")
    return f"Against {trainer}, {method} {left}.{_cost(made, dataset)} {sure[0].upper()}{sure[1:]}."


def _none_against(leading: Sequence[Leader], bound: str) -> str:
    """Name the trainers against which no method helps."""
    *others, last = (
        f"{leader.trainer.title} ({several(len(leader.runs), 'method')}{_since(leader)}, {runs_text(leader.runs)})"
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
    without = f"{_with_unit(clean)} without noise" if clean else "no comparable result without noise"
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
    row, bound = _lowest(table), bound_text(table.group.protocol)
    if row is None or row.standing is None:
        return f"No method within {bound} was measured against all trainers here."
    standing, trainer = row.standing, trainer_title(row.standing.strongest, table.group.protocol)
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
    return f"{against}, {row.name} {left}.{_cost(row.generation, table.group.dataset)} {sure}."


def _certainty(standing: Standing, ranked: Sequence[Standing]) -> str:
    """State how certain it is that a method comes first among those ranked."""
    if len(ranked) < 2:
        return "No other method was measured"
    among = f"among {len(ranked)} methods, {runs_text(one.strongest.n for one in ranked)}"
    return f"Certain (95%) {among}" if standing.worst_rank == 1 else f"Rank {rank_text(standing)} {among}"
