"""Log the records of cells to TensorBoard as they end, one TensorBoard run per cell."""

import logging
from importlib.util import find_spec
from pathlib import Path

from attacks.core.errors import RequestError
from attacks.core.packages import install_extras
from bench.records.schema import Record, VictimRecord
from bench.records.store import Store
from bench.run.executors.event import Event

FOLDER = "tensorboard"
_log = logging.getLogger(__name__)


class TensorBoard:
    """Writes event files below `RESULTS/tensorboard`, in folders named after the cells.

    Args:
        results: the folder of the records.

    Raises:
        RequestError: if the extra `tensorboard` is not installed.
    """

    def __init__(self, results: Path) -> None:
        if find_spec("tensorboard") is None:
            raise RequestError(
                f"--log tensorboard needs the extra `tensorboard`; run: {install_extras('run', 'tensorboard')}"
            )
        self._results = results

    def tell(self, event: Event) -> None:
        """Log a cell that ended without failing."""
        if event.kind != "ended" or event.status == "failed":
            return
        if record := Store(self._results, event.job.protocols).read(event.job.cell):
            try:
                self._write(record)
            except OSError as error:
                _log.warning("%s not logged to TensorBoard: %s", record.cell.label, error)  # the record itself is safe

    def _write(self, record: Record) -> None:
        from torch.utils.tensorboard import SummaryWriter

        cell = record.cell
        names = cell.model_dump(mode="json", exclude={"inputs", "numbers", "kind"})
        with SummaryWriter(str(self._results / FOLDER / cell.label)) as writer:
            if isinstance(record, VictimRecord):
                for point in record.curve:
                    writer.add_scalar("clean test accuracy, %", point.accuracy, point.step)
                    if point.loss is not None:
                        writer.add_scalar("clean test loss", point.loss, point.step)
            writer.add_hparams(names, _results(record), run_name=".")


def _results(record: Record) -> dict[str, float]:
    """Return the numbers of a record that TensorBoard's table of runs shows."""
    seconds = {f"{phase} seconds": cost.seconds for phase, cost in record.costs.items()}
    metrics = record.metrics.model_dump(exclude_none=True) if record.metrics else {}
    return seconds | metrics
