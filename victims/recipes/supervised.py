"""Supervised training: cross-entropy of the labels from scratch, standard or adversarial (Madry et al., ICLR 2018)."""

from victims.recipes.spec import Stage, TrainingRecipe
from victims.settings import VictimSettings


def stages(settings: VictimSettings) -> tuple[Stage, ...]:
    """Return the only stage, in which the whole victim learns by the numbers that all recipes share."""
    return (Stage(steps=settings.steps, batch=settings.batch, optimiser=settings.sgd),)


SUPERVISED = TrainingRecipe(
    name="supervised",
    title="cross-entropy of the labels, from scratch",
    source="as in the papers; adversarial training of Madry et al., ICLR 2018",
    stages=stages,
)
