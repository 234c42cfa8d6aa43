"""Find the published values of a cell that was measured here."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.config.axes import Place
from bench.report.reported.published import Published, published

PROTOCOL = "paper-v1"  # the only protocol whose results are comparable with those of papers


@dataclass(frozen=True, kw_only=True)
class Band:
    """The published values of one cell; never empty.

    Attributes:
        cells: one per source.
    """

    cells: tuple[Published, ...]

    @property
    def low(self) -> float:
        """The lowest published accuracy, in percent."""
        return min(cell.accuracy for cell in self.cells)

    @property
    def high(self) -> float:
        """The highest published accuracy, in percent."""
        return max(cell.accuracy for cell in self.cells)


Bands = Mapping[Place, Band]


def bands(dataset: str, protocol: str) -> Bands:
    """Return the bands of a dataset by `Score.cell`; none for a protocol other than the papers'.

    Left out are cells that a source took from another one, and cells whose victim or radius is not stated.
    """
    if protocol != PROTOCOL:
        return {}
    found: dict[Place, list[Published]] = {}
    for cell in published():
        if cell.dataset == dataset and not cell.copy_of and cell.place:
            found.setdefault(cell.place, []).append(cell)
    return {key: Band(cells=tuple(cells)) for key, cells in found.items()}
