"""Supervised training from scratch with cross-entropy, standard or adversarial (Madry et al., ICLR 2018)."""

from attacks.spec import Paper
from victims.recipes.spec import Stage, TrainingRecipe
from victims.settings import VictimSettings


def stages(settings: VictimSettings) -> tuple[Stage, ...]:
    """Return the only stage, in which the whole victim learns with the numbers that all recipes share."""
    return (Stage(steps=settings.steps, batch=settings.batch, optimiser=settings.sgd),)


MADRY18 = Paper(
    key="madry2018towards",
    title="Towards Deep Learning Models Resistant to Adversarial Attacks",
    authors=("Aleksander Madry", "Aleksandar Makelov", "Ludwig Schmidt", "Dimitris Tsipras", "Adrian Vladu"),
    year=2018,
    venue="ICLR 2018",
    identifier="arXiv:1706.06083",
    code="MadryLab/cifar10_challenge",
)

SUPERVISED = TrainingRecipe(
    name="supervised",
    title="cross-entropy of the labels, from scratch",
    paper=MADRY18,
    source="as in the papers; adversarial training of Madry et al., ICLR 2018",
    stages=stages,
)
