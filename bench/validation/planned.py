"""Plan the cells of records with the present code, to compare the plan with the records."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError
from attacks.methods import methods
from attacks.methods.random import RANDOM
from attacks.spec import Method
from bench.config.axes import AXES, AXIS
from bench.config.load import load_protocol, shipped
from bench.config.models import Cell, Grid, VictimCell
from bench.config.validated import validated
from bench.data import dataset_names
from bench.data.dataset import Places
from bench.run.job import Job
from bench.run.plan import make_plan
from victims.countermeasures import countermeasures
from victims.networks.weights.packaged import LITE0
from victims.recipes import trainings

# dataset, protocol, method, a victim, and its values on the axes that passes depend on; none for a noise
_Group = tuple[str, str, str, str, tuple[tuple[str, Any], ...]]
_Case = tuple[bool, str] | None  # whether it is attacked, and what it is trained on; None for the noise
_VARIED = tuple(axis for axis in AXES if axis.listed and axis.usual is not None)
# inputs and passes do not depend on the victim, only on whether it starts from weights
_FROM_SCRATCH, _PRETRAINED = "resnet18", LITE0.name


class Planned:
    """Plans a cell's job without its seed, victim and exact radius.

    Nothing is read but the code, and the weights that a method starts from, which may be fetched (BAIT's).
    """

    def __init__(self) -> None:
        self._known = methods()
        self._datasets = dataset_names()
        self._trainings, self._countermeasures = trainings(), countermeasures()
        self._protocols = shipped("protocols")
        self._jobs: dict[_Group, Mapping[_Case, Job]] = {}

    def job(self, cell: Cell) -> Job | None:
        """Return the job planned for a cell; None where there is none."""
        group = self._group(cell)
        if group not in self._jobs:
            self._jobs[group] = _plan(group) if self._can(group) else {}
        return self._jobs[group].get(_case(cell))

    def can_plan(self, cell: Cell) -> bool:
        """Return whether dataset, protocol, training and countermeasure are known, so that there should be a job."""
        named = not isinstance(cell, VictimCell) or (
            cell.countermeasure in self._countermeasures and cell.training in self._trainings
        )
        return named and self._can(self._group(cell))

    def method(self, cell: Cell) -> Method | None:
        """Return the cell's method; a noise from elsewhere has none here, and is planned as a `random` one."""
        return self._known.get(cell.method)

    def _group(self, cell: Cell) -> _Group:
        values = (
            tuple((axis.field, getattr(cell, axis.field)) for axis in _VARIED) if isinstance(cell, VictimCell) else ()
        )
        victim = _PRETRAINED if "weights" in cell.inputs else _FROM_SCRATCH
        return cell.dataset, cell.protocol, cell.method if self.method(cell) else RANDOM.name, victim, values

    def _can(self, group: _Group) -> bool:
        dataset, protocol, *_ = group
        return dataset in self._datasets and protocol in self._protocols


def _plan(group: _Group) -> Mapping[_Case, Job]:
    dataset, protocol, method, victim, values = group
    lists = {
        "datasets": (dataset,),
        "methods": (method,),
        "victims": (victim,),
        "radii": (0, 1),
        "seeds": (0,),
        **{str(AXIS[field].listed): (value,) for field, value in values},
    }
    with tempfile.TemporaryDirectory() as empty:
        try:
            grid = validated(Grid, {"name": "validate", "protocol": protocol, **lists}, "validate")
            jobs = make_plan(grid, load_protocol(protocol), Places(data=Path(empty), cache=Path(empty))).jobs
        except RequestError:  # no grid has these values, or the protocol does not fit the dataset
            return {}
    return {_case(job.cell): job for job in jobs if job.cell.method == method}


def _case(cell: Cell) -> _Case:
    if not isinstance(cell, VictimCell):
        return None
    return cell.rho_a > 0, cell.part
