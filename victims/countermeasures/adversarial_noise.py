"""Adversarial noise is added to the protected images, and the victim learns from strongly augmented views of them.

Zhu, Yu and Gao, "Detection and Defense of Unlearnable Examples", AAAI 2024, with the hyperparameters of the released
code (`sdaan.py`). A network with one hidden layer, with as many units as an image has values, is trained adversarially
on the protected images, since simple networks fit unlearnable noise easily. Then each image is perturbed to raise that
network's loss, by sign steps within 8/255 that start at the image itself. The victim's views are the contrastive ones
of `attacks.engine.contrastive`, at strength 1.

Differences from the released code: these views are drawn on top of the protocol's own view, which they replace there;
crops are resized with aligned corners; the number of steps does not count the incomplete batch of an epoch; and
protected images are clipped and rounded before adversarial noise is added, whereas there both noises are added
unrounded, and the sum is clipped once and truncated.
"""

import math
from typing import TYPE_CHECKING, ClassVar

from attacks.core.cost import Passes
from attacks.core.settings import IfSet, OptimiserSettings, OwnTable, Positive, Radius, Section, Sgd, SignSteps
from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure, Preparation, Prepared, by_parts

if TYPE_CHECKING:
    import torch
    from torch import Tensor

BYTES_OF_A_WEIGHT = 12  # with its gradient and momentum
STRENGTH = 1.0


class AdversarialNoise(OwnTable):
    """The numbers of the network and of its noise; the defaults are those of the released code for CIFAR-10.

    Attributes:
        steps, batch, sgd: of the network's training.
        hidden: units of the hidden layer; if not set, as many as an image has values.
        radius: of training and noise, in 1/255.
        attack: sign steps of the adversarial training.
        noise: sign steps of the noise.
    """

    table: ClassVar[str] = "adversarial-noise"

    steps: Positive = 39_000
    batch: Positive = 128
    sgd: OptimiserSettings = Sgd(lr=0.01, milestones=(29_250, 35_100))
    hidden: IfSet[Positive] = None
    radius: Radius = 8.0
    attack: SignSteps = SignSteps(steps=10, step=0.25)
    noise: SignSteps = SignSteps(steps=10, step=0.125)


def prepare(given: Preparation) -> Prepared:
    """Train the network adversarially, and add noise that raises its loss to the images."""
    import torch
    from torch import Tensor, nn
    from torch.nn import functional

    from attacks.engine.frozen import FrozenNetwork
    from attacks.engine.pgd import ascend
    from victims.countermeasures.learning import Lessons

    own, values = AdversarialNoise.of(given.settings), given.images[0].numel()
    hidden = own.hidden or values
    network = given.runtime.place(
        nn.Sequential(nn.Flatten(), nn.Linear(values, hidden), nn.ReLU(), nn.Linear(hidden, given.classes))
    )
    frozen = FrozenNetwork(network, given.runtime.pixels(given.images[:2]), given.runtime)

    def attacked(images: Tensor, labels: Tensor, steps: SignSteps) -> Tensor:
        frozen.refresh()
        return ascend(frozen, images, labels, radius=own.radius, steps=steps, generator=None)

    def loss(images: Tensor, labels: Tensor) -> Tensor:
        logits = network(attacked(images, labels, own.attack))
        return functional.cross_entropy(logits.to(images.dtype), labels)

    Lessons(given).learn(network, steps=own.steps, batch=own.batch, optimiser=own.sgd, loss=loss)

    def change(part: slice) -> Tensor:
        seen = attacked(given.runtime.pixels(given.images[part]), given.labels[part], own.noise)
        return seen.mul_(255).round_().to(torch.uint8)

    made = by_parts(change, given.images, given.runtime, own.batch)
    return Prepared(images=made, passes=passes(given.settings, len(made)))


def passes(settings: Section, images: int) -> Passes:
    """Return the image-passes of the adversarial training and of the noise of each image."""
    own = AdversarialNoise.of(settings)
    seen = own.steps * min(own.batch, images)
    return Passes(attack=(seen * own.attack.steps + images * own.noise.steps) * bool(own.radius), train=seen)


def memory(settings: Section, shape: tuple[int, int, int], _classes: int) -> tuple[int, str]:
    """Return the bytes of the first layer's weights, gradients and momentum, and how to need fewer."""
    own, values = AdversarialNoise.of(settings), math.prod(shape)
    fewer = f"set setup.countermeasure.{own.table}.hidden to a smaller number"
    return BYTES_OF_A_WEIGHT * values * (own.hidden or values), fewer


def draw_strong_view(images: "Tensor", generator: "torch.Generator") -> "Tensor":
    """Draw a strong view of each square image (n, C, side, side)."""
    from attacks.engine.contrastive import draw_contrastive

    side = images.shape[2]
    return draw_contrastive(STRENGTH, len(images), (side, side), side, generator).apply(images)


ZHU24 = Paper(
    key="zhu2024detection",
    title="Detection and Defense of Unlearnable Examples",
    authors=("Yifan Zhu", "Lijia Yu", "Xiao-Shan Gao"),
    year=2024,
    venue="AAAI 2024",
    identifier="doi:10.1609/aaai.v38i15.29667",
    code="hala64/udp",
)

ADVERSARIAL_NOISE = Countermeasure(
    name="adversarial-noise",
    title="adversarial noise against a two-layer network, then strong augmentation",
    paper=ZHU24,
    source="Zhu, Yu and Gao, AAAI 2024",
    reads=(AdversarialNoise,),
    prepare=prepare,
    passes=passes,
    memory=memory,
    augment=draw_strong_view,
)
