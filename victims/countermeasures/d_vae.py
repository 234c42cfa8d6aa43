"""D-VAE: two variational autoencoders with limited codes separate the protected images from their noise.

Yu et al., "Purify Unlearnable Examples via Rate-Constrained Variational Autoencoders", ICML 2024, with the
hyperparameters of the released code for CIFAR-10. A first autoencoder (`victims.countermeasures.autoencoder`) learns
from the protected images, and its noise p is subtracted from them, x <- clip(x - p). A second, whose code may hold
more, learns from the result; its noise is subtracted too, and its reconstruction of what remains is what the victim
learns from. The loss is

    MSE(r, x) + MSE(clip(r + p), x) + 0.01 max(KL, target) + max(MSE(p, 0), 0.002)

with r the reconstruction and KL the divergence of the code, in nats per position; the last term applies only after 11
of 60 epochs. Codes are drawn at random in purification too. The trainer needs only the protected images and their
labels.

Differences from the released code: the learning rate falls along its half cosine at each step, there at each epoch;
and images are rounded to 8 bits, there truncated. Terms that only report a classifier's losses are left out. As in the
released scripts, the noise decoder sees the drawn code, not the encoder's output.
"""

import math
from typing import Annotated, ClassVar

from pydantic import Field

from attacks.core.cost import Passes
from attacks.core.settings import AdamW, Count, OwnTable, Positive, Rate, Section
from attacks.spec import Paper
from victims.countermeasures.spec import Countermeasure, Preparation, Prepared, by_parts

WEIGHT_OF_KL = 0.01
LEAST_NOISE = 0.002
LARGEST_GRADIENT = 5.0
BYTES_OF_A_WEIGHT = 20  # with its gradient, Adam's two moments, and the other autoencoder's weight


class DVae(OwnTable):
    """The numbers of both autoencoders.

    Attributes:
        steps, batch: of the training of each.
        lr: Adam's initial learning rate.
        free: steps before the size of the noise enters the loss.
        targets: divergence that each autoencoder's code may have at no cost.
        width: channels of the encoder's first stage.
        code: channels of the code.
    """

    table: ClassVar[str] = "d-vae"

    steps: Positive = 23_400
    batch: Positive = 128
    lr: Annotated[float, Field(gt=0)] = 0.005
    free: Count = 4_290
    targets: tuple[Rate, Rate] = (1.0, 3.0)
    width: Positive = 64
    code: Positive = 256


def prepare(given: Preparation) -> Prepared:
    """Train both autoencoders, one after the other, and purify the training images."""
    import torch
    from torch import Tensor
    from torch.nn import functional

    from victims.countermeasures.autoencoder import Autoencoder, Seen
    from victims.countermeasures.learning import Lessons

    own = DVae.of(given.settings)
    count, channels, *size = given.images.shape
    first, second = (Autoencoder(channels, size, given.classes, width=own.width, code=own.code) for _ in range(2))
    for network in (first, second):
        given.runtime.place(network)
    lessons = Lessons(given, count=2)

    def teach(number: int, network: Autoencoder, shown: Tensor) -> None:
        def loss(images: Tensor, labels: Tensor) -> Tensor:
            seen: Seen = network(images, labels, given.generator)
            again = functional.mse_loss((seen.image + seen.noise).clamp(0, 1), images)
            free = WEIGHT_OF_KL * seen.divergence.clamp(min=own.targets[number])
            total = functional.mse_loss(seen.image, images) + again + free
            if lessons.done < own.free:
                return total
            return total + seen.noise.square().mean().clamp(min=LEAST_NOISE)

        lessons.learn(
            network,
            steps=own.steps,
            batch=own.batch,
            optimiser=AdamW(kind="adamw", lr=own.lr, weight_decay=0),
            loss=loss,
            number=number,
            examples=(shown, given.labels),
            keeping={"images": shown} if number else None,
            rate=lambda step: own.lr * (1 + math.cos(math.pi * step / own.steps)) / 2,
            largest_gradient=LARGEST_GRADIENT,
        )
        network.zero_grad()  # frees the memory of its gradients

    @torch.no_grad()
    def passed(network: Autoencoder, images: Tensor, *, rebuilt: bool) -> Tensor:
        def change(part: slice) -> Tensor:
            labels = given.labels[part]
            with given.runtime.autocast():
                shown: Tensor = given.runtime.pixels(images[part])
                shown = (shown - network(shown, labels, given.generator).noise).clamp(0, 1)
                if rebuilt:
                    shown = network(shown, labels, given.generator).image
            return (255 * shown).round_().to(torch.uint8)

        return by_parts(change, images, given.runtime, own.batch)

    less = lessons.kept("images")
    if less is None:
        teach(0, first, given.images)
        less = passed(first, given.images, rebuilt=False)
    teach(1, second, less)
    return Prepared(images=passed(second, less, rebuilt=True), passes=passes(given.settings, count))


def passes(settings: Section, images: int) -> Passes:
    """Return the image-passes of two trainings, one pass through the first network and two through the second."""
    own = DVae.of(settings)
    return Passes(train=2 * own.steps * min(own.batch, images), forward=3 * images)


def memory_of_both(settings: Section, shape: tuple[int, int, int], classes: int) -> tuple[int, str]:
    """Return the bytes of both autoencoders while one of them learns, and how to need fewer."""
    import torch

    from victims.countermeasures.autoencoder import Autoencoder

    own, (channels, *size) = DVae.of(settings), shape
    with torch.device("meta"):
        network = Autoencoder(channels, size, classes, width=own.width, code=own.code)
    weights = sum(weight.numel() for weight in network.parameters())
    return BYTES_OF_A_WEIGHT * weights, f"set setup.countermeasure.{own.table}.width to a smaller number"


YU24 = Paper(
    key="yu2024purify",
    title="Purify Unlearnable Examples via Rate-Constrained Variational Autoencoders",
    authors=("Yi Yu", "Yufei Wang", "Song Xia", "Wenhan Yang", "Shijian Lu", "Yap-Peng Tan", "Alex C. Kot"),
    year=2024,
    venue="ICML 2024",
    identifier="arXiv:2405.01460",
    code="yuyi-sd/D-VAE",
)

D_VAE = Countermeasure(
    name="d-vae",
    title="images purified by two variational autoencoders that separate out the noise",
    paper=YU24,
    source="Yu et al., ICML 2024",
    reads=(DVae,),
    prepare=prepare,
    passes=passes,
    memory=memory_of_both,
)
