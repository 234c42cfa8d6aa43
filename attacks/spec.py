"""What defines a method: a frozen spec whose recipe makes the noise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from attacks.core.cost import Passes
from attacks.core.settings import NoiseSettings, Reads
from attacks.task import NoiseResult, Task


class Recipe(ABC):
    """How a method makes its noise.

    Attributes:
        reads: the protocol tables whose numbers decide the noise. No other table may be read, since it is not part of
            the noise's key. If `network` is among them, the noise also depends on the engine version.
        has_steps: whether it consists of M surrogate steps of one kind, so that timing one predicts the total.
        pretrained: whether it trains a network that starts from pretrained weights: that of the table `pretrained`
            (`attacks.core.numbers.PretrainedSurrogate`), not the shared `surrogate`.
        stops_early: whether it may end before using all the passes that `passes` returns.
        ready_made: whether the noise already exists, for one particular set of images only.
    """

    has_steps: ClassVar[bool] = False
    pretrained: ClassVar[bool] = False
    stops_early: ClassVar[bool] = False
    ready_made: ClassVar[bool] = False

    @property
    def reads(self) -> Reads:
        """The tables that decide the noise."""
        return ()

    @abstractmethod
    def make(self, task: Task) -> NoiseResult:
        """Make the noise of a whole training set."""

    def passes(self, settings: NoiseSettings, images: int) -> Passes:  # noqa: ARG002
        """Return the image-passes that `make` needs for this many `images`; the maximum if it may stop early."""
        return Passes()

    def check(self, dataset: str | None, shape: tuple[int, ...]) -> None:  # noqa: B027
        """Check that it can make noise for certain images; by default, it can for any.

        Args:
            dataset: the dataset's digest; None before the images are read.
            shape: (N, C, H, W) of its training images.

        Raises:
            RequestError: if it cannot.
        """


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A publication that methods, trainers or datasets come from.

    Attributes:
        key: the key of its BibTeX entry.
        title, authors, year, venue: as published.
        identifier: its DOI, arXiv id or, if it has neither, OpenReview id or URL, as
            `doi:10.1145/3534678.3539241`, `arXiv:2101.04898`, `openreview:zKvm1ETDOq` or `https://...`.
        code: the authors' repository, as `owner/name` on GitHub or a full URL; empty if none was released.
        kind: the type of its BibTeX entry; `misc` for preprints, technical reports and software.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    identifier: str
    code: str = ""
    kind: Literal["inproceedings", "article", "misc"] = "inproceedings"


@dataclass(frozen=True, kw_only=True)
class Method:
    """A named way to make noise.

    Attributes:
        name: its name in records.
        aliases: other names that users may type for it.
        title: one line on the idea.
        paper: where it was published; None if it was not.
        bound: what limits the noise.
        bounded: whether that keeps every entry within `rho_u`.
        granularity: `class` if all images of a class carry one pattern (a noise, a pixel, a filter), else `sample`.
        labels: whether it needs the images' labels.
        surrogate: whether it trains a model to make the noise.
        protects: whether it makes any noise; false only for the clean reference.
        source: the paper and table, or the code, that the algorithm is taken from.
        recipe: the algorithm.
        version: raised when a correction changes the noise; older records are then marked, and their cells due again.
            For imported noise, its digest.
    """

    name: str
    title: str
    bound: str
    source: str
    recipe: Recipe
    paper: Paper | None = None
    aliases: tuple[str, ...] = ()
    bounded: bool = True
    granularity: Literal["sample", "class"] = "sample"
    labels: bool = True
    surrogate: bool = False
    protects: bool = True
    version: int | str = 1

    @property
    def identity(self) -> str:
        """Its name and version, for a cell's key."""
        return f"{self.name}/{self.version}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What the method needs besides images, in words."""
        words = {"labels": self.labels, "a surrogate": self.surrogate, "pretrained weights": self.recipe.pretrained}
        return tuple(word for word, needed in words.items() if needed)
