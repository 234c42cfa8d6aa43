"""Training recipes for victims, one file each, and the table of them all."""

from attacks.core.errors import unknown
from attacks.core.packages import with_packages
from victims.recipes.contrastive_probe import CONTRASTIVE_PROBE
from victims.recipes.fine_tune import FINE_TUNE, FINE_TUNE_HEAD, FINE_TUNE_LATE
from victims.recipes.linear_probe import LINEAR_PROBE
from victims.recipes.spec import TrainingRecipe
from victims.recipes.supervised import SUPERVISED

TRAININGS = {
    known.name: known
    for known in (
        SUPERVISED,
        FINE_TUNE,
        FINE_TUNE_LATE,
        FINE_TUNE_HEAD,
        LINEAR_PROBE,
        CONTRASTIVE_PROBE,
    )
}
ENTRY_POINTS = "unlearnable_bench.trainings"


def trainings() -> dict[str, TrainingRecipe]:
    """Return every training recipe by name: ours, then those of installed packages.

    Raises:
        RequestError: if a package's entry point is not a training recipe, or has a name that is taken.
    """
    return with_packages(TRAININGS, group=ENTRY_POINTS, kind="training recipe", expected=TrainingRecipe)


def training(name: str) -> TrainingRecipe:
    """Return a training recipe by its name.

    Raises:
        RequestError: for an unknown name, with the nearest valid one.
    """
    known = trainings()
    if name not in known:
        raise unknown("training recipe", name, known)
    return known[name]
