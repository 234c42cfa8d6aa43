"""Entry cards: what a method, a countermeasure or a training is, where it is from, and how to use it."""

import sys
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from types import ModuleType
from typing import Any

from attacks.methods import METHODS
from attacks.spec import Method
from bench.report.bibtex import bibtex, code_of, link_of
from bench.report.reported.published import published
from victims.countermeasures import COUNTERMEASURES
from victims.countermeasures.spec import Countermeasure
from victims.recipes import TRAININGS
from victims.recipes.spec import TrainingRecipe

Card = dict[str, Any]


def cards() -> list[Card]:
    """Return the cards of all that comes with this suite; those of packages differ from machine to machine."""
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
    return _card("method", known.name, known.title, facts, _about("attacks.methods", known)) | {
        "paper": known.paper.key if known.paper else None,
        "protects": known.bounded and known.protects,
        "reported": reported,
    }


def papers_by_key() -> dict[str, Mapping[str, str]]:
    """Return the papers of the methods by their BibTeX keys."""
    return {
        paper.key: {
            "title": paper.title,
            "authors": ", ".join(paper.authors),
            "venue": paper.venue,
            "link": link_of(paper),
            "identifier": paper.identifier,
            "code": code_of(paper),
            "bibtex": bibtex(paper),
        }
        for paper in (known.paper for known in METHODS.values())
        if paper
    }


def _trainer(kind: str, known: Countermeasure | TrainingRecipe) -> Card:
    package = "victims.countermeasures" if kind == "countermeasure" else "victims.recipes"
    facts = {"source": known.source, "version": str(known.version)}
    return _card(kind, known.name, known.title, facts, _about(package, known))


def _card(kind: str, name: str, title: str, facts: Mapping[str, str], about: Iterable[str]) -> Card:
    known = [[fact, value] for fact, value in facts.items() if value]
    only = {"paper": None, "protects": False, "reported": False}  # of methods
    return {"kind": kind, "name": name, "title": title, "facts": known, "about": list(about), **only}


def _about(package: str, known: Method | Countermeasure | TrainingRecipe) -> list[str]:
    """Return the paragraphs that the file of a component begins with: its algorithm, and quirks kept or corrected."""
    text = cleandoc(_file(package, known).__doc__ or "")
    return [" ".join(paragraph.split()).replace("`", "") for paragraph in text.split("\n\n")]


def _file(package: str, known: Method | Countermeasure | TrainingRecipe) -> ModuleType:
    """Return the module that a component is in: the one of its name, or the one that several share."""
    there = {name: module for name, module in sys.modules.items() if name.startswith(f"{package}.")}
    of_its_name = there.get(f"{package}.{known.name.replace('-', '_')}")
    return of_its_name or next(
        module for _, module in sorted(there.items()) if any(value is known for value in vars(module).values())
    )
