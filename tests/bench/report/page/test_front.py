"""The page's answer, its entry cards and lists, and how they behave on a phone, with Back and on paper."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attacks.methods import METHODS
from bench.cli import main
from bench.records.schema import VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.bibtex import bibtex
from bench.report.text import MISSING
from victims.countermeasures import COUNTERMEASURES
from victims.recipes import TRAININGS

CELL = "synthetic-test-v1-fp32/clean/resnet18/0/standard/100/all"


def test_the_answer_comes_first_and_names_method_trainer_cost_and_certainty(visit: Callable[..., Any]) -> None:
    browser = visit()
    (answer,) = browser.texts("#front .answer")
    assert answer == (
        "Against the strongest of the 6 trainers measured (the one with the highest accuracy: vgg16_bn, rho_a 4), "
        "sem-liu24 leaves the lowest test accuracy of the methods within rho_u: 34.75% (89.95% without noise). "
        "Protecting all images costs 39.0M image-passes (391 s on Synthetic GPU). Certain (95%) among 3 methods, "
        "3 runs each."
    )
    assert browser.texts("#front .answer strong") == ["sem-liu24"]
    assert browser.texts("#front tbody th") == ["Every pixel within rho_u (L-inf)", "sem-liu24", "rem-fu22", "em-fu22"]
    assert browser.run("return document.querySelector('#front').getBoundingClientRect().top") < 300
    row = browser.texts("#front tbody tr:nth-child(2) td")
    assert row[:2] == ["34.75", "89.95"]
    assert row[5] == "3 (34.00\N{EN DASH}35.50)"


@pytest.mark.parametrize("width", [390, 1440])
def test_who_leaves_least_to_each_trainer_of_the_suite(
    visit: Callable[..., Any], tmp_path: Path, make_victim: Callable[..., VictimRecord], width: int
) -> None:
    accuracies = {0.0: {"clean": 90.0, "em-fu22": 10.0, "rem-fu22": 30.0}, 4.0: {"em-fu22": 85.0, "rem-fu22": 40.0}}
    for rho_a, found in accuracies.items():
        for method, accuracy in found.items():
            made = make_victim(method, "resnet18", rho_a, 0, accuracy, cell={"protocol": "paper-v1"})
            Store(tmp_path).write(made)
    leaderboard.write_leaderboard(tmp_path, tmp_path)
    browser = visit(at=(tmp_path / "index.html").as_uri(), width=width)
    assert browser.texts("#front .answer") == [
        (
            "Against adversarial training, radius 4 (perturbations of up to 4/255), rem-fu22 leaves the lowest test "
            "accuracy so far of the methods within \N{PLUS-MINUS SIGN}8/255: 40.00% (no comparable result without "
            "noise). Undecided against the other method, one seed in common."
        )
    ]
    rows = browser.run(
        "return [...document.querySelector('#front tbody').rows].map((row) => [...row.cells]"
        ".filter((cell) => cell.checkVisibility()).map((cell) => cell.textContent))"
    )
    assert [row[:3] for row in rows] == [
        ["standard training", "em-fu22", "10.00"],
        ["adversarial training, radius 4", "rem-fu22", "40.00"],
    ]
    assert width == 390 or [row[3] for row in rows] == ["90.00", "\N{EN DASH}"]
    assert browser.run("return document.documentElement.scrollWidth") <= width
    browser.click("#front tbody td button.value")
    assert browser.texts("#details-title") == ["em-fu22"]


def luminance(colour: str) -> float:
    """Return the relative luminance of `rgb(r, g, b)`, as WCAG 2 defines it."""
    parts = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_bars_stand_out_are_of_one_height_and_are_explained(visit: Callable[..., Any], scheme: str) -> None:
    browser = visit(scheme=scheme)
    images, sizes, paper, bar, line = browser.run(
        "const styles = [...document.querySelectorAll('#front td.against')].map((each) => getComputedStyle(each));"
        "const sign = (which) => getComputedStyle(document.querySelector(`#front .legend ${which}`)).backgroundColor;"
        "return [styles.map((each) => each.backgroundImage), styles.map((each) => each.backgroundSize),"
        "styles[0].backgroundColor, sign('i'), sign('i.line')]"
    )
    assert len(images) == 3
    assert {tuple(re.findall(r"rgb\([^)]*\)", image)) for image in images} == {(line, line, bar, bar)}
    assert {tuple(re.findall(r"(\d+)px(?:,|$)", size)) for size in sizes} == {("22", "16")}
    assert min(contrast(bar, paper), contrast(line, bar), contrast(line, paper)) >= 3
    assert browser.texts("#front .legend") == ["with without noise "]


@pytest.mark.parametrize("width", [390, 1440])
def test_a_reader_gets_from_the_answer_to_the_method_and_from_the_head_to_the_explanations(
    visit: Callable[..., Any], width: int
) -> None:
    browser = visit(width=width)
    assert browser.run("return document.querySelector('header nav').checkVisibility()")
    assert browser.texts("header nav a")[:3] == ["How to read this", "FAQ", "Cite"]
    browser.click("header nav a")
    assert browser.run("return document.activeElement.id") == "reading"
    colour = "getComputedStyle(document.querySelector(arguments[0])).color"
    link, name = (browser.run(f"return {colour}", each) for each in ("header nav a", "#front th button.value"))
    assert link == name
    browser.click("#front .answer button.value")
    assert browser.texts("#details-title") == ["sem-liu24"]


def test_a_word_with_a_hyphen_does_not_break(visit: Callable[..., Any]) -> None:
    browser = visit(width=390)
    words = "[...document.querySelectorAll('#front .answer .name')]"
    assert browser.run(f"return {words}.map((each) => each.textContent)") == ["sem-liu24", "image-passes"]
    assert browser.run(f"return {words}.map((each) => each.getClientRects().length)") == [1, 1]


@pytest.mark.parametrize(
    ("view", "kept", "folded"),
    [
        ("methods", ["method", "strongest trainer", "image-passes"], {"rank", "without noise"}),
        ("cells", ["method", "victim", "accuracy"], {"dataset", "seeds"}),
    ],
)
def test_a_phone_keeps_what_matters_and_unfolds_the_rest(
    visit: Callable[..., Any], view: str, kept: list[str], folded: set[str]
) -> None:
    browser = visit(f"view={view}", width=390)
    script = (
        "return [...document.querySelectorAll('#main thead th')].filter((each) => each.checkVisibility())"
        ".map((each) => each.textContent)"
    )
    assert browser.run(script) == kept
    assert browser.run(
        "const { scrollWidth, clientWidth } = document.querySelector('#main .scroll');return scrollWidth <= clientWidth"
    )
    browser.click("#main .fold")
    assert folded <= set(browser.texts("#main .folded dt"))
    assert browser.texts('#main .fold[aria-expanded="true"]') == [""]
    browser.click("#main .fold")
    assert browser.texts("#main .folded") == []


def test_a_wide_screen_folds_nothing(visit: Callable[..., Any]) -> None:
    browser = visit()
    assert not browser.run("return [...document.querySelectorAll('.fold')].some((each) => each.checkVisibility())")


def test_back_undoes_a_filter_a_view_and_a_search_one_by_one(visit: Callable[..., Any]) -> None:
    browser = visit()
    browser.click('[data-view="cells"]')
    browser.click('[data-facet="victim"] summary')
    browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    browser.click('[data-facet="victim"] label:last-child input')
    browser.run("document.querySelector('#search').focus()")
    for key in "sem-liu24":
        browser.press(key)
    assert browser.texts("#status") == ["3 of 29 cells"]
    for status, words in (
        ("14 of 29 cells", "#view=cells&victim=vgg16_bn"),
        ("29 of 29 cells", "#view=cells"),
        ("29 of 29 cells", ""),
    ):
        browser.run("history.back()")
        browser.wait_for(f"location.hash === '{words}' && document.querySelector('#status').textContent === '{status}'")
    assert browser.run("return document.querySelector('[aria-pressed=true]').textContent") == "Methods"


def test_back_closes_what_was_opened(visit: Callable[..., Any]) -> None:
    browser = visit("view=cells")
    browser.click("#main tbody button.value")
    assert browser.run("return document.querySelector('#details').open")
    browser.driver.back()
    browser.wait_for("!document.querySelector('#details').open && location.hash === '#view=cells'")
    browser.click("#main tbody button.value")
    browser.click("#details .close")
    browser.wait_for("!document.querySelector('#details').open && location.hash === '#view=cells'")


def test_filters_work_after_something_was_opened_and_closed(visit: Callable[..., Any]) -> None:
    browser = visit("view=cells")
    browser.click("[data-facet=victim] summary")
    browser.wait_for("document.querySelector('[data-facet=victim] input')")
    browser.click("#main tbody button.value")
    browser.click("#details .close")
    browser.wait_for("!document.querySelector('#details').open && location.hash === '#view=cells'")
    browser.click("[data-facet=victim] input[type=checkbox]")
    assert "victim=resnet18" in browser.words
    assert set(browser.run("return shownCells().map((cell) => cell.victim)")) == {"resnet18"}


def test_unknown_texts_come_last_in_either_direction(visit: Callable[..., Any]) -> None:
    browser = visit()
    script = """
      const rows = ["\u2013", "b", "", "a"].map((text) => ({ cells: [textCell(text)] }));
      return [false, true].map((falling) => {
        Object.assign(state, { sort: "x", falling });
        return sorted({ columns: [{ id: "x" }], rows }).rows.map((row) => row.cells[0].text);
      });
    """
    assert browser.run(script) == [["a", "b", MISSING, ""], ["b", "a", MISSING, ""]]


def test_a_menu_finds_names_whatever_their_case(visit: Callable[..., Any]) -> None:
    script = """
      const names = [...Array(13).keys()].map((number) => `resnet${number}`);
      const panel = element("div", {}, ...facetPanel({ label: "Victim" }, names, new Set(), () => {}));
      panel.firstChild.value = "ResNet12";
      panel.firstChild.dispatchEvent(new Event("input"));
      return [...panel.querySelectorAll("label")].filter((each) => !each.hidden).map((each) => each.textContent);
    """
    assert visit().run(script) == ["resnet12"]


def test_a_marked_number_is_no_formula_in_csv(visit: Callable[..., Any]) -> None:
    numbers = ["-7.51 [-9.90, -5.12] §", "+1.00", "-2.31"]
    assert visit().run("return arguments[0].map((text) => SIGNED.test(text))", [*numbers, "-1+cmd|x"]) == [
        *[True] * 3,
        False,
    ]


def test_a_clean_cell_asks_for_no_picture(visit: Callable[..., Any]) -> None:
    browser = visit(f"open={CELL}")
    assert browser.driver.find_elements("css selector", "#details img") == []


def test_a_card_has_paper_bibtex_needs_standing_commands_and_cells(visit: Callable[..., Any]) -> None:
    browser = visit("open=entry/method/sem-liu24")
    (text,) = browser.texts("#details")
    for words in (
        "Stable Unlearnable Example",
        "Yixin Liu",
        "AAAI 2024",
        "labels, a surrogate",
        "L-inf rho_u",
        "Corrected: the final pass covers all images",
        "89.95% without noise",
        "--method sem-liu24 sem-liu24.safetensors",
        "bench protect path/to/images path/to/protected --method sem-liu24",
    ):
        assert words in text
    links = browser.run("return [...document.querySelectorAll('#details a')].map((each) => each.href)")
    assert links == ["https://arxiv.org/abs/2311.13091", "https://github.com/liuyixin-louis/Stable-Unlearnable-Example"]
    browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    buttons = "[...document.querySelectorAll('#details .actions button')]"
    browser.run(f"{buttons}.find((each) => each.textContent === 'Copy BibTeX').click()")
    assert browser.run("return window.copied").startswith("@inproceedings{liu2024stable,\n")
    browser.run(f"{buttons}.find((each) => each.textContent === 'Its 6 cells').click()")
    browser.wait_for("!document.querySelector('#details').open")
    assert browser.texts("#status") == ["6 of 29 cells"]


@pytest.mark.parametrize("entry", ["countermeasure/jpeg-10", "training/supervised"])
def test_trainers_have_cards_too(visit: Callable[..., Any], entry: str) -> None:
    browser = visit(f"open=entry/{entry}")
    kind, name = entry.split("/")
    assert browser.texts("#details-title") == [name]
    assert f"--set {kind}s={name}" in browser.texts("#details pre")[0]


def test_the_commands_of_trainers_can_be_pasted(
    visit: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = "return CARDS.filter(({ kind }) => kind !== 'method').flatMap(commandsOf)"
    commands = [shlex.split(command) for command in visit().run(shown)]
    monkeypatch.chdir(tmp_path)
    assert len(commands) == len(COUNTERMEASURES) + len(TRAININGS)
    for *python, run, grid, name, axis, trainer in [words[:8] for words in commands]:
        assert [*python, run, grid, name, axis] == ["python", "-m", "bench", "run", "--grid", "smoke", "--set"], trainer
    assert [words for words in commands if main(["plan", *words[4:], "--device", "cpu"])] == []


def test_copied_bibtex_is_that_of_cite(visit: Callable[..., Any]) -> None:
    copied = visit().run("return [...PAPERS.values()].map(bibtexOf)")
    papers = {known.paper for known in (*METHODS.values(), *COUNTERMEASURES.values(), *TRAININGS.values())}
    assert sorted(copied) == sorted(bibtex(paper) for paper in papers if paper)


def test_search_finds_words_of_the_cards(visit: Callable[..., Any]) -> None:
    browser = visit("view=cells&q=robust+fu22")
    assert set(browser.texts("#main tbody th")) == {"em-fu22", "rem-fu22"}
    for spelling in ("error-minimising", "error-minimizing"):
        assert "em-fu22" in visit(f"view=cells&q={spelling}").texts("#main tbody th")
    british, american = (visit(f"view=cells&q={word}").texts("#main tbody th") for word in ("greyscale", "grayscale"))
    assert british == american
    browser = visit("view=entries&q=compression")
    assert "jpeg-10" in browser.texts("#main tbody th")


def test_search_knows_both_spellings_also_of_half_a_word(visit: Callable[..., Any]) -> None:
    pairs = [
        ("optimisation", "optimization"),
        ("greyscale", "grayscale"),
        ("coloured", "colored"),
        ("neighbourhood", "neighborhood"),
        ("centre", "center"),
        ("centred", "centered"),
        ("centring", "centering"),
        ("defences", "defenses"),
    ]
    script = """
      const finds = (word, text) => [...word].every((_, end) =>
        end < 3 || isSought(searchable(word.slice(0, end + 1)), "", ` ${plainOf(text)}`));
      return arguments[0].filter(([one, other]) => !finds(one, other) || !finds(other, one) || !finds(other, other));
    """
    assert visit().run(script, pairs) == []
    assert not visit().run("return isSought(searchable('center'), searchable('91 percent'), '')")


def test_a_rank_is_open_for_either_reason(visit: Callable[..., Any]) -> None:
    (why,) = visit().texts("#faq ~ details:nth-of-type(2) p")
    assert why.startswith("Few seeds, or trainers that were not measured, leave an order open.")


def test_reported_numbers_stand_where_nothing_was_measured(visit: Callable[..., Any]) -> None:
    browser = visit("view=reported&q=rem-fu22+cifar10+densenet")
    assert browser.texts("#main tbody tr")
    assert set(browser.texts("#main tbody td:nth-child(3)")) <= {"V", "V2", "C"}


def test_copied_latex_has_radii_and_minus_signs(visit: Callable[..., Any]) -> None:
    browser = visit()
    script = (
        "const columns = ['method', 'resnet18, rho_a 4', 'rho_u'].map((label) => ({ label }));"
        "const cells = ['em-fu22', '-7.51 [-9.90, -5.12]', '24.10\u201326.90'].map((text) => ({ text }));"
        "return latexOf({ caption: 'x', columns, rows: [{ cells }] })"
    )
    lines = browser.run(script).splitlines()
    assert "  method & resnet18, $\\rho_a$ 4 & $\\rho_u$ \\\\" in lines
    assert "  em-fu22 & $-$7.51 [$-$9.90, $-$5.12] & 24.10--26.90 \\\\" in lines


@pytest.mark.parametrize("view", ["methods", "cells", "reported"])
def test_paper_shows_whole_tables(visit: Callable[..., Any], view: str) -> None:
    browser = visit(f"view={view}", width=1040)  # A4 landscape without margins
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wide = browser.run(
        "return [...document.querySelectorAll('body table')].map((each) => each.getBoundingClientRect().right)"
    )
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert wide
    assert max(wide) <= 1041
