"""OPS, after cychomatica/One-Pixel-Shotcut (Wu et al., ICLR 2023)."""

import numpy as np
from common import Cause, Found, Row, images, labels

FOLDER = "."


def search(kind: str) -> Found:
    """Return their noise, in 1/255."""
    import perturb
    from standins import Cifar10

    noise = perturb.pixel_search(Cifar10())
    return {"noise": (noise * 255).round().astype(np.int64).transpose(0, 3, 1, 2)}


def dataset(kind: str) -> Found:
    """Return the images that their dataset gives to a victim."""
    import perturb
    import utils
    from standins import Cifar10

    noise = perturb.pixel_search(Cifar10())
    made = utils.Perturbed_Dataset(images(kind) / 255, noise, labels(), np.asarray)
    return {"images": np.stack([made[number][0] for number in range(len(made))]).transpose(0, 3, 1, 2)}


def our_noise(kind: str) -> Found:
    """Return our noise."""
    from ours import method

    return method("ops-wu23", weights=False)(kind)


def our_images(kind: str) -> Found:
    """Return the images that carry our noise."""
    from ours import pixels

    return {"images": (pixels(kind).numpy().astype(np.int16) + our_noise(kind)["noise"]).clip(0, 255)}


NONE = Cause(
    why="a pixel of one pure colour in a whole class: theirs divides 0 by 0, selects it and leaves it unchanged",
    share=0.1,
    largest=255,
)
ROWS = (
    Row(name="ops-wu23", ran="perturb.pixel_search", theirs=search, ours=our_noise, causes={"saturated": NONE}),
    Row(
        name="ops-wu23, protected images",
        ran="utils.Perturbed_Dataset",
        theirs=dataset,
        ours=our_images,
        causes={"saturated": NONE},
    ),
)
