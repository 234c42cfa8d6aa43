"""Whether cells that were rerun, by others or elsewhere, agree with the published ones."""

from typing import Any

import pandas as pd

from bench.records.metrics import RANKED
from bench.records.older import CELL, NOISE_VERSIONS, VERSIONS
from bench.report.statistics import LEVEL, prediction
from bench.report.summary import groups

ERROR = 1 - LEVEL
"""How often reruns that differ only by chance are judged to disagree, over all their cells."""
_CELL = (*CELL, *NOISE_VERSIONS, *VERSIONS)


def compare(published: pd.DataFrame, rerun: pd.DataFrame) -> pd.DataFrame:
    """Return a row per cell that both have: whether the mean of its new seeds agrees with the published seeds.

    Cells of other versions of the method, its engine, the network, the training recipe or the countermeasure are left
    out, since a correction may change what is measured; an empty table means that nothing could be compared, not that
    it agrees.

    A mean agrees if it lies in the published seeds' prediction interval for the mean of that many further seeds. The
    reruns as a whole agree if all their cells do. The intervals are so wide that at most one in twenty honest reruns
    (`ERROR`) has a cell outside, however many cells there are (Bonferroni), provided that seeds scatter normally. Seeds
    that both have count as new ones, which errs on the side of agreement.

    Args:
        published, rerun: rows of `load_records`.

    Returns:
        Columns `CELL`, those of versions, `published_n`, `published_mean`, `rerun_n`, `rerun_mean`, `low`, `high` and
        `agrees`; the last is None below three published seeds, too few for a prediction.
    """
    old, new = _accuracies(published), _accuracies(rerun)
    both = [cell for cell in new if cell in old]
    judged = sum(len(old[cell]) >= 3 for cell in both)
    rows = []
    for cell in both:
        mean = sum(new[cell]) / len(new[cell])
        bounds = prediction(old[cell], len(new[cell]), ERROR / max(judged, 1))
        low, high = bounds or (None, None)
        agrees = None if bounds is None else bounds[0] <= mean <= bounds[1]
        rows.append((*cell, len(old[cell]), sum(old[cell]) / len(old[cell]), len(new[cell]), mean, low, high, agrees))
    names = ["published_n", "published_mean", "rerun_n", "rerun_mean", "low", "high", "agrees"]
    return pd.DataFrame(rows, columns=[*_CELL, *names]).astype({"agrees": "object"})


def _accuracies(rows: pd.DataFrame) -> dict[tuple[Any, ...], list[float]]:
    """Return the accuracies of each cell, from the newest record of each seed."""
    kept = pd.concat([group.rows for group in groups(rows)]) if len(rows) else rows
    done = kept[kept["status"] == "ok"].dropna(subset=[RANKED])
    found: dict[tuple[Any, ...], list[float]] = {}
    for *cell, accuracy in zip(*(done[name] for name in (*_CELL, RANKED)), strict=True):
        found.setdefault(tuple(cell), []).append(float(accuracy))
    return found
