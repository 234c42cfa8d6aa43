"""The page by keyboard and for screen readers, as axe-core judges it."""

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

CELL = "synthetic-test-v1-fp32/em-fu22/vgg16_bn/2/standard/100/all"
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"


def test_the_skip_link_leads_to_the_tables_and_keeps_the_view(visit: Callable[..., Any]) -> None:
    browser = visit("view=cells&q=sem-liu24")
    browser.driver.find_element("css selector", "body").send_keys(TAB)
    assert browser.run("return document.activeElement.textContent") == "Skip to the tables"
    browser.press(ENTER)
    assert browser.run("return document.activeElement.id") == "main"
    assert browser.words == "#view=cells&q=sem-liu24"
    assert browser.texts("#status") == ["6 of 29 cells"]


def test_keys_alone_sort_open_a_cell_and_lead_back(visit: Callable[..., Any]) -> None:
    browser = visit()
    browser.run("document.querySelector('[data-sort=strongest]').focus()")
    browser.press(ENTER)
    assert browser.texts("#main tbody th")[0] == "sem-liu24"
    assert browser.run("return document.activeElement.dataset.sort") == "strongest"
    browser.run("document.querySelector('#main tbody td button.value').focus()")
    opener = browser.run("return document.activeElement.ariaLabel")
    browser.press(ENTER)
    assert browser.run("return document.activeElement.closest('dialog').open")
    browser.press(ESCAPE)
    assert browser.run("return document.activeElement.ariaLabel") == opener
    browser.run("document.querySelector('#copy summary').focus()")
    browser.press(ENTER)
    browser.press(TAB)
    assert browser.run("return document.activeElement.textContent") == "as Markdown"
    browser.press(ESCAPE)
    assert browser.run("return document.activeElement.textContent") == "Copy"


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("words", ["", "view=claims"])
def test_tab_goes_where_the_eye_goes(visit: Callable[..., Any], width: int, words: str) -> None:
    browser = visit(words, width=width)
    places = browser.run(
        "return [...document.querySelectorAll('header a, header button, .bar button, .bar input, .bar summary')]"
        ".filter((each) => each.checkVisibility()).map((each) => each.getBoundingClientRect())"
        ".map(({ bottom, left }) => [Math.round(bottom / 20), left])"
    )
    assert len(places) > 8
    assert places == sorted(places)


@pytest.fixture(scope="module")
def axe() -> str:
    pytest.importorskip("axe_playwright_python")
    return files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "words",
    [
        *(
            "",
            "view=cells&sort=accuracy&method=em-fu22",
            "view=claims",
            "view=ratings",
            "view=reported&q=sem",
            "view=entries",
        ),
        *(f"open={CELL}", "open=entry/method/sem-liu24"),
    ],
    ids=["methods", "cells", "claims", "ratings", "reported", "entries", "details", "card"],
)
def test_axe_finds_nothing(visit: Callable[..., Any], axe: str, width: int, scheme: str, words: str) -> None:
    browser = visit(words, width=width, scheme=scheme)
    if not words:
        browser.run("for (const menu of document.querySelectorAll('details')) menu.open = true")
        browser.run("for (const fold of document.querySelectorAll('.fold')) fold.click()")
    browser.run(axe)
    found = browser.driver.execute_async_script("axe.run({ resultTypes: [] }).then(arguments[0])")
    assert {"button-name", "color-contrast"} <= {rule["id"] for rule in found["passes"]}
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
