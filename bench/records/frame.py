"""Records as tidy pandas frames."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from sys import intern
from typing import Any, Protocol

import pandas as pd

from bench.config.axes import AXES, AXIS, FIELDS, place
from bench.config.cells import VERSIONED
from bench.config.models import digest_of
from bench.records.breaks import load_breaks
from bench.records.kept import FileState, Kept, state_of
from bench.records.metrics import OF_NOISES, OF_VICTIMS, Metric, columns
from bench.records.older import latest, mark_older, newest_of_cells
from bench.records.schema import Cost, Metrics, NoiseMetrics, NoiseRecord, VictimRecord
from bench.records.store import Store, records_folder
from bench.records.trust import TIERS, load_trust

RecordRow = dict[str, Any]

# Every column and its type; text is `object`, so that a missing text is None in every version of pandas.
_COLUMNS: Mapping[str, str] = {
    **{axis.field: axis.dtype for axis in AXES},
    "protocol": "object",
    "status": "object",
    "error": "object",
    **columns(OF_VICTIMS),
    "preparation_seconds": "float64",
    "preparation_passes": "float64",
    "train_seconds": "float64",
    "train_passes": "float64",
    "evaluation_seconds": "float64",
    "generation_status": "object",
    "generation_seconds": "float64",
    "generation_passes": "float64",
    "generation_forward": "float64",
    "generation_device": "object",
    "generation_peak_memory": "float64",
    "noise_bound": "object",
    "noise_bounded": "boolean",
    **columns(OF_NOISES),
    "device": "object",
    "precision": "object",
    "commit": "object",
    "noise_digest": "object",
    "dataset_digest": "object",
    **{one.column: "object" for one in VERSIONED},
    "numbers": "object",
    "older": "boolean",
    "finished": "object",
    "key": "object",
    "trust": "object",
    "adaptive": "boolean",
}
_CELL = (*AXIS, "protocol")
_CURVE_COLUMNS: Mapping[str, str] = {
    **{name: _COLUMNS[name] for name in ("key", *_CELL)},
    "precision": "object",
    "status": "object",
    "step": "int64",
    "accuracy": "float64",
    "loss": "float64",
}
_ORDER = ["dataset", "protocol", *FIELDS, "seed", "key"]


class Reader(Protocol):
    """Collects more from each victim's record than its row."""

    def take(self, victim: VictimRecord) -> RecordRow:
        """Return what is needed from a record, as JSON data that depends on the record alone."""

    def note(self, name: str, taken: RecordRow) -> None:
        """Receive what was taken, now or earlier, from the record whose file has this name below the folder."""


def load_records(
    results: Path | str = "results",
    reader: Reader | None = None,
    cache: Path | None = None,
    *,
    superseded: bool = False,
) -> pd.DataFrame:
    """Return one row per victim record, with the cost and size of the noise that it was trained on.

    Of a cell, only the records of its newest version that has a result are returned, and failures since; of these, one
    per seed: the last that did not fail, if there is one. So no mean over seeds mixes results from before and after a
    correction. Seconds are missing if the work was resumed in another place.

    Accuracies are in percent, seconds and bytes as their names say, passes in image-passes (a forward and a
    backward; `generation_forward` counts images that only went forward), radii and noise sizes in 1/255, shares in
    percent of the training images. The columns about the noise and its generation are missing if the noise's record
    is, those about preparation if the countermeasure prepares nothing; early records count a filter's preparation
    as training. `device` and `generation_device` also tell apart CPUs of one name and numbers of threads.
    `numbers` is a digest of the protocol's numbers with which the victim and its noise were made.
    `older` marks records whose method, engine, training or countermeasure has a newer version now or, as with the
    network, in another record, or whose numbers are not those of the latest record of their cell. `trust` is the tier
    of the victim's record.
    `adaptive` marks trainers that `breaks.toml` declares to be designed against the method.

    Args:
        results: a folder of records; an empty one gives an empty frame with the same columns.
        reader: collects more from each victim's record than its row.
        cache: the cache folder, so that only changed files are read again; None: all are read.
        superseded: keep all records, also those of older versions and those replaced by others of the same seed.

    Raises:
        RequestError: if there is no such folder, or its `trust.toml` or `breaks.toml` cannot be read.
    """
    folder = records_folder(Path(results))
    store, trust, breaks = Store(folder), load_trust(folder), load_breaks(folder)
    kept = Kept(folder, type(reader).__qualname__, cache)
    rows = []
    for name, row, taken in _taken(store, kept, reader):
        row["trust"] = trust.tier(folder, name) if trust.attested else TIERS[0]
        row["adaptive"] = place(**{field: row[field] for field in FIELDS}) in breaks
        rows.append(row)
        if reader:
            reader.note(name, taken)
    kept.save()
    mark_older(rows)
    frame = _frame(rows, _COLUMNS, _ORDER)
    return frame if superseded else latest(newest_of_cells(frame))


