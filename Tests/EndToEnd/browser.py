# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without a window, that notes what a page asks for and complains of."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Callable
from urllib.parse import urlsplit

from axe_selenium_python import Axe
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
WHY_NOT = (
    None if CHROMIUM and DRIVER else "there is no Chromium with its driver; scripts/install-deps --browser installs them"
)
DESKTOP = (1280, 900)
PHONE = (360, 740)


class Browser:
    """A context manager: nothing outlives it."""

    def __init__(self, folder: Path, proxy: int | None = None):
        """Through the proxy on that port go all requests, those to this machine too; without one only those to it go."""
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
            "--disable-features=OptimizationHints,MediaRouter,Translate,LocalNetworkAccessChecks",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--user-data-dir={folder / 'profile'}",
        ]:  # fmt: skip
            options.add_argument(flag)
        if proxy is not None:
            options.add_argument(f"--proxy-server=http://127.0.0.1:{proxy}")
            options.add_argument("--proxy-bypass-list=<-loopback>")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=webdriver.ChromeService(DRIVER), options=options)
        self.driver.set_page_load_timeout(30)
        self.resize(DESKTOP)
        # What the page asked for, and what the console said, since the last look.
        self.requested: list[str] = []
        self.complaints: list[str] = []

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(self, address: str) -> None:
        self.driver.get(address)

    def resize(self, size: tuple[int, int]) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 500},
        )

    def prefer(self, **features: str) -> None:
        """Such as `color_scheme="dark"`, which stands for `prefers-color-scheme`."""
        wanted = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    # Looking

    def find(self, selector: str, text: str | None = None) -> WebElement | None:
        """The first that is shown and holds the text."""
        for element in self.driver.find_elements(By.CSS_SELECTOR, selector):
            try:
                if element.is_displayed() and (text is None or text in element.text):
                    return element
            except StaleElementReferenceException:
                continue
        return None

    def wait(self, selector: str, text: str | None = None, limit: float = 20) -> WebElement:
        return self.until(lambda: self.find(selector, text), f"{selector} with {text!r}", limit)

    def until(self, condition: Callable[[], object], what: str, limit: float = 20):
        end = time.monotonic() + limit
        while True:
            try:
                found = condition()
            except StaleElementReferenceException:
                found = None
            if found:
                return found
            if time.monotonic() > end:
                shown = self.driver.find_element(By.TAG_NAME, "body").text
                raise AssertionError(f"{what} did not come within {limit} s; the page shows:\n{shown[:1500]}")
            time.sleep(0.03)

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "main").text

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focused(self) -> str:
        """The name of what has the keyboard, as a screen reader says it."""
        return self.driver.switch_to.active_element.accessible_name

    def click(self, selector: str, text: str | None = None) -> None:
        self.wait(selector, text).click()

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))

    # What went on behind

    def listen(self) -> None:
        """Takes over what the browser has noted since the last time."""
        for line in self.driver.get_log("performance"):
            message = json.loads(line["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
        self.complaints += [f"{line['level']}: {line['message']}" for line in self.driver.get_log("browser")]

    def foreign(self, host: str) -> list[str]:
        """Requests to anybody but `host`, with its port."""
        return [
            url for url in self.requested if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != host
        ]

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it is, for people who cannot see it well or use no mouse."""
        axe = Axe(self.driver)
        axe.inject()
        found = axe.run()["violations"]
        return [f"{one['id']}: {one['help']} at {[node['target'] for node in one['nodes']][:4]}" for one in found]
