"""What it cost to generate each method's noise."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from bench.records.older import NOISE_VERSIONS, noise_recency
from bench.report.statistics import known_values, mean_of
from bench.report.summary import table_rank

_NOISE = [
    "generation_status",
    "generation_device",
    "generation_seconds",
    "generation_passes",
    "generation_forward",
    "generation_peak_memory",
    "noise_bound",
    "noise_bounded",
]


@dataclass(frozen=True, kw_only=True)
class Generation:
    """What it cost to generate a method's noise, over its seeds.

    Attributes:
        seconds: mean per device, sorted by device.
        memory: the highest peak in bytes per device, in the same order; None if it is unknown.
        passes: mean image-passes, forward and backward, the same on every device; None if they are unknown.
        forward: mean number of images that only went forward, which are not image-passes; None likewise.
        exhausted: how many noises were stopped by their budget before their own stopping rule fired.
        bound: what bounds the noise, in words, if that is not `rho_u`; otherwise empty.
    """

    method: str
    seconds: Mapping[str, float]
    memory: Mapping[str, float | None]
    passes: float | None
    forward: float | None = None
    exhausted: int = 0
    bound: str = ""


def generations(rows: pd.DataFrame) -> list[Generation]:
    """Return the cost of generation for each method in one group's rows, in the order of tables."""
    found = [_generation(str(method), part) for method, part in newest_noises(rows).groupby("method")]
    return sorted(found, key=lambda generation: table_rank(generation.method))


def newest_noises(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row per noise in one group's rows: its method, its seed and what it cost.

    A noise counts once, however many victims were trained on it; only those of its method's newest version count.
    """
    return of_newest_version(rows)[["method", "seed", *_NOISE]].drop_duplicates()


def of_newest_version(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows whose noise is of the newest version of its method that has a result, or of the newest if none."""
    versions = [noise_recency(row) for row in rows[[*NOISE_VERSIONS]].to_dict("records")]
    newest: dict[str, tuple[bool, tuple[int, ...]]] = {}
    for method, status, version in zip(rows["method"], rows["status"], versions, strict=True):
        found = status == "ok", version
        newest[method] = max(newest.get(method, found), found)
    kept = [version == newest[method][1] for method, version in zip(rows["method"], versions, strict=True)]
    return rows[pd.Series(kept, index=rows.index, dtype="bool")]


def _generation(method: str, noises: pd.DataFrame) -> Generation:
    by_device = {
        str(device): part for device, part in noises.dropna(subset=["generation_seconds"]).groupby("generation_device")
    }
    unbounded = noises[~noises["noise_bounded"].fillna(value=True)]
    return Generation(
        method=method,
        seconds={device: fmean(part["generation_seconds"]) for device, part in by_device.items()},
        memory={
            device: max(known_values(part.to_dict("records"), "generation_peak_memory"), default=None)
            for device, part in by_device.items()
        },
        passes=mean_of(known_values(noises.to_dict("records"), "generation_passes")),
        forward=mean_of(known_values(noises.to_dict("records"), "generation_forward")),
        exhausted=int((noises["generation_status"] == "budget_exhausted").sum()),
        bound="; ".join(sorted({bound or "not stated" for bound in unbounded["noise_bound"]})),
    )
