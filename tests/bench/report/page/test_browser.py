"""The page in a real browser: what a reader sees, sorts, filters, copies and opens."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bench.records.schema import Record, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard
from bench.report.text import MISSING, printable

CELL = "synthetic-test-v1-fp32/em-fu22/vgg16_bn/2/standard/100/all"


@pytest.mark.parametrize("width", [360, 390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["methods", "cells"])
def test_it_fits_and_takes_the_readers_colours(visit: Callable[..., Any], width: int, scheme: str, view: str) -> None:
    browser = visit(f"view={view}", width=width, scheme=scheme)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    script = "return getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"
    paper = browser.run(script)
    assert (min(paper) > 200) if scheme == "light" else (max(paper) < 60)


def test_sorting_is_told_and_kept_in_the_address(visit: Callable[..., Any]) -> None:
    browser = visit()
    assert browser.texts("#main tbody th") == ["clean", "random", "sem-liu24", "rem-fu22", "em-fu22"]
    browser.click('[data-sort="strongest"]')
    assert browser.texts("#main tbody th")[0] == "sem-liu24"
    assert browser.texts('[aria-sort="ascending"]') == ["strongest trainer"]
    browser.click('[data-sort="strongest"]')
    assert browser.texts("#main tbody th")[0] == "clean"
    assert browser.texts("#main tbody th")[-1] == "sem-liu24"
    assert browser.words == "#sort=strongest&order=falling"


def test_names_of_methods_stay_in_sight_under_their_head(visit: Callable[..., Any]) -> None:
    browser = visit(width=700)
    browser.run("const place = document.querySelector('#main .scroll'); place.scrollLeft = 500; place.scrollIntoView()")
    heads = browser.run(
        "const { left, bottom } = document.querySelector('#main thead').getBoundingClientRect();"
        "const at = document.querySelector('#main .scroll').getBoundingClientRect().left + 12;"
        "return [bottom - 12, bottom + 20].map((y) => document.elementFromPoint(at, y).closest('th').textContent)"
    )
    assert heads == ["method", "clean"]


def test_filters_columns_and_search(visit: Callable[..., Any]) -> None:
    browser = visit("view=cells")
    browser.click('[data-facet="victim"] summary')
    browser.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    browser.click('[data-facet="victim"] label:last-child input')
    assert set(browser.texts("#main tbody td:nth-child(2)")) == {"vgg16_bn"}
    assert browser.texts("#status") == ["14 of 29 cells"]
    browser.run(
        "const box = document.querySelector('#search'); box.value = 'sem-liu24'; box.dispatchEvent(new Event('input'))"
    )
    assert browser.texts("#status") == ["3 of 29 cells"]
    assert "protocol" in browser.texts("#main thead button")
    browser.run(
        "[...document.querySelectorAll('#columns label')].find((each) => each.textContent === 'protocol').click()"
    )
    assert "protocol" not in browser.texts("#main thead button")
    assert browser.words == "#view=cells&q=sem-liu24&victim=vgg16_bn&column=protocol"


@pytest.mark.parametrize(
    ("form", "start", "within"),
    [
        ("markdown", "synthetic (dddddddd), test-v1, fp32", "| **30.75 (30.00\N{EN DASH}31.50)** |"),
        ("latex", "% synthetic", r"& \textbf{30.75 (30.00--31.50)} &"),
        (
            "csv",
            'table,method,rank,strongest trainer,which trainer,without noise,minus clean,trainers,"resnet18, rho_a 0",',
            ',34.75 (34.00\N{EN DASH}35.50),"vgg16_bn, rho_a 4",89.95,"-55.20 [-55.22, -55.18]",6/6,',
        ),
    ],
)
def test_what_is_shown_can_be_copied(visit: Callable[..., Any], form: str, start: str, within: str) -> None:
    browser = visit("method=sem-liu24&victim=resnet18")
    browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    browser.click("#copy summary")
    browser.click(f'[data-format="{form}"]')
    copied = browser.run("return window.copied")
    assert browser.run("return [document.querySelector('#copy').open, document.activeElement.textContent]") == [
        False,
        "Copy",
    ]
    assert copied.startswith(start)
    assert len([each for each in copied.splitlines() if "sem-liu24" in each]) == 1
    assert "rem-fu22" not in copied
    assert within in copied
    assert browser.texts("#status")[0].startswith("Copied 1 row as ")


@pytest.mark.parametrize("width", [390, 800])
def test_open_menus_stay_on_the_screen_below_their_names(visit: Callable[..., Any], width: int) -> None:
    browser = visit("view=cells&share=*&countermeasure=*&training=*", width=width)
    browser.run("for (const menu of document.querySelectorAll('.menu')) menu.open = true")
    browser.wait_for("[...document.querySelectorAll('.menu .panel')].every((panel) => panel.childElementCount)")
    places = browser.run("""
      return [...document.querySelectorAll(".menu")].map((menu) => {
        const { left, right, top } = menu.querySelector(".panel").getBoundingClientRect();
        return [left, right, top - menu.querySelector("summary").getBoundingClientRect().bottom];
      });
    """)
    assert len(places) == 8
    assert min(left for left, *_ in places) >= 0
    assert max(right for _, right, _ in places) <= width
    assert {round(below) for *_, below in places} == {4}


def test_records_scroll_as_a_whole_and_under_the_title_of_their_cell(visit: Callable[..., Any]) -> None:
    browser = visit(f"open={CELL}", width=390)
    script = """
      const dialog = document.querySelector("#details");
      const table = dialog.querySelector(".scroll");
      const firsts = [...table.querySelectorAll("tr > :first-child")];
      const lefts = () => firsts.map((each) => each.getBoundingClientRect().left);
      const before = lefts();
      table.scrollLeft = 60;
      const moved = lefts().map((left, place) => before[place] - left);
      dialog.style.maxHeight = "300px";
      const title = dialog.querySelector(".top").getBoundingClientRect();
      dialog.scrollTop += table.getBoundingClientRect().top - title.top - 5;
      const { top, height } = table.querySelector("thead").getBoundingClientRect();
      const covering = document.elementFromPoint(title.left + 80, top + height / 2).closest("thead, .top");
      return [moved, top - title.top < 10, covering.className];
    """
    assert browser.run(script) == [[60] * 4, True, "top"]


def test_paper_is_light_whatever_the_theme(visit: Callable[..., Any]) -> None:
    browser = visit(scheme="dark")
    browser.run("setTheme('dark')")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    paper = browser.run(f"return {colour}.match(/\\d+/g).map(Number)")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert min(paper) > 200


def test_a_method_without_accuracy_has_dashes_and_comes_last(
    visit: Callable[..., Any], tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    failed = {"status": "failed", "error": "out of memory", "metrics": None, "curve": ()}
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0))
    Store(tmp_path).write(make_victim("rem-fu22", "resnet18", 0.0, 0, 0.0, **failed))
    leaderboard.write_leaderboard(tmp_path, tmp_path)
    browser = visit("sort=trainer", at=(tmp_path / "index.html").as_uri())
    assert browser.texts("#main tbody th") == ["em-fu22", "rem-fu22"]
    assert browser.texts("#main tbody tr:last-child td") == [*[MISSING] * 6, "failed", *[MISSING] * 4]
    browser.click("#main tbody tr:last-child th button.value")
    assert browser.texts("#details-title") == ["rem-fu22"]
    assert "accuracy at the strongest trainer" not in browser.texts("#details dt")
    assert "Its 1 cell" in browser.texts("#details .actions button")


def test_a_link_opens_a_cell_and_escape_closes_it(visit: Callable[..., Any]) -> None:
    browser = visit(f"open={CELL}")
    assert browser.texts("#details-title") == ["em-fu22 · vgg16_bn"]
    (accuracy,) = browser.texts("#details .big")
    assert re.match(r"\d\d\.\d\d%", accuracy)
    assert len(browser.driver.find_elements("css selector", "#details .line")) == 6  # three seeds, and those of clean
    assert len(browser.texts("#details tbody tr")) == 3
    browser.press("\ue00c")
    browser.wait_for("!document.querySelector('#details').open && location.hash === ''")


@pytest.mark.parametrize(
    ("there", "heading"),
    [
        ([], "How to reproduce"),
        (["contact_sheet.png"], "Noise of all methods"),
        (["contact_sheet.png", "noise/em-fu22.png"], "Noise of em-fu22"),
    ],
)
def test_a_picture_is_shown_where_one_lies_beside_the_page(
    visit: Callable[..., Any], tmp_path: Path, matrix: list[Record], there: list[str], heading: str
) -> None:
    for record in matrix:
        Store(tmp_path).write(record)
    for name in there:
        picture = tmp_path / "plots" / "synthetic-test-v1-fp32" / name
        picture.parent.mkdir(parents=True, exist_ok=True)
        plt.imsave(picture, np.zeros((4, 4)))
    leaderboard.write_leaderboard(tmp_path, tmp_path)
    browser = visit(f"open={CELL}", at=(tmp_path / "index.html").as_uri())
    if there:
        browser.wait_for("document.querySelector('#details img')?.naturalWidth === 4")
    assert browser.texts("#details h3")[-1] == heading
    assert len(browser.driver.find_elements("css selector", "#details img")) == bool(there)
    for name in there:  # drawn separately: the page is the same whatever pictures exist
        (tmp_path / "plots" / "synthetic-test-v1-fp32" / name).unlink()
    assert leaderboard.check_leaderboard(tmp_path, tmp_path) == ""


def test_hostile_text_is_only_text(visit: Callable[..., Any], hostile: Path, hostile_text: str) -> None:
    leaderboard.write_leaderboard(hostile, hostile)
    browser = visit(at=(hostile / "index.html").as_uri())
    browser.click("#main tbody td button.value")
    shown = printable(hostile_text)[:100]  # of a truncated text
    assert any(text.startswith(shown) for text in browser.texts("#details td"))
    assert len(browser.driver.find_elements("css selector", "img")) == 1  # the page's own
    assert set(browser.run("return [...document.links].map((link) => link.protocol)")) == {"file:"}
    assert browser.run("return [document.body.scrollWidth, document.querySelector('#details').scrollWidth]") <= [
        1440,
        1080,
    ]
    assert browser.driver.title == "Unlearnable examples: leaderboard"
    assert "\u202e" not in browser.run("return document.body.textContent")


def test_a_page_without_records_says_so(visit: Callable[..., Any], tmp_path: Path) -> None:
    leaderboard.write_leaderboard(tmp_path, tmp_path)
    browser = visit(at=(tmp_path / "index.html").as_uri())
    assert browser.texts("#main") == ["No records yet."]


def test_the_theme_can_be_chosen(visit: Callable[..., Any]) -> None:
    browser = visit(scheme="dark")
    browser.click("#theme")
    assert browser.texts("#theme") == ["Theme: light"]
    assert browser.run("return getComputedStyle(document.documentElement).colorScheme") == "light"
    browser.driver.refresh()
    assert browser.texts("#theme") == ["Theme: light"]
    browser.run("localStorage.clear()")
