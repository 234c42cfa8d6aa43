"""What a reader was doing goes on: focus, scrolled tables, open menus and dialogs, and paper."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COMMITTED = Path(__file__).parents[4] / "results" / "index.html"  # has several tables
CELL = "synthetic-test-v1-fp32/em-fu22/vgg16_bn/2/standard/100/all"
TAB, SPACE = "\ue004", " "


@pytest.mark.parametrize(
    ("began", "ended", "stays"),
    [
        ("{ x: left + 5, y: bottom - 5 }", "{ x: left + 5, y: bottom - 5 }", True),  # the padding
        ("{ x: left + 40, y: top + 40 }", "{ x: 2, y: 2 }", True),  # text was selected, beyond the edge
        ("{ x: 2, y: 2 }", "{ x: 2, y: 2 }", False),
    ],
)
def test_only_a_click_behind_a_dialog_closes_it(visit: Callable[..., Any], began: str, ended: str, stays: bool) -> None:
    browser = visit(f"open={CELL}")
    places = browser.run(
        "const { left, top, bottom } = document.querySelector('#details').getBoundingClientRect();"
        f"return [{began}, {ended}]"
    )
    mouse = {"button": "left", "clickCount": 1}
    for kind, place in zip(("mousePressed", "mouseReleased"), places, strict=True):
        browser.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **place, **mouse})
    assert browser.run("return document.querySelector('#details').open") is stays


def test_a_sorted_table_stays_where_it_was_scrolled_to_and_keeps_the_focus(visit: Callable[..., Any]) -> None:
    browser = visit(at=COMMITTED.as_uri(), width=800)
    script = """
      const tables = () => [...document.querySelectorAll("#main .scroll")];
      tables()[1].scrollLeft = 150;
      tables()[1].querySelector("[data-sort=strongest]").click();
      const active = document.activeElement;
      return [tables()[1].scrollLeft, tables()[1].contains(active), active.dataset.sort];
    """
    assert browser.run(script) == [150, True, "strongest"]


def test_columns_can_be_chosen_one_after_another_by_keyboard(visit: Callable[..., Any]) -> None:
    browser = visit()
    browser.click("#columns summary")
    browser.run("document.querySelectorAll('#columns input')[2].focus()")
    before = browser.texts("#main thead button")
    browser.press(SPACE)
    assert len(browser.texts("#main thead button")) == len(before) - 1
    assert browser.run("return [...document.querySelectorAll('#columns input')].indexOf(document.activeElement)") == 2
    browser.press(SPACE)
    assert browser.texts("#main thead button") == before


def test_a_menu_closes_when_the_reader_tabs_out_of_it(visit: Callable[..., Any]) -> None:
    browser = visit()
    browser.click("#copy summary")
    browser.run("document.querySelector('#copy [data-format=csv]').focus()")
    assert browser.run("return document.querySelector('#copy').open")
    browser.press(TAB)
    assert not browser.run("return document.querySelector('#copy').open")


def test_paper_shows_all_rows_and_what_they_are_of(visit: Callable[..., Any]) -> None:
    browser = visit("view=reported", at=COMMITTED.as_uri())
    rows = browser.run("return DATA.reported.count")
    assert len(browser.texts("#main tbody tr")) < rows
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert len(browser.texts("#main tbody tr")) == rows
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = browser.run("return document.querySelector('#front select').checkVisibility()")
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown
