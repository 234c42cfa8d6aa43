"""Leaked pairs: a trainer who has some images with and without their noise learns to remove it from all the others.

**What the trainer is assumed to have**: besides the whole protected training set, N pairs of an image and the same
image protected with this noise. Such pairs are available to anyone who has some of the owner's images from elsewhere,
or can have images of their own protected in the same way. No other countermeasure ever sees a clean training image. The
N images are drawn at random from the training set, including unprotected ones if only a share is protected, and their
labels are not used. The victim learns from the network's output for these N images, as for all the others; for them
it is close to the clean images that the network was fitted to.

The setting follows BridgePure (Wang et al., NeurIPS 2025), with N = 500, the smaller number in its main table. There
the pairs are of other images than those to be purified, and a diffusion bridge learns from them; here they are of
training images, and a small U-Net learns by regression. No result in that paper is for this form, and the name is ours.
"""

from typing import ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import AdamW, OptimiserSettings, OwnTable, Positive, Section
from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure, Preparation, Prepared, by_parts


class LeakedPairs(OwnTable):
    """The numbers of the leak and of the network.

    Attributes:
        pairs: images that the trainer also has without their noise.
        steps, batch, optimiser: of the network's training.
        width: channels at full resolution, twice and four times as many at the lower ones.
    """

    table: ClassVar[str] = "leaked-pairs"

    pairs: Positive = 500
    steps: Positive = 20_000
    batch: Positive = 64
    optimiser: OptimiserSettings = AdamW(kind="adamw", lr=1e-3, milestones=(12_000, 17_000))
    width: Positive = 64


def prepare(given: Preparation) -> Prepared:
    """Train the network on the leaked pairs, and pass all training images through it."""
    import torch
    from torch import Tensor
    from torch.nn import functional

    from victims.countermeasures.filters import rounding
    from victims.countermeasures.learning import Lessons
    from victims.countermeasures.u_net import UNet

    own = LeakedPairs.of(given.settings)
    assert given.pairs is not None  # requested by `pairs` below
    network = given.runtime.place(UNet(given.images.shape[1], own.width))

    def loss(images: Tensor, clean: Tensor) -> Tensor:
        return functional.mse_loss(network(images), given.runtime.pixels(clean))

    @torch.no_grad()
    def purified(levels: Tensor) -> Tensor:
        with given.runtime.autocast():
            found: Tensor = network(given.runtime.pixels(levels))
        return 255 * found

    Lessons(given).learn(
        network,
        steps=own.steps,
        batch=own.batch,
        optimiser=own.optimiser,
        loss=loss,
        examples=(given.pairs.protected, given.pairs.clean),
    )
    change = rounding(purified)
    images = by_parts(lambda part: change(given.images[part]), given.images, given.runtime)
    return Prepared(images=images, passes=passes(given.settings, len(images)))


def passes(settings: Section, images: int) -> Passes:
    """Return the image-passes of the training on the pairs, and of all images once through the network."""
    own = LeakedPairs.of(settings)
    return Passes(train=own.steps * min(own.batch, own.pairs, images), forward=images)


WANG25 = Paper(
    key="wang2025bridgepure",
    title="BridgePure: Limited Protection Leakage Can Break Black-Box Data Protection",
    authors=("Yihan Wang", "Yiwei Lu", "Xiao-Shan Gao", "Gautam Kamath", "Yaoliang Yu"),
    year=2025,
    venue="NeurIPS 2025",
    identifier="arXiv:2412.21061",
    code="EhanW/bridge-pure",
)

LEAKED_PAIRS = Countermeasure(
    name="leaked-pairs",
    title="images purified by a U-Net trained on leaked pairs of clean and protected images",
    paper=WANG25,
    source="our own, in the setting of BridgePure, Wang et al., NeurIPS 2025",
    reads=(LeakedPairs,),
    prepare=prepare,
    passes=passes,
    pairs=lambda settings: LeakedPairs.of(settings).pairs,
)
