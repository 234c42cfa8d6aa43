"""Published cells, each with its source and how reliable it is.

`cells.csv` keeps what a source reports, under this benchmark's names where both mean the same thing, and in the
source's own words where they do not or that is unknown ("em (variant unknown)", "WRN-28-10", "iss-grayscale",
"dune-aa"): no record has such a name, so nothing is shown next to them. EM rows of papers that follow REM's code are
`em-fu22`, those made with the EM paper's own code `em-huang21`. VGG-16, DenseNet-121 and WRN-34-10 are
`vgg16_bn_fu22`, `densenet121_fu22` and `wrn34_10_fu22` where the source trained those of REM's code, as CUDA did; the
DenseNet-121 of APBench and of OPS has another stem, and that of MI-UE is unknown.
"""

import csv
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field

from attacks.core.settings import Name, Positive, Radius, Settings
from bench.config.axes import FIELDS, Part, Place, Share, place
from bench.records.metrics import NonNegative, Percent

Text = Annotated[str, Field(min_length=1)]


class Published(Settings):
    """One published cell; the noise is bounded by 8/255 if the method has a bound.

    Attributes:
        victim: None if the source, as far as read, does not state it.
        rho_a: radius of the victim's L-inf adversarial training, in 1/255; None likewise.
        accuracy: clean test accuracy in percent; the mean where there are several runs.
        spread: standard deviation over the runs, where the source states it.
        runs: the number of runs, where the source states it.
        grade: V, read in the source; V2, second-hand; C, read in or counted from released code.
        source: key of `sources`.
        copy_of: key of the source that this one repeats, so that one value does not count twice.
        note: what else a reader must know; AT is adversarial training.
    """

    dataset: Name
    method: Text
    victim: Text | None = None
    rho_a: Radius | None = None
    countermeasure: Name
    share: Share
    part: Part
    accuracy: Percent
    spread: NonNegative | None = None
    runs: Positive | None = None
    grade: Literal["V", "V2", "C"]
    source: Name
    copy_of: Name | None = None
    note: str = ""

    @property
    def place(self) -> Place | None:
        """Its place as in `Score.cell`; None if its victim or radius is not stated."""
        if self.victim is None or self.rho_a is None:
            return None
        return place(**{name: getattr(self, name) for name in FIELDS if hasattr(self, name)})


def published() -> list[Published]:
    """Read the published cells."""
    rows = csv.DictReader(_read("cells.csv").splitlines())
    return [Published.model_validate({key: value for key, value in row.items() if value}) for row in rows]


def sources() -> Mapping[str, str]:
    """Read the sources: citations by key."""
    return tomllib.loads(_read("sources.toml"))


def _read(name: str) -> str:
    return files("bench.report.reported").joinpath(name).read_text(encoding="utf-8")
