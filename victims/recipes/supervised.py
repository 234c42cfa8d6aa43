"""Supervised training: the cross-entropy of the labels, standard or adversarial, from scratch."""

from typing import TYPE_CHECKING

from victims.recipes.spec import TrainingRecipe

if TYPE_CHECKING:
    from victims.train import Outcome, Training


def train(task: "Training") -> "Outcome":
    """Train a victim by SGD on its images' labels, attacked within `rho_a` where that is not 0."""
    from victims import train as loop

    return loop.train(task)


SUPERVISED = TrainingRecipe(name="supervised", title="cross-entropy of the labels, from scratch", train=train)
