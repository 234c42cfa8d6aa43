"""Frozen models of the record that a finished or failed cell leaves.

Accuracies are in percent, times in seconds, memory in bytes, radii in 1/255.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, create_model

from attacks.core.cost import Passes
from attacks.core.errors import RequestError, one_line, several
from attacks.core.settings import EXACT, Count, IfSet, Precision, Settings
from bench.config.models import NoiseCell, VictimCell
from bench.records.metrics import OF_NOISES, OF_VICTIMS, NonNegative, Percent, fields
from bench.records.texts import LONGEST, encodable

Seconds = NonNegative
_Text = Annotated[str, AfterValidator(encodable)]  # it may quote the name of a file


def _recordable(passes: Passes) -> Passes:
    if max(passes.attack, passes.train, passes.forward) > EXACT:
        raise ValueError(f"image-passes must be at most {EXACT:,}")
    return passes


class Cost(Settings):
    """Seconds and image-passes of one phase; `seconds` exclude data loading."""

    seconds: Seconds
    passes: Annotated[Passes, AfterValidator(_recordable)]


class Environment(Settings):
    """What a cell ran on.

    Attributes:
        driver: the GPU's driver, `unknown` if it does not say; None on a CPU.
        eager: why CUDA graphs were not used on a GPU; absent from the file if nothing prevented them.
        processor: family, model and stepping of the CPU, since different ones can have the same name; absent from the
            file for a GPU, and where the operating system does not state them.
        resumed_from: the other places where the cell ran before it was resumed here (a preparation apart); its seconds
            then belong to no single place. Absent from the file if there are none, or if the cell failed.
    """

    device: str
    driver: str | None
    threads: Count
    platform: str
    versions: dict[str, str]
    commit: str | None
    dirty: bool | None
    eager: IfSet[str] = None
    processor: IfSet[str] = None
    resumed_from: IfSet[tuple[str, ...]] = None

    @property
    def model(self) -> str:
        """The device, with its processor's model if known."""
        return model_of(self.device, self.processor)

    @property
    def hardware(self) -> str:
        """What seconds depend on, for tables: the model and, on a CPU, the threads if several."""
        is_parallel = self.driver is None and self.threads > 1
        return f"{self.model}, {several(self.threads, 'thread')}" if is_parallel else self.model

    @property
    def place(self) -> str:
        """What rounding depends on, for sentences: the model and, on a CPU, the threads."""
        return f"{self.model} with {several(self.threads, 'thread')}" if self.driver is None else self.model


def model_of(device: str, processor: str | None) -> str:
    """Return the name of a device with its processor's model if known, e.g. `Some CPU (family 6, model 143)`."""
    return f"{device} ({processor})" if processor else device


class Point(Settings):
    """One evaluation on the clean test set; a loss that is not finite is absent from the file."""

    step: Count
    accuracy: Percent
    loss: Annotated[float, Field(allow_inf_nan=True)] | None


if TYPE_CHECKING:

    class Metrics(Settings):
        """The results of a victim: a field for each metric in `OF_VICTIMS`."""

        def __getattr__(self, name: str) -> Any: ...

    class NoiseMetrics(Settings):
        """The properties of a noise: a field for each metric in `OF_NOISES`."""

        def __getattr__(self, name: str) -> Any: ...

else:
    Metrics = create_model(
        "Metrics",
        __base__=Settings,
        __doc__="The results of a victim: a field for each metric in `OF_VICTIMS`.",
        **fields(OF_VICTIMS),
    )
    NoiseMetrics = create_model(
        "NoiseMetrics",
        __base__=Settings,
        __doc__="The properties of a noise: a field for each metric in `OF_NOISES`.",
        **fields(OF_NOISES),
    )


class _Record(Settings):
    """The fields of every record.

    Attributes:
        notes: what users should know about the images, one line each; absent from the file if there is nothing.
    """

    schema_version: Literal[3] = 3
    status: Literal["ok", "failed", "budget_exhausted"]
    error: _Text | None = None
    costs: dict[Literal["generation", "preparation", "training", "evaluation"], Cost] = Field(default_factory=dict)
    peak_memory: Count | None = None
    precision: Precision
    environment: Environment
    digests: dict[Literal["dataset", "noise"], str] = Field(default_factory=dict)
    notes: tuple[_Text, ...] = Field(default=(), exclude_if=lambda notes: not notes)
    finished: str
    by: str


class NoiseRecord(_Record):
    """The record of a noise.

    Attributes:
        bound: what limits the noise, in words.
        bounded: whether that keeps every entry inside the protocol's `rho_u`.
    """

    cell: NoiseCell
    bound: str
    bounded: bool
    metrics: NoiseMetrics | None = None


class VictimRecord(_Record):
    """The record of a victim."""

    cell: VictimCell
    metrics: Metrics | None = None
    curve: tuple[Point, ...] = ()


Record = NoiseRecord | VictimRecord


def parse_record(data: dict[str, Any]) -> Record:
    """Build a record from JSON data of the current schema version.

    Raises:
        pydantic.ValidationError: if a field is missing, unknown or out of range.
    """
    return kind_of(data).model_validate(data)


def parse_intact(data: dict[str, Any]) -> Record:
    """Build a record from JSON data that a digest has shown to be what was written, so that it is not damaged.

    Raises:
        RequestError: if it does not fit the schema as this code knows it.
    """
    try:
        return parse_record(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        why = "unknown here" if first["type"] == "extra_forbidden" else f"refused here: {first['msg']}"
        what = one_line(f"{'.'.join(map(str, first['loc']))} {why}", LONGEST)
        raise RequestError(f"written by other code with the same schema ({what}); update this checkout") from error


def kind_of(data: dict[str, Any]) -> type[Record]:
    """Return the model that JSON data of a record should fit."""
    cell = data.get("cell")
    return VictimRecord if isinstance(cell, dict) and cell.get("kind") == "victim" else NoiseRecord
