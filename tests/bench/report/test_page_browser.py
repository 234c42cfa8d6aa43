"""The page in a real browser, opened from the disk."""

import shlex
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.config.load import load_grid
from bench.records.schema import Record, VictimRecord
from bench.records.store import Store
from bench.report import leaderboard

webdriver = pytest.importorskip("selenium.webdriver")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(DRIVER is None, reason="needs Chromium and chromedriver")

HOSTILE = '</script><img src="x" onerror="document.title=1">'
RELEASED = {"dataset": "cifar10", "protocol": "paper-v1"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, matrix: list[Record]) -> str:
    store = Store(tmp_path_factory.mktemp("page"))
    for record in matrix:
        store.write(record)
    leaderboard.write(store.root, store.root)
    return (store.root / "index.html").as_uri()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    def go(words: str = "", at: str = address, width: int = 1440, scheme: str = "light") -> Any:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get("about:blank")
        browser.get(f"{at}#{words}")
        return browser

    yield go
    assert browser.get_log("browser") == []


def texts(browser: Any, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
    return list(browser.execute_script(script, selector))


def click(browser: Any, selector: str) -> None:
    browser.execute_script("document.querySelector(arguments[0]).click()", selector)


def words_of(browser: Any) -> str:
    return str(browser.execute_script("return location.hash"))


@pytest.mark.parametrize("width", [360, 390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["methods", "cells"])
def test_it_fits_and_takes_the_readers_colours(visit: Callable[..., Any], width: int, scheme: str, view: str) -> None:
    browser = visit(f"view={view}", width=width, scheme=scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    script = "return getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"
    paper = browser.execute_script(script)
    assert (min(paper) > 200) if scheme == "light" else (max(paper) < 60)


def test_sorting_is_told_and_kept_in_the_address(visit: Callable[..., Any]) -> None:
    browser = visit()
    assert texts(browser, "tbody th")[:3] == ["clean", "random", "em-fu22"]
    click(browser, '[data-sort="protection"]')
    assert texts(browser, "tbody th")[0] == "sem-liu24"
    assert texts(browser, '[aria-sort="ascending"]') == ["protection score"]
    click(browser, '[data-sort="protection"]')
    assert texts(browser, "tbody th")[0] == "random"
    assert texts(browser, "tbody th")[-1] in {"clean", "em-fu22", "rem-fu22"}  # those without a score stay last
    assert words_of(browser) == "#sort=protection&order=falling"


def test_filters_columns_and_search(visit: Callable[..., Any]) -> None:
    browser = visit("view=cells")
    click(browser, '[data-facet="victim"] summary')
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    click(browser, '[data-facet="victim"] label:last-child input')
    assert set(texts(browser, "tbody td:nth-child(2)")) == {"vgg16_bn"}
    assert texts(browser, "#status") == ["14 of 29 cells"]
    browser.execute_script(
        "const box = document.querySelector('#search'); box.value = 'sem'; box.dispatchEvent(new Event('input'))"
    )
    assert texts(browser, "#status") == ["3 of 29 cells"]
    assert "protocol" in texts(browser, "thead button")
    browser.execute_script(
        "[...document.querySelectorAll('#columns label')].find((each) => each.textContent === 'protocol').click()"
    )
    assert "protocol" not in texts(browser, "thead button")
    assert words_of(browser) == "#view=cells&q=sem&victim=vgg16_bn&column=protocol"


@pytest.mark.parametrize(
    ("form", "start", "within"),
    [
        ("markdown", "synthetic (dddddddd), test-v1, fp32", "| **30.75 ± 1.86** |"),
        ("latex", "% synthetic", r"& \textbf{30.75 $\pm$ 1.86} &"),
        ("csv", 'table,method,rank,protection score,"resnet18, rho_a 0",', ",-62.00 ± 0.00,"),
    ],
)
def test_what_is_shown_can_be_copied(visit: Callable[..., Any], form: str, start: str, within: str) -> None:
    browser = visit("method=sem-liu24&victim=resnet18")
    browser.execute_script("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    click(browser, f'[data-format="{form}"]')
    copied = browser.execute_script("return window.copied")
    assert copied.startswith(start)
    assert len([each for each in copied.splitlines() if "sem-liu24" in each]) == 1
    assert "rem-fu22" not in copied
    assert within in copied


def test_a_link_opens_a_cell_and_escape_closes_it(visit: Callable[..., Any]) -> None:
    place = "synthetic-test-v1-fp32/em-fu22/vgg16_bn/2/standard/100/all"
    browser = visit(f"open={place}")
    assert texts(browser, "#details-title") == ["em-fu22 · vgg16_bn"]
    assert texts(browser, "#details .big")[0].endswith(" %")
    assert len(browser.find_elements("css selector", "#details .line")) == 6  # three seeds, and those of clean
    assert len(texts(browser, "#details tbody tr")) == 3
    browser.switch_to.active_element.send_keys("\ue00c")
    assert words_of(browser) in {"", "#"}
    assert not browser.execute_script("return document.querySelector('#details').open")


def test_the_command_of_a_cell_asks_for_that_cell(
    visit: Callable[..., Any], tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    for seed in (0, 2):
        Store(tmp_path).write(make_victim("em-fu22", "vgg16_bn", 0.5, seed, 20.0, cell=RELEASED))
    leaderboard.write(tmp_path, tmp_path)
    browser = visit(at=(tmp_path / "index.html").as_uri())
    click(browser, "tbody button.value")
    words = shlex.split(texts(browser, "#command")[0])
    grid, protocol = load_grid("smoke", [after for word, after in pairwise(words) if word == "--set"])
    assert (grid.datasets, grid.methods, grid.victims) == (("cifar10",), ("em-fu22",), ("vgg16_bn",))
    assert (grid.radii, grid.seeds, grid.countermeasures, grid.shares) == ((0.5,), (0, 2), ("standard",), (100,))
    assert protocol.name == "paper-v1"


def test_hostile_text_is_only_text(
    visit: Callable[..., Any], tmp_path: Path, make_victim: Callable[..., VictimRecord]
) -> None:
    Store(tmp_path).write(make_victim("em-fu22", "resnet18", 0.0, 0, 20.0, by=HOSTILE))
    leaderboard.write(tmp_path, tmp_path)
    browser = visit(at=(tmp_path / "index.html").as_uri())
    click(browser, "tbody button.value")
    assert HOSTILE in texts(browser, "#details td")
    assert browser.find_elements("css selector", "img") == []
    assert browser.title == "Unlearnable examples: leaderboard"


def test_a_page_without_records_says_so(visit: Callable[..., Any], tmp_path: Path) -> None:
    leaderboard.write(tmp_path, tmp_path)
    browser = visit(at=(tmp_path / "index.html").as_uri())
    assert texts(browser, "#main") == ["No records yet."]


def test_the_theme_can_be_chosen(visit: Callable[..., Any]) -> None:
    browser = visit(scheme="dark")
    click(browser, "#theme")
    assert texts(browser, "#theme") == ["Theme: light"]
    assert browser.execute_script("return getComputedStyle(document.documentElement).colorScheme") == "light"
    browser.refresh()
    assert texts(browser, "#theme") == ["Theme: light"]
    browser.execute_script("localStorage.clear()")
