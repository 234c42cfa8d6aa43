"""Cards of methods, countermeasures and trainings: what each is, where it comes from, and how to use it."""

import sys
from collections.abc import Mapping
from inspect import cleandoc
from types import ModuleType
from typing import Any

from attacks.methods import METHODS
from attacks.spec import Method, Paper
from bench.report.bibtex import bibtex, code_of, link_of
from bench.report.reported.published import published
from victims.countermeasures import COUNTERMEASURES
from victims.countermeasures.spec import Countermeasure
from victims.networks.weights.packaged import LITE0
from victims.recipes import TRAININGS
from victims.recipes.spec import TrainingRecipe

Card = dict[str, Any]


def cards() -> list[Card]:
    """Return the cards of everything that ships with this benchmark; installed packages differ between machines."""
    reported = {cell.method for cell in published()}
    return [
        *(_method(known, known.name in reported) for known in METHODS.values()),
        *(_trainer("countermeasure", known) for known in COUNTERMEASURES.values()),
        *(_trainer("training", known) for known in TRAININGS.values()),
    ]


def _method(known: Method, reported: bool) -> Card:
    facts = {
        "also called": ", ".join(known.aliases),
        "bound": known.bound,
        "one pattern per": known.granularity if known.protects else "",
        "needs": ", ".join(known.needs) if known.protects else "",
        "source": known.source,
        "version": str(known.version),
    }
    return _card("method", known, facts, "attacks.methods") | {
        "protects": known.bounded and known.protects,
        "reported": reported,
    }


def papers() -> list[Mapping[str, str]]:
    """Return the papers of all cards; in a BibTeX entry, `$title` is a placeholder for the title, and so on."""
    known: tuple[Method | Countermeasure | TrainingRecipe, ...] = (
        *METHODS.values(),
        *COUNTERMEASURES.values(),
        *TRAININGS.values(),
    )
    return [_paper(paper) for paper in dict.fromkeys(one.paper for one in known) if paper]


def _paper(paper: Paper) -> dict[str, str]:
    scheme, _, rest = paper.identifier.partition(":")
    named = {
        "title": paper.title,
        "authors": " and ".join(paper.authors),
        "venue": paper.venue,
        "year": str(paper.year),
        "scheme": scheme,
        "identifier": rest,
        "link": link_of(paper),
    }
    entry = bibtex(paper).replace(f"{{{paper.key},", "{$key,")
    for name, value in named.items():
        entry = entry.replace(f"{{{value}}}", f"{{${name}}}")
    return {"key": paper.key, **named, "code": code_of(paper), "bibtex": entry}


def _trainer(kind: str, known: Countermeasure | TrainingRecipe) -> Card:
    package = "victims.countermeasures" if kind == "countermeasure" else "victims.recipes"
    pretrained = isinstance(known, TrainingRecipe) and known.pretrained
    facts = {
        "needs": "pretrained weights" if pretrained else "",
        "source": known.source,
        "version": str(known.version),
    }
    return _card(kind, known, facts, package) | {"victim": LITE0.name if pretrained else None}


def _card(kind: str, known: Method | Countermeasure | TrainingRecipe, facts: Mapping[str, str], package: str) -> Card:
    return {
        "kind": kind,
        "name": known.name,
        "title": known.title,
        "facts": [[fact, value] for fact, value in facts.items() if value],
        "about": _about(package, known),
        "paper": known.paper.key if known.paper else None,
        "protects": False,
        "reported": False,
        "victim": None,
    }


def _about(package: str, known: Method | Countermeasure | TrainingRecipe) -> list[str]:
    """Return the paragraphs of a component's module docstring; for its differences from other code, where they are."""
    module = _file(package, known)
    paragraphs = [" ".join(one.split()).replace("`", "") for one in cleandoc(module.__doc__ or "").split("\n\n")]
    where = f"{module.__name__.replace('.', '/')}.py"
    return [f"{one.partition(':')[0]}: see {where}." if one.startswith("Differences") else one for one in paragraphs]


def _file(package: str, known: Method | Countermeasure | TrainingRecipe) -> ModuleType:
    """Return the module of a component: the one with its name, or one that several components share."""
    there = {name: module for name, module in sys.modules.items() if name.startswith(f"{package}.")}
    of_its_name = there.get(f"{package}.{known.name.replace('-', '_')}")
    return of_its_name or next(
        module for _, module in sorted(there.items()) if any(value is known for value in vars(module).values())
    )
