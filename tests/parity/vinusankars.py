"""CUDA, after vinusankars/Convolution-based-Unlearnability (Sadasivan et al., CVPR 2023)."""

from typing import Any

import numpy as np
import scripts
from common import Draws, Found, Row

FOLDER = "."


def theirs(kind: str) -> Found:
    """Run their script until it has made the protected images."""
    import matplotlib.pyplot as plt

    plt.figure = scripts.end  # the script plots some images next
    draws = Draws()
    place = []

    def uniform(low: float, high: float, size: tuple[int, ...]) -> Any:
        """Return the filter of a class, which their script copies to all channels."""
        place[:] = []
        drawn = draws.uniform("entries", (1, 1, *size[2:])).numpy()
        return np.broadcast_to(low + (high - low) * drawn, size).copy()

    def randint(high: int) -> int:
        """Return the row, then the column, of the filter's 1; our code draws both at once."""
        if not place:
            place.extend(divmod(int(draws.whole("shifts", 0, high * high, ())), high))
        return place.pop(0)

    np.random.uniform, np.random.randint = uniform, randint
    made = scripts.run("final_filter_unlearnable").unlearnable_dataset.data
    return {"images": made.transpose(0, 3, 1, 2)}


def ours(kind: str) -> Found:
    """Make our noise and protect the images."""
    from ours import method, pixels

    noise = method("cuda-sadasivan23", weights=False)(kind)["noise"]
    return {"images": (pixels(kind).numpy().astype(np.int16) + noise).clip(0, 255)}


ROWS = (Row(name="cuda-sadasivan23", ran="final_filter_unlearnable.py, up to its images", theirs=theirs, ours=ours),)
