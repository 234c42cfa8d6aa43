"""What a training recipe is: how a victim learns from the images that it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attacks.settings import Reads

if TYPE_CHECKING:
    from victims.train import Outcome, Training


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """A named way to train a victim.

    Attributes:
        name: as in records.
        title: one line on the idea.
        train: trains a victim to the end and measures it.
        reads: the tables of a protocol whose numbers decide the result.
        version: raised when a correction of networks, training or evaluation changes accuracies.
    """

    name: str
    title: str
    train: "Callable[[Training], Outcome]"
    reads: Reads = ("network", "augment", "victim")
    version: int = 1

    @property
    def identity(self) -> str:
        """Its name and version, for a cell's key."""
        return f"{self.name}/{self.version}"
