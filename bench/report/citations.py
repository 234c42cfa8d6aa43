"""What to cite: BibTeX entries of methods, datasets and this suite."""

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from attacks.core.errors import unknown
from attacks.methods import methods
from attacks.spec import Paper
from bench.data import entries
from bench.report.tex import escape

SUITE = "unlearnable-bench"
YEAR = 2026
_CONTAINER = {"inproceedings": "booktitle", "article": "journal", "misc": "howpublished"}


def papers() -> dict[str, Paper | None]:
    """Return the paper of every method, by each of its names, and of every dataset; None where there is none.

    A dataset of a package states one as its attribute `paper`.

    Raises:
        RequestError: where a package brings no method or dataset, or a name that already exists.
    """
    named = {name: one.paper for one in methods().values() for name in (one.name, *one.aliases)}
    return named | {one.name: getattr(one, "paper", None) for one in entries()}


def cite(names: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the BibTeX entries of what is named, each once, with that of this suite last.

    Args:
        names: methods, by name or alias, and datasets.

    Returns:
        The entries, and which of the names have no paper.

    Raises:
        RequestError: where a name is unknown.
    """
    known = papers()
    for name in names:
        if name not in known:
            raise unknown("method or dataset", name, known)
    found = dict.fromkeys(paper for name in names if (paper := known[name]))
    without = tuple(dict.fromkeys(name for name in names if not known[name]))
    return "\n\n".join([*map(_of_paper, found), _of_suite()]), without


def _of_paper(paper: Paper) -> str:
    """Write the entry of a publication."""
    fields = {
        "title": f"{{{escape(paper.title)}}}",  # braces keep its capitals
        "author": " and ".join(escape(author) for author in paper.authors),
        _CONTAINER[paper.kind]: escape(paper.venue),
        "year": str(paper.year),
    }
    scheme, _, rest = paper.identifier.partition(":")
    if scheme == "arXiv":
        fields |= {"eprint": rest, "archivePrefix": "arXiv", "url": f"https://arxiv.org/abs/{rest}"}
    elif scheme == "doi":
        fields |= {"doi": rest}
    elif scheme == "openreview":
        fields |= {"url": f"https://openreview.net/forum?id={rest}"}
    else:
        fields |= {"url": paper.identifier}
    return _entry(paper.kind, paper.key, fields)


def _of_suite() -> str:
    """Write the entry of this suite, in the version that is installed."""
    fields = {
        "title": f"{{{SUITE}: A Benchmark of Unlearnable Examples}}",
        "author": f"{{the {SUITE} maintainers}}",
        "year": str(YEAR),
    }
    try:
        fields["howpublished"] = f"Software, version {version(SUITE)}"
    except PackageNotFoundError:  # a copy of the source that is not installed
        fields["howpublished"] = "Software"
    return _entry("misc", SUITE, fields)


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    return "\n".join([f"@{kind}{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}"])
