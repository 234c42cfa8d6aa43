"""Ways to train a victim, and the table of them all."""

from attacks.errors import unknown
from victims.recipes.spec import TrainingRecipe
from victims.recipes.supervised import SUPERVISED

TRAININGS = {known.name: known for known in (SUPERVISED,)}


def training(name: str) -> TrainingRecipe:
    """Return a training recipe by its name.

    Raises:
        RequestError: for any other name, with the nearest valid one.
    """
    if name not in TRAININGS:
        raise unknown("training recipe", name, TRAININGS)
    return TRAININGS[name]
