"""Every metric of a record: the one table that schema, frames, CSV, JSON and the page read.

A new metric is an entry here. Records that were made before it lack it, so it may be absent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import Field

from attacks.engine.noise import Noise, largest, mean_norm

Percent = Annotated[float, Field(ge=0, le=100)]
NonNegative = Annotated[float, Field(ge=0)]

M = TypeVar("M")


class Trained(NamedTuple):
    """What the training of a victim gave.

    Attributes:
        steps, accuracies, losses: of its evaluations on the clean test images, in percent and in nats.
        last: of how many evaluations the protocol takes the mean.
        robust: accuracy under attack inside the cell's `rho_a`, in percent; None at radius 0.
        train: accuracy on the protected training images, in percent.
    """

    steps: Sequence[int]
    accuracies: Sequence[float]
    losses: Sequence[float]
    last: int
    robust: float | None
    train: float | None


class Made(NamedTuple):
    """A noise, and how many percent of a gradient's signs were the same in fp32, where that was looked at."""

    noise: Noise
    sign_agreement: float | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How tables show the mean of a metric over seeds.

    Attributes:
        name: in CSV and JSON.
        head: of its column on the page.
        note: what the page says of that column.
    """

    name: str
    head: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Metric(Generic[M]):
    """One number of a record.

    Attributes:
        name: in records.
        title: what it is.
        unit: in which it is.
        measure: gives it; None where it does not apply.
        kind: its type.
        required: whether every finished record has it.
        better: which values speak for the noise; None where none do.
        digits: that the page shows behind the point.
        column: in frames; absent where they lack it.
        shown: how tables show it; absent where they do not.
    """

    name: str
    title: str
    unit: str
    measure: Callable[[M], float | None]
    kind: Any = NonNegative
    required: bool = False
    better: Literal["lower", "higher"] | None = None
    digits: int = 2
    column: str | None = None
    shown: Shown | None = None


RANKED = "accuracy_final"  # the only ranked number

OF_VICTIMS: tuple[Metric[Trained], ...] = (
    Metric(
        name=RANKED,
        title="clean test accuracy after the last step; the only ranked number",
        unit="%",
        measure=lambda found: found.accuracies[-1],
        kind=Percent,
        required=True,
        better="lower",
        column="accuracy_final",
    ),
    Metric(
        name="accuracy_last_mean",
        title="mean of the last evaluations",
        unit="%",
        measure=lambda found: sum(found.accuracies[-found.last :]) / len(found.accuracies[-found.last :]),
        kind=Percent,
        required=True,
        better="lower",
        column="accuracy_last_mean",
        shown=Shown(name="last_mean", head="mean of last", note="never ranked"),
    ),
    Metric(
        name="accuracy_peak",
        title="peak",
        unit="%",
        measure=lambda found: max(found.accuracies),
        kind=Percent,
        required=True,
        better="lower",
        column="accuracy_peak",
        shown=Shown(name="peak", head="peak", note="never ranked"),
    ),
    Metric(
        name="accuracy_robust",
        title="under attack inside rho_a",
        unit="%",
        measure=lambda found: found.robust,
        kind=Percent,
        better="lower",
        column="accuracy_robust",
        shown=Shown(name="robust", head="robust", note="accuracy under attack inside rho_a"),
    ),
    Metric(
        name="accuracy_train",
        title="accuracy on the protected training images, after the last step",
        unit="%",
        measure=lambda found: found.train,
        kind=Percent,
        column="accuracy_train",
    ),
)
OF_NOISES: tuple[Metric[Made], ...] = (
    Metric(
        name="linf",
        title="largest absolute value over all images",
        unit="1/255",
        measure=lambda made: largest(made.noise),
        required=True,
        column="noise_linf",
    ),
    Metric(
        name="l2_mean",
        title="mean over images of the Euclidean norm",
        unit="1/255",
        measure=lambda made: mean_norm(made.noise),
        required=True,
        column="noise_l2",
    ),
    Metric(
        name="sign_agreement",
        title="entries of a gradient on protected images whose sign is the same in fp32; absent where no gradient was "
        "taken in a lower precision",
        unit="%",
        measure=lambda made: made.sign_agreement,
        column="noise_sign_agreement",
        kind=Percent,
    ),
)
IN_TABLES: Mapping[str, Metric[Trained]] = {metric.shown.name: metric for metric in OF_VICTIMS if metric.shown}


def measured(metrics: Sequence[Metric[M]], found: M) -> dict[str, float | None]:
    """Return what metrics come to, by name."""
    return {metric.name: metric.measure(found) for metric in metrics}


def fields(metrics: Sequence[Metric[M]]) -> dict[str, Any]:
    """Return the fields of a model that holds metrics."""
    return {
        metric.name: (
            (metric.kind, Field(description=metric.title))
            if metric.required
            else (metric.kind | None, Field(default=None, description=metric.title))
        )
        for metric in metrics
    }


def columns(metrics: Sequence[Metric[M]]) -> dict[str, str]:
    """Return the columns of frames that have a metric, each with its type."""
    return {metric.column: "float64" for metric in metrics if metric.column}


def page_metrics() -> list[dict[str, Any]]:
    """Return the metrics that tables show for the page's script."""
    return [
        {"id": shown.name, "label": shown.head, "title": shown.note, "fact": metric.title, "digits": metric.digits}
        for metric in OF_VICTIMS
        if (shown := metric.shown)
    ]
