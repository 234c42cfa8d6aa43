"""Every metric of a record: the one table that schema, frames, CSV, JSON and the page read.

To add a metric, add an entry here. Records made before it lack it, so it may be absent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import Field

from attacks.engine.noise import Noise, largest_value, mean_norm

Percent = Annotated[float, Field(ge=0, le=100)]
NonNegative = Annotated[float, Field(ge=0)]
Similarity = Annotated[float, Field(ge=-1, le=1)]

M = TypeVar("M")


class Trained(NamedTuple):
    """The results of training a victim.

    Attributes:
        steps, accuracies, losses: of each evaluation on the clean test images; in percent and in nats.
        last: how many of the last evaluations the protocol averages.
        robust: accuracy under attack within the cell's `rho_a`, in percent; None at radius 0.
        train: accuracy on the protected training images, in percent.
    """

    steps: Sequence[int]
    accuracies: Sequence[float]
    losses: Sequence[float]
    last: int
    robust: float | None
    train: float | None


class Visibility(NamedTuple):
    """How visible a noise is; `bench/run/visibility.py` says how each number is measured.

    Attributes:
        psnr_mean, psnr_worst: over the images that it changes, in dB; None where it changes none.
        ssim_mean, ssim_worst: over all images; like PSNR, over a sample if the set exceeds 256 MiB.
        detectability: accuracy of a two-layer network on held-out protected images, in percent.
        detectability_clean: the same on the original images.
        separability: accuracy of a linear model on held-out noises, in percent.
    """

    psnr_mean: float | None
    psnr_worst: float | None
    ssim_mean: float
    ssim_worst: float
    detectability: float | None
    detectability_clean: float | None
    separability: float | None


class MeasuredNoise(NamedTuple):
    """What the metrics of a noise are computed from.

    Attributes:
        noise: (N, C, H, W), in 1/255.
        sign_agreement: percent of a gradient's signs that were the same in fp32; None where not checked.
        visibility: how visible it is.
    """

    noise: Noise
    sign_agreement: float | None
    visibility: Visibility


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How tables show the mean of a metric over seeds.

    Attributes:
        name: its name in CSV and JSON.
        head: the heading of its column on the page.
        note: what the page says about that column.
    """

    name: str
    head: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Metric(Generic[M]):
    """One number of a record.

    Attributes:
        name: its name in records.
        title: what it is.
        unit: its unit.
        measure: computes it; returns None where it does not apply.
        kind: its type.
        required: whether every finished record has it.
        better: which values are better for the noise; None where neither is.
        digits: decimal places on the page.
        column: its column in frames; None where they lack it.
        shown: how tables show it; None where they do not.
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
        title="peak accuracy",
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
        title="accuracy under attack within rho_a",
        unit="%",
        measure=lambda found: found.robust,
        kind=Percent,
        better="lower",
        column="accuracy_robust",
        shown=Shown(name="robust", head="robust", note="accuracy under attack within rho_a"),
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
OF_NOISES: tuple[Metric[MeasuredNoise], ...] = (
    Metric(
        name="linf",
        title="largest absolute value over all images",
        unit="1/255",
        measure=lambda made: largest_value(made.noise),
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
    Metric(
        name="psnr_mean",
        title="peak signal-to-noise ratio of protected images, mean over those that the noise changes",
        unit="dB",
        measure=lambda made: made.visibility.psnr_mean,
        better="higher",
        column="noise_psnr",
    ),
    Metric(
        name="psnr_worst",
        title="peak signal-to-noise ratio of protected images, the lowest of any image",
        unit="dB",
        measure=lambda made: made.visibility.psnr_worst,
        better="higher",
        column="noise_psnr_worst",
    ),
    Metric(
        name="ssim_mean",
        title="structural similarity of protected to original images, mean",
        unit="",
        measure=lambda made: made.visibility.ssim_mean,
        kind=Similarity,
        better="higher",
        digits=3,
        column="noise_ssim",
    ),
    Metric(
        name="ssim_worst",
        title="structural similarity of protected to original images, the lowest of any image",
        unit="",
        measure=lambda made: made.visibility.ssim_worst,
        kind=Similarity,
        better="higher",
        digits=3,
        column="noise_ssim_worst",
    ),
    Metric(
        name="detectability",
        title="accuracy of a two-layer network on held-out protected images; far above `detectability_clean`, it shows",
        unit="%",
        measure=lambda made: made.visibility.detectability,
        kind=Percent,
        better="lower",
        column="noise_detectability",
    ),
    Metric(
        name="detectability_clean",
        title="accuracy of such a network on held-out original images",
        unit="%",
        measure=lambda made: made.visibility.detectability_clean,
        kind=Percent,
        column="noise_detectability_clean",
    ),
    Metric(
        name="separability",
        title="accuracy of a linear model on held-out noises without their images",
        unit="%",
        measure=lambda made: made.visibility.separability,
        kind=Percent,
        column="noise_separability",
    ),
)
IN_TABLES: Mapping[str, Metric[Trained]] = {metric.shown.name: metric for metric in OF_VICTIMS if metric.shown}


def measure_all(metrics: Sequence[Metric[M]], found: M) -> dict[str, float | None]:
    """Return the value of each metric, by name."""
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
    """Return the frame columns of metrics, each with its type."""
    return {metric.column: "float64" for metric in metrics if metric.column}


def page_metrics() -> list[dict[str, Any]]:
    """Return the metrics that tables show, as the page's script reads them."""
    return [
        {"id": shown.name, "label": shown.head, "title": shown.note, "fact": metric.title, "digits": metric.digits}
        for metric in OF_VICTIMS
        if (shown := metric.shown)
    ]
