"""A profile as a printed table, as rows and as JSON."""

import dataclasses
import json
import math

import pandas as pd

from bench.profile.measure import Measure, Profile
from bench.records.schema import Environment
from bench.run.describe import table_text

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


def text(found: Profile, environment: Environment) -> str:
    """Return the table, under what was measured where."""
    subject = found.subject
    ceilings = ", ".join(
        f"{precision} {limit.flops / 1e9:.0f} GFLOP/s and {limit.bandwidth / 1e9:.1f} GB/s"
        for precision, limit in found.limits.items()
    )
    where = f"{environment.device}, {environment.threads} thread(s), torch {environment.versions['torch']}"
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
    """Return the measures, a row each."""
    return pd.DataFrame([dataclasses.asdict(measure) for measure in found.measures])


def profile_json(found: Profile, environment: Environment) -> str:
    """Return all of a profile, with the numbers that the network and the method worked with, as JSON."""
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


def _cells(measure: Measure) -> tuple[str, ...]:
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


def _plain(measure: Measure) -> dict[str, object]:
    """Return a measure as JSON can hold it: no spread is null."""
    values = dataclasses.asdict(measure)
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}
