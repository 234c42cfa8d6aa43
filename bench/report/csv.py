"""The leaderboard as CSV: one line per dataset, protocol, precision, method, victim and radius."""

import csv
import io

import pandas as pd

from bench.report.summary import Generation, Group, Score, generations, groups, scores

_HEAD = (
    "dataset",
    "dataset_digest",
    "protocol",
    "precision",
    "method",
    "victim",
    "rho_a",
    "n",
    "mean",
    "sd",
    "last_mean",
    "peak",
    "robust",
    "generation_seconds",
    "generation_device",
    "generation_passes",
    "failed",
    "budget_exhausted",
)


def csv_text(frame: pd.DataFrame) -> str:
    """Return the leaderboard of `load_records`' frame in long form.

    Accuracies are in percent, over the `n` records with status ok. Where a method's noises were made on several
    devices, seconds and devices are lists in one order, separated by `;`. A number that is not known is empty.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_HEAD)
    for group in groups(frame):
        costs = {generation.method: generation for generation in generations(group.rows)}
        writer.writerows(_line(group, score, costs[score.method]) for score in scores(group.rows))
    return out.getvalue()


def _line(group: Group, score: Score, generation: Generation) -> list[str]:
    """Return the fields of one line."""
    numbers = (score.mean, score.sd, score.last_mean, score.peak, score.robust)
    fields = [group.dataset, group.digest or "", group.protocol, group.precision, score.method, score.victim]
    return [
        *(_inert(field) for field in fields),
        f"{score.rho_a:g}",
        str(score.n),
        *(_number(number, 4) for number in numbers),
        ";".join(_number(value, 3) for value in generation.seconds.values()),
        _inert(";".join(generation.seconds)),
        _number(generation.passes, 0),
        *(str(count) for count in (score.failed, score.exhausted)),
    ]


def _number(value: float | None, digits: int) -> str:
    """Write a number, or nothing where it is not known."""
    return "" if value is None else f"{value:.{digits}f}"


def _inert(text: str) -> str:
    """Keep a spreadsheet from taking text for a formula: records may come from others."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
