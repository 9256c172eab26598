"""A run's report as one prints it for an auditor: a title page of its own, then the sections, nothing cut off."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.browser_visitor import Visitor

REPORT = "/admin/migrations_ops/run/1/report/"
A4 = 210 / 25.4 * 96  # its width in pixels of CSS
MARGINS = 30 / 25.4 * 96


@pytest.fixture
def paper(visitor: Visitor) -> Page:
    visitor.open(REPORT)
    visitor.page.emulate_media(media="print")
    return visitor.page


def pages(page: Page, file: Path) -> int:
    """How many pages the browser prints."""
    page.pdf(path=file, prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", file.read_bytes()))


def shown(page: Page, selector: str, display: str) -> None:
    page.eval_on_selector(selector, "(element, display) => { element.style.display = display }", display)


def test_the_title_page_is_one_page_and_the_sections_follow(paper: Page, tmp_path: Path) -> None:
    whole = pages(paper, tmp_path / "whole.pdf")
    shown(paper, "main", "none")
    cover = pages(paper, tmp_path / "cover.pdf")
    shown(paper, "main", "block")
    shown(paper, ".cover", "none")
    rest = pages(paper, tmp_path / "rest.pdf")

    assert cover == 1
    assert rest >= 2
    assert whole == 1 + rest


def test_the_title_page_says_who_when_by_which_plan_and_what_came_of_it(paper: Page) -> None:
    cover = paper.locator(".cover").inner_text()

    for wanted in (r"Run 1 of ", r"result\s+completed", r"started by\s+\S+@", r"digest [0-9a-f]{64}", r"\d+ PASS"):
        assert re.search(wanted, cover), wanted
    assert re.search(r"started\s+\d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d UTC", cover)
    assert "Rows by table and tenant" in cover


def test_nothing_is_wider_than_the_sheet_or_has_a_shadow(paper: Page) -> None:
    paper.set_viewport_size({"width": int(A4 - MARGINS), "height": 1000})

    assert paper.evaluate("document.documentElement.scrollWidth") <= A4 - MARGINS
    shadows = "[...document.querySelectorAll('*')].filter(e => getComputedStyle(e).boxShadow !== 'none').length"
    assert paper.evaluate(shadows) == 0
    heads = paper.eval_on_selector_all("thead", "all => all.map(one => getComputedStyle(one).display)")
    assert set(heads) == {"table-header-group"}
