"""Take the README's pictures anew, from the demo's own data: make pictures. What the demo prints is one of them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from playwright.sync_api import Error, sync_playwright
from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
PORT = "3999"
PICTURES = {"dashboard": "/admin/", "review": "/admin/migrations_ops/finding/queue/"}
WIDTH = 110
BAR = "━"
COLOURED = {"PYTHONUNBUFFERED": "1", "FORCE_COLOR": "1"}
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
LOGIN = re.compile(r"admin: (\S+)/admin/   user: (\w+)   password: (\S+)")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="vital-pictures-") as home:
        Path(home).chmod(0o755)  # as root the demo's server runs as another user
        demo = subprocess.Popen(
            [sys.executable, HERE.parents[1] / "manage.py", "demo"], stdout=subprocess.PIPE, text=True, cwd=home,
            env=os.environ | COLOURED | {"VITAL_DEMO": "1", "VITAL_HOME": home, "PORT": PORT},
        )  # fmt: skip
        try:
            assert demo.stdout is not None
            printed, said = _until_served(demo.stdout)
            _record(printed)
            _take(*said.groups())
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=60)


def _until_served(output: IO[str]) -> tuple[list[str], re.Match[str]]:
    """What the demo prints until it says where to log in, and that line, which has a password."""
    printed: list[str] = []
    for line in output:
        if said := LOGIN.search(line):
            return printed, said
        if BAR not in line:  # without a terminal a bar that moves is written again and again
            printed.append(line.rstrip("\n"))
    sys.exit("\n".join(["The demo has ended:", *printed]))


def _record(lines: list[str]) -> None:
    """The terminal as a picture; its letters are the reader's own, as rich would load some from elsewhere."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        for line in lines:
            console.print(Text.from_ansi(line, no_wrap=True, overflow="ellipsis"))
        picture = console.export_svg(title="make demo", font_aspect_ratio=0.6)
    (HERE / "demo.svg").write_text(FONT_FACE.sub("", picture), encoding="utf-8")


def _take(base: str, user: str, password: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        for _ in range(100):
            try:
                page.goto(f"{base}/admin/login/")
                break
            except Error:  # the service is about to listen
                page.wait_for_timeout(200)
        page.get_by_label("Username").fill(user)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        for name, path in PICTURES.items():
            page.goto(base + path, wait_until="networkidle")
            page.screenshot(path=HERE / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
