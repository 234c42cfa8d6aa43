"""The numbers behind every plot: one row per cell over its seeds, or one per seed; and the marks of methods."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from attacks.core.errors import RequestError
from attacks.methods.clean import CLEAN
from bench.records.metrics import RANKED
from bench.records.older import NOISE_VERSIONS, VERSIONS
from bench.report.generations import generations
from bench.report.statistics import seed_statistics
from bench.report.summary import Group, comparable, groups, in_table_order, scores, usual_but
from bench.report.text import EXHAUSTED, OLDER, UNBOUNDED

DECIMALS = 4  # of every number in a plot and its CSV; beyond them machines may differ
COUNTS = "in brackets: number of seeds n"
MEANINGS = {
    UNBOUNDED: "not bounded by rho_u",
    EXHAUSTED: "stopped by the step budget",
    OLDER: "older version",
}


class NothingToPlotError(RequestError):
    """The records lack what a plot needs; the message says what."""


def check_shown(table: pd.DataFrame, reason: str) -> None:
    """Refuse an empty plot.

    Raises:
        NothingToPlotError: where `table` is empty; `reason` says why.
    """
    if table.empty:
        raise NothingToPlotError(f"nothing to plot: {reason}; `python -m bench status` shows what is done")


def only_group(rows: pd.DataFrame) -> Group:
    """Return the one group of results that rows of `load_records` belong to.

    Raises:
        RequestError: where there are none, or they mix several datasets, protocols or precisions.
    """
    found = groups(rows)
    if len(found) > 1:
        names = ", ".join(group.name for group in found)
        raise RequestError(
            f"these records mix several groups ({names}); plot one at a time: "
            "for group in bench.report.summary.groups(records): ... group.rows"
        )
    check_shown(rows if found else rows.iloc[:0], "there are no records")
    return found[0]


def one_group(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `load_records` that count; raises as `only_group` does."""
    return only_group(rows).rows


def over_seeds(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return one row per combination of `by` in the order of tables: `status`, `n`, `mean`, `low` and `high`.

    `low` and `high` are the mean's 95% interval from five seeds on, else the lowest and the highest seed. Only rows
    with status ok enter the mean; if there are none, `status` says why and the numbers are missing.
    """
    first = rows.groupby(list(by))["status"].first()
    values = rows[rows["status"] == "ok"].dropna(subset=[RANKED]).groupby(list(by))[RANKED].agg(list)
    found = []
    for key, status in zip(first.index.tolist(), first, strict=True):
        over = seed_statistics(values.get(key, []))
        found.append((*key, "ok" if over.n else status, over.n, over.mean, *over.reaches))
    return in_order(pd.DataFrame(found, columns=[*by, "status", "n", "mean", "low", "high"]), by)


def per_seed(rows: pd.DataFrame, by: Sequence[str], value: str = RANKED) -> pd.DataFrame:
    """Return the accuracy of every seed with status ok, in the order of tables: `by`, `seed` and `accuracy`."""
    done = rows[rows["status"] == "ok"].dropna(subset=[value])
    columns = [*by, "seed"]
    return in_order(done[[*columns, value]].rename(columns={value: "accuracy"}), columns)


def with_versions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with a column `versions`: those of method, engine, network, training and countermeasure, as text."""
    columns = (rows[name] for name in (*NOISE_VERSIONS, *VERSIONS))
    texts = ["/".join(version or "-" for version in row) for row in zip(*columns, strict=True)]
    return rows.assign(versions=pd.Series(texts, index=rows.index, dtype="object"))


def in_order(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return a table's rows sorted by `by`, methods in the order of tables, its numbers rounded."""
    order = {method: number for number, method in enumerate(in_table_order(table["method"]))}
    numbers = {"mean", "low", "high", "accuracy", "cost", "clean"} & set(table)
    table = table.astype(dict.fromkeys(numbers, "float64")).round(DECIMALS)
    return table.sort_values(
        list(by), key=lambda column: column.map(order) if column.name == "method" else column, ignore_index=True
    )


def finished(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `over_seeds` that have a mean."""
    return table[table["n"] > 0].drop(columns="status").reset_index(drop=True)


def rows_of(table: pd.DataFrame) -> list[Any]:
    """Return a table's rows, each with its columns as attributes."""
    return list(table.itertuples(index=False))


def marks_of(rows: pd.DataFrame, *fields: str, **at: object) -> dict[str, str]:
    """Return the marks that tables put after the names of methods in one group's rows, by method; most have none.

    Args:
        rows: all rows of the group.
        fields, at: which rows the plot shows, so that older ones are marked: those with the usual value of every axis
            that has one, except the axes in `fields` (`usual_but`), and with the values in `at`.
    """
    made = {one.method: one for one in generations(rows)}
    shown = usual_but(rows, *fields)
    for field, value in at.items():
        shown = shown[shown[field] == value]
    older = set(shown.loc[shown["older"].fillna(value=False).astype(bool), "method"])
    found = {}
    for method in in_table_order(rows["method"]):
        one = made.get(method)
        marks = (UNBOUNDED if one and one.bound else "", EXHAUSTED if one and one.exhausted else "")
        found[method] = "".join(marks) + (OLDER if method in older else "")
    return found


def like_clean(rows: pd.DataFrame, *fields: str, **at: object) -> set[str]:
    """Return the methods in one group's rows that a plot may show beside the clean reference (`methods_like`).

    Args:
        rows: all rows of the group.
        fields, at: which rows the plot shows, as in `marks_of`. The reference has the values in `at`, and otherwise
            the usual ones.
    """
    for field, value in at.items():
        rows = rows[rows[field] == value]
    return methods_like(usual_but(rows, *fields), usual_but(rows[rows["method"] == CLEAN.name], *at))


def methods_like(rows: pd.DataFrame, beside: pd.DataFrame) -> set[str]:
    """Return the methods whose scores in `rows` are all of the same versions as those in `beside` (`comparable`)."""
    shown, references = scores(rows), scores(beside)
    unlike = {score.method for score in shown if not all(comparable(score, one) for one in references)}
    return {score.method for score in shown} - unlike


def meanings(marks: Mapping[str, str], methods: Iterable[str]) -> str:
    """Explain the marks of the methods shown, e.g. `† not bounded by rho_u`; empty without any."""
    used = {mark for method in methods for mark in marks.get(method, "")}
    return "; ".join(f"{mark} {meaning}" for mark, meaning in MEANINGS.items() if mark in used)


def counts_text(counts: Iterable[int]) -> str:
    """Format the number of seeds, e.g. `(5)` or `(2-5)`; `COUNTS` explains the brackets."""
    known = sorted(set(counts))
    return f"({known[0]})" if len(known) == 1 else f"({known[0]}\N{EN DASH}{known[-1]})"
