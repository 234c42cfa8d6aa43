import re
import shutil
import subprocess
from pathlib import Path

import pytest

from attacks.core.errors import RequestError
from attacks.methods import METHODS
from attacks.methods.em_huang21 import HUANG21
from attacks.spec import Paper
from bench.cli import main
from bench.data import NAMES
from bench.report.bibtex import YEAR
from bench.report.citations import cite, papers_by_name
from bench.report.page.cards import cards, papers
from victims.countermeasures import COUNTERMEASURES
from victims.recipes import TRAININGS

ROOT = Path(__file__).parents[3]


def keys(text: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),$", text, flags=re.MULTILINE)


def test_methods_datasets_and_the_suite() -> None:
    text, without = cite(["em-huang21", "sem", "cifar100"])
    assert keys(text) == ["huang2021unlearnable", "liu2024stable", "krizhevsky2009learning", "unlearnable-bench"]
    assert without == ()
    first = text.partition("\n\n")[0]
    assert first == "\n".join(
        [
            "@inproceedings{huang2021unlearnable,",
            f"  title = {{{{{HUANG21.title}}}}},",
            "  author = {Hanxun Huang and Xingjun Ma and Sarah Monazam Erfani and James Bailey and Yisen Wang},",
            "  booktitle = {ICLR 2021},",
            "  year = {2021},",
            "  eprint = {2101.04898},",
            "  archivePrefix = {arXiv},",
            "  url = {https://arxiv.org/abs/2101.04898},",
            "}",
        ]
    )


def test_a_paper_that_several_share_is_cited_once() -> None:
    text, _ = cite(["cifar10", "em-fu22", "rem-fu22", "cifar100"])
    assert keys(text) == ["krizhevsky2009learning", "fu2022robust", "unlearnable-bench"]


def test_what_has_no_paper_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite", "clean", "rem"]) == 0
    out, err = capsys.readouterr()
    assert keys(out) == ["fu2022robust", "unlearnable-bench"]
    assert err == "clean: no publication to cite\n"


def test_without_names_it_is_the_suite_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cite"]) == 0
    assert keys(capsys.readouterr().out) == ["unlearnable-bench"]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(RequestError, match="unknown name 'cifar11'; did you mean 'cifar10"):
        cite(["cifar11"])


def test_everything_that_can_be_named_has_an_answer() -> None:
    known = papers_by_name()
    ours = {*METHODS, *NAMES, *COUNTERMEASURES, *TRAININGS}
    assert ours <= set(known)
    assert {"clean", "random", "standard"} <= {name for name in ours if not known[name]}  # others may be
    assert len(ours) == len(METHODS) + len(NAMES) + len(COUNTERMEASURES) + len(TRAININGS)  # no name means two things


def test_trainers_are_cited_as_methods_are() -> None:
    text, without = cite(["jpeg-10", "grayscale", "fine-tune", "bait-li26", "median-3x3"])
    assert keys(text) == ["liu2023image", "li2026when", "fu2022robust", "unlearnable-bench"]
    assert without == ()


def test_the_page_has_every_paper_of_its_cards() -> None:
    assert {paper["key"] for paper in papers()} == {card["paper"] for card in cards() if card["paper"]}


def test_keys_are_distinct() -> None:
    found = {paper for paper in papers_by_name().values() if paper}
    assert len({paper.key for paper in found}) == len(found)


def test_what_a_package_says_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Paper(
        key="odd",
        title=r"100% & \input{x}",
        authors=("Zoë_1",),
        year=2030,
        venue="#1",
        identifier="https://example.org/odd",
        kind="misc",
    )
    monkeypatch.setattr("bench.report.citations.papers_by_name", lambda: {"odd": odd})
    text, _ = cite(["odd"])
    assert r"title = {{100\% \& \textbackslash{}input\{x\}}}" in text
    assert r"author = {Zo\"{e}\_1}" in text
    assert r"howpublished = {\#1}" in text


def test_the_year_is_that_of_the_citation_file() -> None:
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^date-released: {YEAR}-", text, flags=re.MULTILINE)


@pytest.mark.skipif(shutil.which("bibtex") is None, reason="no bibtex")
def test_bibtex_takes_every_entry(tmp_path: Path) -> None:
    text, _ = cite(list(papers_by_name()))
    (tmp_path / "refs.bib").write_text(text, encoding="utf-8")
    (tmp_path / "paper.aux").write_text("\\citation{*}\n\\bibstyle{plain}\n\\bibdata{refs}\n")
    done = subprocess.run(["bibtex", "paper"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Warning" not in done.stdout
    assert (tmp_path / "paper.bbl").read_text().count("\\bibitem") == len(keys(text))
