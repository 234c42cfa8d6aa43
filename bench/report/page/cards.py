"""Entry cards: what a method, a countermeasure or a training is, where it is from, and how to use it."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from inspect import cleandoc
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
    needs = ["labels"] * known.labels + ["a surrogate"] * known.surrogate
    facts = {
        "also called": ", ".join(known.aliases),
        "bound": known.bound,
        "one pattern per": known.granularity if known.protects else "",
        "needs": ", ".join(needs) if known.protects else "",
        "source": known.source,
        "version": str(known.version),
    }
    make = f"python -m bench noise make --dataset cifar10 --method {known.name} --protocol lite-v1 {known.name}.safetensors"
    protect = f"python -m bench protect path/to/images path/to/protected --method {known.name}"
    return _card("method", known.name, known.title, facts, _about("attacks.methods", known.name)) | {
        "paper": _paper(known),
        "commands": [make] + [protect] * (known.bounded and known.protects),
        "reported": reported,
    }


def _paper(known: Method) -> Mapping[str, str] | None:
    """Return a paper as it is shown; several methods may share it."""
    paper = known.paper
    if paper is None:
        return None
    return {
        "title": paper.title,
        "authors": ", ".join(paper.authors),
        "venue": paper.venue,
        "year": str(paper.year),
        "link": link_of(paper),
        "identifier": paper.identifier,
        "code": code_of(paper),
        "bibtex": bibtex(paper),
    }


def _trainer(kind: str, known: Countermeasure | TrainingRecipe) -> Card:
    package = "victims.countermeasures" if kind == "countermeasure" else "victims.recipes"
    facts = {"source": known.source, "version": str(known.version)}
    command = f"python -m bench run --grid smoke --set {kind}s={known.name}"
    return _card(kind, known.name, known.title, facts, _about(package, known.name)) | {"commands": [command]}


def _card(kind: str, name: str, title: str, facts: Mapping[str, str], about: Iterable[str]) -> Card:
    known = [[fact, value] for fact, value in facts.items() if value]
    return {"kind": kind, "name": name, "title": title, "facts": known, "about": list(about)}


def _about(package: str, name: str) -> list[str]:
    """Return the paragraphs that the file of a component begins with: its algorithm, and quirks kept or corrected."""
    text = cleandoc(import_module(f"{package}.{name.replace('-', '_')}").__doc__ or "")
    return [" ".join(paragraph.split()).replace("`", "") for paragraph in text.split("\n\n")]