def _taken(store: Store, kept: Kept, reader: Reader | None) -> Iterator[tuple[str, RecordRow, RecordRow]]:
    """Yield the name of every victim's file below the folder, its row, and what a reader takes from it."""
    noises: dict[str, tuple[Path, FileState | None]] = {}
    opened: dict[str, NoiseRecord] = {}
    for path in store.files():
        name, state = path.relative_to(store.root).as_posix(), state_of(path)
        known = kept.get(name, state)
        if known and "row" not in known:
            noises[known["noise"]] = path, state
            opened.pop(known["noise"], None)  # its record of an older schema, in another file
            continue
        if known and _is_of(known["with"], noises.get(known["noise"])):
            yield name, {column: _shared(value) for column, value in known["row"].items()}, known["taken"]
            continue
        record = store.readable(path)
        if record is None:
            continue
        if isinstance(record, NoiseRecord):
            noises[record.cell.key], opened[record.cell.key] = (path, state), record
            value: RecordRow = {"noise": record.cell.key}
        else:
            key = record.cell.inputs.get("noise", "")
            if key in noises and key not in opened:
                noise = store.readable(noises[key][0])
                opened |= {key: noise} if isinstance(noise, NoiseRecord) else {}
            row, taken = _victim_row(record, _noise_of(record, opened)), reader.take(record) if reader else {}
            yield name, dict(row), taken
            made_of = noises[key][1] if key in noises else None
            value = {"noise": key, "with": made_of, "row": row, "taken": taken}
            if key in noises and not (made_of and key in opened):
                continue  # its noise has just changed, or could not be read this time
        if path == store.path(record.cell):  # upgrading an older schema takes more than the file itself
            kept.put(name, state, value)


def _is_of(made_of: FileState | None, noise: tuple[Path, FileState | None] | None) -> bool:
    """Return whether a row made with a noise's file in that state, or without a noise, is still valid."""
    return made_of is None if noise is None else made_of is not None and made_of == noise[1]


def _shared(value: Any) -> Any:
    """Return a value; equal texts share memory, since many rows have them."""
    return intern(value) if isinstance(value, str) else value


