"""The numbers behind every plot: one row per cell, over its seeds."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from attacks.core.errors import RequestError
from bench.config.axes import FIELDS
from bench.records.metrics import RANKED
from bench.report.statistics import spread
from bench.report.summary import groups, in_table_order

DECIMALS = 4  # of every number in a plot and its CSV: beyond them machines may differ


def one_group(rows: pd.DataFrame) -> pd.DataFrame:
    """Return those of `load_records`' rows that count.

    Raises:
        RequestError: where they are of several datasets, protocols or precisions, which no plot may mix.
    """
    found = groups(rows)
    if len(found) > 1:
        names = ", ".join(group.name for group in found)
        raise RequestError(
            f"these records mix several groups ({names}); plot one at a time: "
            "for group in bench.report.summary.groups(records): ... group.rows"
        )
    return found[0].rows if found else rows


def over_seeds(rows: pd.DataFrame, by: Sequence[str] = FIELDS, value: str = RANKED) -> pd.DataFrame:
    """Return one row per combination of `by` in the order of tables: `status`, `n`, `mean`, `low` and `high`.

    `low` and `high` are the mean's 95% interval from five seeds on, else the lowest and the highest seed. Rows that are
    not ok enter no mean; where none is ok, `status` says why and the numbers are missing.
    """
    first = rows.groupby(list(by))["status"].first()
    values = rows[rows["status"] == "ok"].dropna(subset=[value]).groupby(list(by))[value].agg(list)
    found = []
    for key, status in zip(first.index.tolist(), first, strict=True):
        over = spread(values.get(key, []))
        found.append((*key, "ok" if over.n else status, over.n, over.mean, *over.reaches))
    return in_order(pd.DataFrame(found, columns=[*by, "status", "n", "mean", "low", "high"]), by)


def in_order(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return a table's rows sorted by `by`, methods in the order of tables, its numbers rounded."""
    order = {method: number for number, method in enumerate(in_table_order(table["method"]))}
    table = table.astype(dict.fromkeys({"mean", "low", "high"} & set(table), "float64")).round(DECIMALS)
    return table.sort_values(
        list(by), key=lambda column: column.map(order) if column.name == "method" else column, ignore_index=True
    )


def finished(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `over_seeds` that have a mean."""
    return table[table["n"] > 0].drop(columns="status").reset_index(drop=True)


def reach(line: pd.DataFrame) -> Any:
    """Return how far the intervals of a table's rows reach down and up, (2, rows); nan where there is none."""
    return [(line["mean"] - line["low"]).to_numpy(), (line["high"] - line["mean"]).to_numpy()]
