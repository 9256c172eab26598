"""A person in a real browser: what a page says, its console errors, its layout, and its accessibility."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Response, ViewportSize

PICTURES = Path(os.environ.get("VITAL_SCREENSHOTS") or "build/screenshots")
WIDE = ViewportSize(width=1440, height=900)
NARROW = ViewportSize(width=390, height=844)
# What somebody may look at a page in: the width of the window, and light.
LOOKS: dict[str, tuple[ViewportSize, Literal["light", "dark"]]] = {
    "wide, by day": (WIDE, "light"),
    "wide, by night": (WIDE, "dark"),
    "narrow, by day": (NARROW, "light"),
    "narrow, by night": (NARROW, "dark"),
}
SERIOUS = ("serious", "critical")
AXE = {"resultTypes": ["violations"]}  # what holds is not told, which takes longer than to find it


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def _an_aborted_one_passed_over() -> Iterator[None]:
    """Pass over a navigation that another one ended; a download ends one too, and is told."""
    try:
        yield
    except Error as error:
        ended = any(words in str(error) for words in ("ERR_ABORTED", "interrupted by another navigation"))
        if not ended or "Download" in str(error):
            raise


class Visitor:
    """One page of the control room. Whatever its console says as an error is remembered, and any answer over 399."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.complaints = page, url, list[str]()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def open(self, path: str) -> Response:
        """A page that loads itself anew at this very moment ends the way to another: a person would click again."""
        for _ in range(3):
            with _an_aborted_one_passed_over():
                if answer := self.page.goto(self.url + path, wait_until="networkidle"):
                    return answer
        raise AssertionError(f"{path} does not open from {self.page.url}")

    def look(self, look: str) -> None:
        """One of LOOKS; a page that is open already stays as it is loaded, as where somebody turns the device."""
        size, scheme = LOOKS[look]
        self.page.set_viewport_size(size)
        self.page.emulate_media(color_scheme=scheme)

    def log_in(self, name: str, password: str) -> None:
        self.open("/admin/login/")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/admin/")

    def main(self) -> Locator:
        return self.page.locator("#main, #content").first

    def screenshot(self, name: str) -> Path:
        """Keep what is seen now, as build output."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        file = PICTURES / f"{name}.png"
        self.page.screenshot(path=file, full_page=True)
        return file

    def overflow(self) -> int:
        """How many pixels the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def cut_cells(self) -> int:
        """Cells of a list that are lower than their words."""
        cells = "[...document.querySelectorAll('#result_list td, #result_list tbody th')]"
        return int(self.page.evaluate(f"{cells}.filter((one) => one.scrollHeight > one.clientHeight + 1).length"))

    def accessibility_violations(self) -> list[str]:
        """What would keep somebody out, as axe has it: rule and where, serious ones only."""
        found = Axe().run(self.page, options=AXE).response["violations"]
        return [
            f"{rule['id']}: {rule['help']} at {node['target']}"
            for rule in found
            if rule["impact"] in SERIOUS
            for node in rule["nodes"]
        ]
