"""A Chromium that looks as a desk's screen or a phone does, and that reports what went wrong."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
)
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_SECONDS = 10
WIDE = (1440, 900)
PHONE = (390, 844)
WIDTHS = (360, 390, 600, 768, 1024, 1200, 1440)  # pixels
SMALLEST_TAP = 40  # pixels: what a thumb hits
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--force-prefers-reduced-motion"),
)
REFUSAL = re.compile(r"the server responded with a status of (\d+)")
IN_MOTION = (StaleElementReferenceException, ElementClickInterceptedException)
"""What elements do while a page is replaced or its window changes size."""

TOO_WIDE = """
return [document.documentElement, ...document.querySelectorAll(".desk-panel, .desk-account, main")]
    .filter(each => each.scrollWidth > each.clientWidth)
    .map(each => each.outerHTML.slice(0, 160));
"""
TOO_SMALL = """
return [...document.querySelectorAll("button, .btn, select, input:not([type=hidden]), nav a")]
    .filter(each => each.offsetParent && each.getBoundingClientRect().height < arguments[0])
    .map(each => each.outerHTML.slice(0, 160));
"""


class Browser:
    """One window."""

    def __init__(self, driver: webdriver.Chrome, address: str, screenshots: Path) -> None:
        self.driver = driver
        self.address = address
        self.screenshots = screenshots

    def open(self, path: str) -> None:
        self.driver.get(f"{self.address}{path}")

    @property
    def path(self) -> str:
        return str(self.driver.current_url.removeprefix(self.address))

    def all(self, selector: str) -> list[WebElement]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def one(self, selector: str) -> WebElement:
        """Wait for an element that can be seen."""
        found: WebElement = self._wait(
            lambda: next((each for each in self.all(selector) if each.is_displayed()), None),
            f"nothing to be seen fits {selector}",
        )
        return found

    def text(self) -> str:
        return self.one("body").text

    def until_text(self, wanted: str) -> None:
        self._wait(lambda: wanted in self.text(), f"{wanted!r} does not come up")

    def until_path(self, wanted: str) -> None:
        self._wait(lambda: self.path == wanted, f"{wanted} is not reached, but {self.path}")

    def fill(self, name: str, value: str) -> None:
        field = self.one(f"[name={name}]")
        field.clear()
        field.send_keys(value)

    def press(self, text: str) -> None:
        """Press the button or follow the link of this text."""
        self._wait(lambda: self._click(self._saying(text)), f"no button or link says {text!r}")

    def press_element(self, selector: str) -> None:
        self._wait(lambda: self._click(self.one(selector)), f"{selector} cannot be pressed")

    def shoot(self, name: str) -> None:
        """Keep pictures of the page as wide screens and phones show it, and check that it fits."""
        self._shoot(f"{name}-wide", WIDE, is_phone=False)
        self._shoot(f"{name}-phone", PHONE, is_phone=True)
        too_small = self.driver.execute_script(TOO_SMALL, SMALLEST_TAP)
        too_wide = {width: self._overflow(width) for width in WIDTHS}
        self._cdp("Emulation.clearDeviceMetricsOverride", {})
        assert too_small == [], f"{name} is hard to tap"
        assert not any(too_wide.values()), f"{name} does not fit: {too_wide}"

    def picture(self, name: str) -> None:
        """Keep pictures of a page whose looks are a package's."""
        self._shoot(f"{name}-wide", WIDE, is_phone=False)
        self._shoot(f"{name}-phone", PHONE, is_phone=True)
        self._cdp("Emulation.clearDeviceMetricsOverride", {})

    def shoot_dark(self, name: str) -> None:
        scheme = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
        self._cdp("Emulation.setEmulatedMedia", scheme)
        self._shoot(f"{name}-dark", WIDE, is_phone=False)
        self._cdp("Emulation.setEmulatedMedia", {"features": []})
        self._cdp("Emulation.clearDeviceMetricsOverride", {})

    def resize(self, size: tuple[int, int], *, is_phone: bool) -> None:
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
        self._cdp("Emulation.setDeviceMetricsOverride", metrics)

    def complaints(self) -> list[str]:
        """Return what the console holds: failed loads, script errors, policy violations."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def refusals(self) -> list[str]:
        """Return the statuses that the console complains of, and nothing else may be in it."""
        found = []
        for message in self.complaints():
            status = REFUSAL.search(message)
            assert status, message
            found.append(status[1])
        return found

    def _shoot(self, name: str, size: tuple[int, int], *, is_phone: bool) -> None:
        self.resize(size, is_phone=is_phone)
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => setTimeout(done, 300))"
        )
        height = int(self.driver.execute_script("return document.documentElement.scrollHeight"))
        self.resize((size[0], min(max(height, size[1]), 6000)), is_phone=is_phone)
        self.driver.save_screenshot(str(self.screenshots / f"{name}.png"))
        self.resize(size, is_phone=is_phone)

    def _overflow(self, width: int) -> list[str]:
        self.resize((width, 900), is_phone=width < 600)
        found: list[str] = self.driver.execute_script(TOO_WIDE)
        return found

    def _saying(self, text: str) -> WebElement | None:
        buttons = [each for each in self.all("button, a") if each.is_displayed()]
        return next((each for each in buttons if each.text.strip() == text), None)

    def _click(self, found: WebElement | None) -> bool:
        if found is not None:
            found.click()
        return found is not None

    def _cdp(self, command: str, values: dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(command, values)

    def _wait(self, condition: Any, complaint: str) -> Any:
        patience = WebDriverWait(self.driver, PATIENCE_SECONDS, ignored_exceptions=IN_MOTION)
        return patience.until(lambda _: condition(), f"{complaint}, at {self.driver.current_url}")


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """Start a Chromium on a profile of its own, and end it with all its processes."""
    binary = next((found for each in BROWSERS if (found := shutil.which(each))), None)
    driver_binary = shutil.which("chromedriver")
    if binary is None or driver_binary is None:
        pytest.skip(
            "no Chromium with its chromedriver is on this machine; on Debian and Ubuntu: "
            "apt-get install chromium chromium-driver"
        )
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1440,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_binary))
    try:
        yield driver
    finally:
        driver.quit()
