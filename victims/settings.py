"""The numbers that decide how a victim is trained and measured; a protocol holds one `VictimSettings`."""

from typing import ClassVar

from attacks.core.settings import Augment, Count, FreshSteps, IfSet, OptimiserSettings, OwnTable, Positive, Section


class Pretrained(OwnTable):
    """What decides a victim that starts from weights of a package or of timm, besides the weights.

    Attributes:
        side: pixels that images are resized to inside the network; absent, the side that the weights were trained at.
    """

    table: ClassVar[str] = "pretrained"

    side: IfSet[Positive] = None


class VictimSettings(Section):
    """The numbers that training recipes share, and tables of those that have numbers of their own.

    Attributes:
        steps: optimiser steps.
        batch: images in a step.
        sgd: the optimiser.
        attack: sign steps of adversarial training inside the cell's `rho_a`; unused at `rho_a` 0.
        evaluate_every: steps between two evaluations on the clean test set; the last step is always evaluated.
        last_mean: how many of the last evaluations `accuracy_last_mean` averages.
        robust_attack: sign steps of the attack that robust accuracy is measured with, inside `rho_a`.
        robust_images: how many test images robust accuracy is measured on (0: not measured).
        augment: the random view of training images, where not the noise's.
    """

    steps: Positive
    batch: Positive = 128
    sgd: OptimiserSettings
    attack: FreshSteps
    evaluate_every: Positive
    last_mean: Positive = 5
    robust_attack: FreshSteps
    robust_images: Count
    augment: IfSet[Augment] = None
