"""BibTeX entries of papers and of this benchmark, and links to papers and their code."""

from attacks.spec import Paper
from bench import __version__
from bench.report.tex import escape_tex

SUITE = "unlearnable-bench"
YEAR = 2026
_CONTAINER = {"inproceedings": "booktitle", "article": "journal", "misc": "howpublished"}


def bibtex(paper: Paper) -> str:
    """Return the entry of a paper."""
    scheme, _, rest = paper.identifier.partition(":")
    fields = {
        "title": f"{{{escape_tex(paper.title)}}}",  # braces keep its capitals
        "author": " and ".join(escape_tex(author) for author in paper.authors),
        _CONTAINER[paper.kind]: escape_tex(paper.venue),
        "year": str(paper.year),
    }
    if scheme == "arXiv":
        fields |= {"eprint": rest, "archivePrefix": "arXiv"}
    if scheme == "doi":
        fields |= {"doi": rest}
    else:
        fields |= {"url": link_of(paper)}
    return _entry(paper.kind, paper.key, fields)


def bibtex_of_suite() -> str:
    """Return the entry of this version of the benchmark."""
    fields = {
        "title": f"{{{SUITE}: A Benchmark of Unlearnable Examples}}",
        "author": f"{{the {SUITE} maintainers}}",
        "year": str(YEAR),
        "howpublished": f"Software, version {__version__}",
    }
    return _entry("misc", SUITE, fields)


def link_of(paper: Paper) -> str:
    """Return the address of a paper."""
    scheme, _, rest = paper.identifier.partition(":")
    starts = {
        "doi": "https://doi.org/",
        "arXiv": "https://arxiv.org/abs/",
        "openreview": "https://openreview.net/forum?id=",
    }
    return f"{starts[scheme]}{rest}" if scheme in starts else paper.identifier


def code_of(paper: Paper) -> str:
    """Return the address of the authors' code; empty if none was released."""
    return f"https://github.com/{paper.code}" if paper.code and "://" not in paper.code else paper.code


def _entry(kind: str, key: str, fields: dict[str, str]) -> str:
    return "\n".join([f"@{kind}{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}"])
