"""BibTeX entries of papers and of this suite."""

from attacks.spec import Paper
from bench import __version__

_SPECIAL = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}


def bibtex(paper: Paper) -> str:
    """Return the entry of a paper: `@misc` where it is on arXiv alone, else `@inproceedings`."""
    kind, _, number = paper.identifier.partition(":")
    on_arxiv_alone = paper.venue.lower().startswith("arxiv")
    fields = {"title": f"{{{_escaped(paper.title)}}}", "author": _escaped(" and ".join(paper.authors))}
    if not on_arxiv_alone:
        fields["booktitle"] = _escaped(paper.venue)
    fields["year"] = str(paper.year)
    if kind == "doi":
        fields["doi"] = number
    elif kind == "arXiv":
        fields |= {"eprint": number, "archiveprefix": "arXiv"}
    elif kind:
        fields["url"] = link_of(paper)
    return _entry("misc" if on_arxiv_alone else "inproceedings", paper.key, fields)


def link_of(paper: Paper) -> str:
    """Return the address of a paper."""
    kind, _, number = paper.identifier.partition(":")
    start = {"doi": "https://doi.org/", "arXiv": "https://arxiv.org/abs/"}
    return f"{start.get(kind, 'https://openreview.net/forum?id=')}{number}"


def code_of(paper: Paper) -> str:
    """Return the address of the authors' code; nothing where none was released."""
    return f"https://github.com/{paper.code}" if paper.code and "://" not in paper.code else paper.code


def bibtex_of_suite(year: str) -> str:
    """Return the entry of this suite, with its version and the year of its newest record."""
    fields = {
        "title": "{unlearnable-bench: a benchmark of unlearnable examples}",
        "author": "{the unlearnable-bench maintainers}",
        "version": __version__,
        "year": year,
    }
    return _entry("software", "unlearnable-bench", {key: value for key, value in fields.items() if value})


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
