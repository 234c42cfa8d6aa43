"""What to cite: BibTeX entries of methods, countermeasures, trainings, datasets and this benchmark."""

from collections.abc import Sequence

from attacks.core.errors import unknown
from attacks.methods import methods
from attacks.spec import Paper
from bench.data import entries
from bench.report.bibtex import bibtex, bibtex_of_suite
from victims.countermeasures import countermeasures
from victims.recipes import trainings


def papers_of_components() -> dict[str, Paper | None]:
    """Return the paper of every method, countermeasure and training, in this order, by name (no aliases).

    Raises:
        RequestError: where a package provides none of these, or a name that already exists.
    """
    papers = {name: one.paper for name, one in methods().items()}
    papers |= {name: one.paper for name, one in countermeasures().items()}
    return papers | {name: one.paper for name, one in trainings().items()}


def papers_by_name() -> dict[str, Paper | None]:
    """Return the paper of every method, countermeasure, training and dataset by each of its names; None if it has none.

    A dataset from a package states its paper in the attribute `paper`.

    Raises:
        RequestError: where a package provides none of these, or a name that already exists.
    """
    aliases = {name: one.paper for one in methods().values() for name in one.aliases}
    return papers_of_components() | aliases | {one.name: getattr(one, "paper", None) for one in entries()}


def cite(names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the BibTeX entries of the named components, each once, with that of this benchmark last.

    Args:
        names: methods, by name or alias, countermeasures, trainings and datasets.

    Returns:
        The entries, and which of the names have no paper.

    Raises:
        RequestError: where a name is unknown.
    """
    known = papers_by_name()
    for name in names:
        if name not in known:
            raise unknown("name", name, known)
    found = dict.fromkeys(paper for name in names if (paper := known[name]))
    without = tuple(dict.fromkeys(name for name in names if not known[name]))
    return "\n\n".join([*map(bibtex, found), bibtex_of_suite()]), without
