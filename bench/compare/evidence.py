"""The records that comparisons are based on: the published ones, and those of the user's own folder."""

from pathlib import Path

import pandas as pd

from attacks.core.errors import RequestError
from bench.config.models import Cell
from bench.records.frame import load_records
from bench.records.older import mark_older
from bench.records.store import Store
from bench.report.summary import Group, groups
from bench.run.job import Job


class Evidence:
    """The records of several folders, each cell counted once.

    Args:
        folders: folders of records; missing ones are left out.
    """

    def __init__(self, *folders: Path | None) -> None:
        self._all = [folder for folder in dict.fromkeys(folders) if folder is not None]

    @property
    def _folders(self) -> list[Path]:
        return [folder for folder in self._all if folder.is_dir()]

    def frame(self) -> pd.DataFrame:
        """Return the rows of all folders, as from `load_records`; of a cell, one that did not fail if there is any."""
        frames = [frame for folder in self._folders if not (frame := load_records(folder, superseded=True)).empty]
        if not frames:
            return pd.DataFrame()
        rows = pd.concat(frames, ignore_index=True)
        rows = rows.sort_values("status", key=lambda status: status != "failed", kind="stable")
        rows = rows.drop_duplicates("key", keep="last", ignore_index=True)
        joined = rows.to_dict("records")
        mark_older(joined)  # each folder was marked alone
        return rows.assign(older=pd.array([row["older"] for row in joined], dtype="boolean"))

    def groups(self, dataset: str, protocol: str) -> list[Group]:
        """Return the groups of results on a dataset at a protocol, both given by their names in records."""
        frame = self.frame()
        if frame.empty:
            return []
        return groups(frame[(frame["dataset"] == dataset) & (frame["protocol"] == protocol)])

    def group_of(self, job: Job) -> Group | None:
        """Return the first group that has results of a job's method, or else the first group at all."""
        found = self.groups(job.cell.dataset, job.cell.protocol)
        own = [group for group in found if job.cell.method in set(group.rows["method"])]
        return next(iter([*own, *found]), None)

    def has(self, cell: Cell, *, apart: Path) -> bool:
        """Return whether a folder other than `apart` has a record, not a failed one, of a cell."""
        others = [Store(folder) for folder in self._folders if folder != apart]
        return any((record := store.read(cell)) is not None and record.status != "failed" for store in others)

    def refuse_namesake(self, method: str, version: str, dataset: str) -> None:
        """Refuse a noise file that has the same name as a different noise for this dataset in the records.

        Raises:
            RequestError: if it does.
        """
        frame = self.frame()
        rows = frame if frame.empty else frame[(frame["method"] == method) & (frame["dataset"] == dataset)]
        if not rows.empty and set(rows["method_version"].dropna()) - {version}:
            raise RequestError(
                f"the records have another noise called {method!r}; import yours under another name: "
                "python -m bench noise import FILE OUT --name NAME --dataset DATASET"
            )
