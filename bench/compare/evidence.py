"""The records that comparisons are based on: the published ones, and those of the user's own folder."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from attacks.core.errors import RequestError
from bench.config.models import Cell, NoiseCell, Protocol
from bench.records.frame import load_records
from bench.records.older import mark_older
from bench.records.schema import Record
from bench.records.store import Store
from bench.report.summary import Group, groups
from bench.run.job import Job
from bench.run.todo import Todo


class Evidence:
    """The records of several folders, each cell counted once.

    Args:
        folders: folders of records; missing ones are left out.
    """

    def __init__(self, *folders: Path | None) -> None:
        self._stores = {folder: Store(folder) for folder in folders if folder is not None}

    @property
    def _folders(self) -> list[Path]:
        return [folder for folder in self._stores if folder.is_dir()]

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

    def groups(self, dataset: str, protocol: str, *, older: bool = True) -> list[Group]:
        """Return the groups of results on a dataset at a protocol, both given by their names in records.

        Args:
            dataset, protocol: the names.
            older: whether records of older versions count where there are no newer ones.
        """
        frame = self.frame()
        if frame.empty:
            return []
        rows = frame[(frame["dataset"] == dataset) & (frame["protocol"] == protocol)]
        return groups(rows if older else rows[~rows["older"]])

    def group_of(self, job: Job) -> Group | None:
        """Return the first group that has results of a job's method, or else the first group at all."""
        found = self.groups(job.cell.dataset, job.cell.protocol)
        own = [group for group in found if job.cell.method in set(group.rows["method"])]
        return next(iter([*own, *found]), None)

    def record(self, cell: Cell, *, apart: Path) -> Record | None:
        """Return the record, not a failed one, that a folder other than `apart` has of a cell, if there is one."""
        others = (store.read(cell) for folder, store in self._stores.items() if folder != apart)
        return next((record for record in others if record and record.status != "failed"), None)

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


class SharedNoises(Store):
    """The user's own records, beside which published noises count as recorded.

    New victims are compared with published ones of the same seed, so they must share their noise: a published noise
    that is not in the cache is regenerated, and refused if it differs.

    Args:
        root: the user's own folder.
        protocols: as for `Store`.
        evidence: the published records.
    """

    def __init__(self, root: Path, protocols: tuple[Protocol, ...], evidence: Evidence) -> None:
        super().__init__(root, protocols)
        self._own, self._evidence = Store(root, protocols), evidence

    def read(self, cell: Cell) -> Record | None:
        """Return the record of `cell`: the user's own or, if that failed or is lacking, a noise's published one."""
        own = self._own.read(cell)
        return self._published(cell) or own if own is None or own.status == "failed" else own

    def write(self, record: Record) -> Record:
        """Write `record` to the user's own folder, whatever is published; as for `Store`."""
        return self._own.write(record)

    def differs(self, noise: NoiseCell) -> bool:
        """Return whether the user's own noise is not the one published for its seed."""
        own, published = self._own.read(noise), self._published(noise)
        return bool(own and published and own.digests.get("noise", "") not in {"", published.digests["noise"]})

    def adopt(self, todo: Todo) -> None:
        """Copy the published records of the noises that missing victims need, for a run to check against."""
        for job in todo.along:
            self.write(todo.records[job.cell.key])

    def check(self, noises: Iterable[NoiseCell]) -> None:
        """Check that no noise `differs`: its victims, also those already there, would count beside published ones.

        Raises:
            RequestError: if one does.
        """
        for noise in noises:
            if self.differs(noise):
                raise RequestError(
                    f"{self.path(noise)} is not the noise published for this seed, so victims of it cannot be compared "
                    "with published ones; give other seeds (--set 'seeds=[...]'), or another --results on a machine "
                    "that makes the published noise again"
                )

    def _published(self, cell: Cell) -> Record | None:
        return self._evidence.record(cell, apart=self.root) if isinstance(cell, NoiseCell) else None
