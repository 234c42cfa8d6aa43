"""The numbers that decide how a victim is trained and measured; a protocol holds one `VictimSettings`."""

from typing import ClassVar

from attacks.core.settings import Augment, Count, FreshSteps, IfSet, OptimiserSettings, OwnTable, Positive, Section


class Pretrained(OwnTable):
    """The numbers of a victim that starts from the weights of a package or of timm, besides the weights themselves.

    Attributes:
        side: side that images are resized to inside the network; if not set, that at which the weights were trained.
    """

    table: ClassVar[str] = "pretrained"

    side: IfSet[Positive] = None


class VictimSettings(Section):
    """The numbers that training recipes share, and the tables of recipes with numbers of their own.

    Attributes:
        steps: optimiser steps.
        batch: images per step.
        sgd: the optimiser.
        attack: sign steps of adversarial training within the cell's `rho_a`; unused at `rho_a` 0.
        evaluate_every: steps between two evaluations on the clean test set; the last step is always evaluated.
        last_mean: how many of the last evaluations `accuracy_last_mean` averages.
        robust_attack: sign steps of the attack that measures robust accuracy, within `rho_a`.
        robust_images: how many test images robust accuracy is measured on (0: not measured).
        augment: the random view of training images, if not that of the noise.
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
