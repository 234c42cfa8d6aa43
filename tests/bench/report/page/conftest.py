"""The page of `matrix` opened from the disk in a real headless Chromium."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.records.schema import Record
from bench.records.store import Store
from bench.report import leaderboard


class Screen:
    """A page as a reader sees it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def texts(self, selector: str) -> list[str]:
        script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
        return list(self.run(script, selector))

    def click(self, selector: str) -> None:
        self.run("document.querySelector(arguments[0]).click()", selector)

    def press(self, key: str) -> None:
        self.driver.switch_to.active_element.send_keys(key)

    def wait_for(self, script: str) -> None:
        """Wait until a condition holds: the browser reports a closed dialog with a delay."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 20).until(lambda driver: driver.execute_script(f"return {script}"))

    @property
    def words(self) -> str:
        """The view as stated in the address."""
        return str(self.run("return location.hash"))


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory, matrix: list[Record]) -> str:
    store = Store(tmp_path_factory.mktemp("page"))
    for record in matrix:
        store.write(record)
    leaderboard.write_leaderboard(store.root, store.root)
    return (store.root / "index.html").as_uri()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Screen]]:
    def go(words: str = "", at: str = address, width: int = 1440, scheme: str = "light") -> Screen:
        used = browser.current_window_handle
        browser.switch_to.new_window("tab")  # with a history of its own, since Chromium keeps 50 entries
        fresh = browser.current_window_handle
        browser.switch_to.window(used)
        browser.close()
        browser.switch_to.window(fresh)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(f"{at}#{words}")
        return Screen(browser)

    yield go
    assert browser.get_log("browser") == []