class Curves:
    """A reader that takes the curve of every victim's record."""

    def __init__(self) -> None:
        self._rows: list[RecordRow] = []

    def take(self, victim: VictimRecord) -> RecordRow:
        """Return a record's curve."""
        at = {**_cell_columns(victim), "precision": victim.precision, "status": victim.status}
        return {"rows": [at | point.model_dump() for point in victim.curve]}

    def note(self, name: str, taken: RecordRow) -> None:
        """Add a curve."""
        del name
        self._rows += taken["rows"]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per evaluation: its cell, the step, accuracy in percent and loss."""
        return _frame(self._rows, _CURVE_COLUMNS, [*_ORDER, "step"])


def load_curves(results: Path | str = "results") -> pd.DataFrame:
    """Return one row per evaluation of every victim record: its cell, the step, accuracy in percent and loss.

    Raises:
        RequestError: as `load_records` does.
    """
    curves = Curves()
    load_records(results, curves)
    return curves.frame


def _noise_of(victim: VictimRecord, noises: Mapping[str, NoiseRecord]) -> NoiseRecord | None:
    """Return the record of the noise that `victim` was trained on, if it is there.

    The victim's inputs name the noise's key. If both records state the noise's digest, the digests must agree: a noise
    regenerated on another machine may have other bytes.
    """
    noise = noises.get(victim.cell.inputs.get("noise", ""))
    if noise is None or len({noise.digests.get("noise"), victim.digests.get("noise")} - {None}) > 1:
        return None
    return noise


def _victim_row(victim: VictimRecord, noise: NoiseRecord | None) -> RecordRow:
    """Build one row of `load_records`."""
    row = {
        **_cell_columns(victim),
        "status": victim.status,
        "error": victim.error,
        **_metric_columns(OF_VICTIMS, victim.metrics),
        **_cost_columns("preparation", victim.costs.get("preparation")),
        **_cost_columns("train", victim.costs.get("training")),
        "evaluation_seconds": victim.costs["evaluation"].seconds if "evaluation" in victim.costs else None,
        "device": victim.environment.hardware,
        "precision": victim.precision,
        "commit": victim.environment.commit,
        "noise_digest": victim.digests.get("noise"),
        "dataset_digest": victim.digests.get("dataset"),
        "finished": victim.finished,
        **{one.column: _version(victim.cell.inputs.get(one.input), one.implied) for one in VERSIONED},
        "numbers": intern(digest_of([noise.cell.numbers if noise else None, victim.cell.numbers])),
    }
    if noise is not None:
        row["dataset_digest"] = row["dataset_digest"] or noise.digests.get("dataset")
        row |= _cost_columns("generation", noise.costs.get("generation"))
        if "generation" in noise.costs:
            row["generation_forward"] = noise.costs["generation"].passes.forward
        row |= {"generation_device": noise.environment.hardware, "generation_peak_memory": noise.peak_memory}
        row |= {"generation_status": noise.status, "noise_bound": noise.bound, "noise_bounded": noise.bounded}
        row |= _metric_columns(OF_NOISES, noise.metrics)
        if noise.environment.resumed_from:
            row["generation_seconds"] = None
    if victim.environment.resumed_from:
        row |= dict.fromkeys(("train_seconds", "evaluation_seconds"))
    return row


def _metric_columns(metrics: Iterable[Metric[Any]], found: Metrics | NoiseMetrics | None) -> RecordRow:
    """Return the columns of metrics; empty where nothing was measured."""
    return {metric.column: getattr(found, metric.name) for metric in metrics if metric.column} if found else {}


def _version(identity: str | None, implied: str | None) -> str | None:
    """Return the version in an identity such as `em-fu22/1`; an engine's identity has no name."""
    return implied if identity is None else intern(identity.rpartition("/")[2])


def _cell_columns(victim: VictimRecord) -> RecordRow:
    """Return the columns that name a cell."""
    return {**{name: getattr(victim.cell, name) for name in _CELL}, "key": victim.cell.key}


def _cost_columns(phase: str, cost: Cost | None) -> RecordRow:
    """Return the seconds and image-passes of one phase; images that only went forward are not image-passes."""
    if cost is None:
        return {}
    return {f"{phase}_seconds": cost.seconds, f"{phase}_passes": cost.passes.full}


def _frame(rows: Iterable[RecordRow], columns: Mapping[str, str], order: list[str]) -> pd.DataFrame:
    """Build a frame with exactly `columns`, in an order that does not depend on how files were found."""
    rows = list(rows)
    data = {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in columns.items()}
    return pd.DataFrame(data).sort_values(order, kind="stable", ignore_index=True)
