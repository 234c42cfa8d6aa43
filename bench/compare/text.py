"""A comparison as text: every method at its strongest trainer, and the compared method trainer by trainer."""

from collections.abc import Mapping

from attacks.methods.clean import CLEAN
from bench.compare.compare import Comparison
from bench.config.axes import Place
from bench.config.suite import Trainer
from bench.report.answer import HeadlineKey, headline_key, track_of
from bench.report.generations import generations
from bench.report.notes import on_bounds, on_older_records, on_standings
from bench.report.pool import DECIDING
from bench.report.standing import Measured, Standing, by_trainer, difference, standings, trainer_text
from bench.report.summary import REFERENCES, Group, newest, paired, reference_of
from bench.report.text import (
    MISSING,
    UNBOUNDED,
    headline_text,
    interval_text,
    minus_clean_text,
    rank_text,
    score_text,
    trainers_text,
)
from bench.run.describe import table_text


def comparison_text(found: Comparison) -> str:
    """Return the results of a method next to those of all others, and its results at each trainer of the suite."""
    group = found.evidence.group_of(found.noise)
    standing = standings(group, found.suite) if group else {}
    if group is None or found.method not in standing:
        return f"{found.method} has not been measured against any trainer of {found.suite.name} yet."
    wanted = found.suite.trainers(group.protocol)
    made = generations(group.rows)
    bounds = {one.method: one.bound for one in made if one.bound}
    measured = by_trainer(group.scores, wanted)
    older = sum(score.older for scores in measured.values() for score in scores.values())
    return "\n".join(
        [
            f"{group.title}; suite {found.suite.name}",
            "",
            _methods(found.method, standing, measured, bounds, group),
            "",
            _trainers(found.method, measured, wanted, bounds, group),
            "",
            _rank(found.method, standing),
            *on_standings(standing.values()),
            *on_bounds(made),
            *on_older_records(older, group.left_out),
        ]
    )


def _methods(
    name: str,
    standing: Mapping[str, Standing],
    measured: Mapping[str, Measured],
    bounds: Mapping[str, str],
    group: Group,
) -> str:
    """Return a line per method, in the order of headlines; those with a rank also with the compared method minus it."""

    def key(one: Standing) -> HeadlineKey:
        return headline_key(one.method, one, track_of(bounds.get(one.method, "")))

    head = ("", "method", "strongest trainer", "which trainer", "without noise", "minus clean", "trainers", "rank")
    rows = []
    for one in sorted(standing.values(), key=key):
        is_own = one.method == name
        over = difference(measured[name], measured[one.method], group.pool)
        rows.append(
            (
                ">" if is_own else "",
                one.method + (UNBOUNDED if one.method in bounds else ""),
                score_text(one.strongest, None),
                trainer_text(one.strongest),
                headline_text(one.clean),
                minus_clean_text(one),
                trainers_text(one),
                rank_text(one),
                MISSING if is_own or {name, one.method} & {*REFERENCES} else interval_text(over),
            )
        )
    return table_text((*head, f"{name} minus this method"), rows)


def _trainers(
    name: str,
    measured: Mapping[str, Measured],
    wanted: Mapping[Place, Trainer],
    bounds: Mapping[str, str],
    group: Group,
) -> str:
    """Return a line per trainer of the suite: the method's score there, next to clean and the lowest other method.

    As in the tables, a method that is not bounded by `rho_u` is never the lowest.
    """
    own, clean = measured.get(name, {}), measured.get(CLEAN.name, {})
    rows = []
    for at, trainer in wanted.items():
        there = [scores[at] for scores in measured.values() if at in scores]
        now = newest([one for one in there if one.method == name or one.method not in {*REFERENCES, *bounds}])
        others = [one for one in now if one.method != name]
        lowest = min(others, key=lambda one: one.mean or 0.0, default=None)
        score, reference = own.get(at), clean.get(at)
        reference = reference_of(score, reference) if score else reference
        over = group.pool.difference(paired(score, reference) if score and reference else [])
        rows.append(
            (
                trainer.title,
                trainer.kind,
                score_text(score, None) if score else MISSING,
                headline_text(reference),
                interval_text(over) if name != CLEAN.name else MISSING,
                f"{headline_text(lowest)} {lowest.method}" if lowest else MISSING,
            )
        )
    return table_text(("trainer", "kind", name, "clean", "minus clean", "lowest other method"), rows)


def _rank(name: str, standing: Mapping[str, Standing]) -> str:
    """Write the rank of the method, and how many seeds a decision takes if it has too few."""
    one = standing[name]
    others = sum(other.best_rank is not None for other in standing.values()) - 1
    if name in REFERENCES:
        return f"{name} is a reference and has no rank."
    if one.best_rank is None:
        return f"{name} has no rank: the records have nothing to compare it with."
    text = f"{name}: rank {rank_text(one)} of {others + 1}, {trainers_text(one)} trainers measured."
    if one.strongest.n < DECIDING:
        seeds = ",".join(map(str, range(DECIDING)))
        text += f" With fewer than {DECIDING} seeds no rank is decided; add --set 'seeds=[{seeds}]'."
    return text
