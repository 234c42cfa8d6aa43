"""A profile as a printed table, as rows and as JSON."""

import dataclasses
import json
import math

import pandas as pd

from attacks.core.errors import several
from bench.profile.measure import Measurement, Profile
from bench.profile.phases import PHASES, REPORTING
from bench.profile.whole import GridProfile, Spent
from bench.records.schema import Environment
from bench.run.describe import table_text
from bench.run.progress import duration

_HEAD = (
    "precision",
    "work",
    "images",
    "n",
    "image-passes/s",
    "IQR %",
    "GFLOP/s",
    "FLOP/byte",
    "% of peak",
    "IQR of that",
    "% in network",
)


_PHASES = ("phase", "time", "share %", "image-passes/s", "% of bare network")
_KINDS = ("cells", "number", "steps measured", "time each", "share %", "% in network")


def text(found: Profile, environment: Environment) -> str:
    """Return the table, below a heading that says what was measured and where."""
    subject = found.subject
    ceilings = ", ".join(
        f"{precision} {limit.flops / 1e9:.0f} GFLOP/s and {limit.bandwidth / 1e9:.1f} GB/s"
        for precision, limit in found.limits.items()
    )
    where = f"{environment.model}, {several(environment.threads, 'thread')}, torch {environment.versions['torch']}"
    return "\n".join(
        [
            f"{subject.victim} at {subject.side} pixels on {where}",
            f"highest peak seen in this run (matrix products, memory copies): {ceilings}",
            table_text(_HEAD, map(_cells, found.measures)),
            "% of peak: each round against the peak measured just before it, the median round",
            f"gradient signs equal in fp32 and bf16: {found.sign_agreement:.2f}% of entries (untrained network)",
        ]
    )


def table(found: Profile) -> pd.DataFrame:
    """Return one row per measurement."""
    return pd.DataFrame([dataclasses.asdict(measure) for measure in found.measures])


def profile_json(found: Profile, environment: Environment) -> str:
    """Return a whole profile as JSON, with the numbers that the network and the method used."""
    subject = found.subject
    data = {
        "victim": subject.victim,
        "method": subject.method,
        "side": subject.side,
        "setup": subject.setup.model_dump(mode="json"),
        "environment": environment.model_dump(mode="json"),
        "limits": {precision: dataclasses.asdict(limit) for precision, limit in found.limits.items()},
        "sign_agreement": found.sign_agreement,
        "measures": [_plain(measure) for measure in found.measures],
    }
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def grid_text(found: GridProfile, environment: Environment) -> str:
    """Return the tables of phases and of kinds of cells, and how they were measured."""
    every = found.all.seconds
    around = [phase for phase in (*PHASES, REPORTING) if phase.around and phase in found.phases]
    share = Spent.of_all(found.phases[phase] for phase in around)
    phases = [(phase.title, found.phases[phase]) for phase in (*PHASES, REPORTING) if phase in found.phases]
    kinds = [
        (
            kind.title,
            str(kind.count),
            str(kind.steps or "-"),
            duration(kind.spent.seconds / kind.count),
            f"{100 * kind.spent.seconds / every:.1f}",
            f"{100 * kind.spent.bare / kind.spent.seconds:.0f}",
        )
        for kind in found.kinds
        if kind.spent.seconds
    ]
    where = f"{environment.model}, {several(environment.threads, 'thread')}"
    lines = [
        f"{found.grid} at {found.protocol} on {where}: about {duration(every)} in one worker",
        table_text(_PHASES, [_phase_cells(title, spent, every) for title, spent in phases]),
        f"{', '.join(phase.title for phase in around)}: {100 * share.seconds / every:.1f}%",
        "",
        table_text(_KINDS, kinds),
        "extrapolated from the measured steps of one cell of each kind, scaled by the plan's counts",
        "noise without a network is counted as `random`; reporting: one leaderboard of the published records;",
        "checkpoints: one per minute",
        "% of bare network: the share of a phase's time that the bare network needs for the same passes",
    ]
    if found.unmeasured:
        lines.append(f"left out, because their steps differ or only go forward: {', '.join(found.unmeasured)}")
    return "\n".join(lines)


def _phase_cells(title: str, spent: Spent, every: float) -> tuple[str, ...]:
    share = f"{100 * spent.seconds / every:.1f}"
    if not spent.passes or not spent.seconds:
        return (title, duration(spent.seconds), share, "", "")
    rate, of_bare = spent.passes / spent.seconds, 100 * spent.bare / spent.seconds
    return (title, duration(spent.seconds), share, f"{rate:,.1f}", f"{of_bare:.0f}")


def _cells(measure: Measurement) -> tuple[str, ...]:
    """Return one line of the table."""
    return (
        measure.precision,
        measure.work,
        str(measure.images),
        str(measure.rounds),
        f"{measure.passes_per_second:,.1f}",
        "" if math.isnan(measure.spread) else f"{measure.spread:.1f}",
        f"{measure.flops_per_second / 1e9:,.1f}",
        f"{measure.intensity:.1f}",
        f"{measure.of_limit:.0f}",
        "" if math.isnan(measure.of_limit_spread) else f"{measure.of_limit_spread:.0f}",
        f"{measure.in_network:.0f}",
    )


def _plain(measure: Measurement) -> dict[str, object]:
    """Return a measurement as JSON data, with nan as null."""
    values = dataclasses.asdict(measure)
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}
