"""Every link of every page, followed once in a browser from the first page on: each answers, says no error in the
console, fits the window, and keeps nobody out."""

import pytest
from playwright.sync_api import Error

from tests.support.browser_visitor import LOOKS, Visitor
from tests.support.link_walk import Seen, Walk

LINKS = """() => [...document.querySelectorAll("a[href], link[href], [hx-get]")].map(
  (one) => one.getAttribute("href") ?? one.getAttribute("hx-get")
)"""
PLACES = """() => [...document.querySelectorAll("[id]")].map((one) => one.id)"""
pytestmark = pytest.mark.timeout(1200)  # some hundred and fifty pages, each with its questions; the machine may be busy
SENT = "Download is starting"  # a file, which no page is shown of


class Follower:
    """Opens pages in the browser. `faults` has what a person would stumble over on them."""

    def __init__(self, visitor: Visitor, barriers: bool) -> None:
        self.visitor, self.barriers, self.faults = visitor, barriers, list[str]()

    def __call__(self, address: str) -> Seen:
        page, complaints = self.visitor.page, self.visitor.complaints
        try:
            answer = self.visitor.open(address)
        except Error as error:
            if SENT not in str(error):
                raise
            return Seen(page.request.get(self.visitor.url + address).status)
        is_page = "</html>" in answer.text()
        if is_page:
            self._judge(address)
        complaints.clear()
        links = {link for link in page.evaluate(LINKS) if link}
        return Seen(answer.status, links, {*page.evaluate(PLACES)}, is_page)

    def _judge(self, address: str) -> None:
        """A part of a page is judged on the page that asks for it: alone it has no style, and no icon."""
        self.faults += [f"{address}: {complaint}" for complaint in self.visitor.complaints]
        if self.visitor.overflow() > 0:
            self.faults.append(f"{address} is wider than the window")
        if self.barriers:
            self.faults += [f"{address}: {found}" for found in self.visitor.accessibility_violations()]


@pytest.mark.parametrize("look", [pytest.param(look, marks=pytest.mark.slow) for look in LOOKS])
def test_no_link_leads_nowhere_and_every_page_is_whole(visitor: Visitor, look: str) -> None:
    _walked(visitor, look, barriers=True)


def test_no_link_leads_nowhere(visitor: Visitor) -> None:
    """The same in one look and without axe: a minute."""
    _walked(visitor, "narrow, by night", barriers=False)


def _walked(visitor: Visitor, look: str, *, barriers: bool) -> None:
    visitor.look(look)
    follower = Follower(visitor, barriers)
    walk = Walk(follower)

    walk.from_page("/admin/")

    assert walk.problems == []
    assert follower.faults == []
    assert walk.missing_places() == []
    assert len(walk.opened) >= 100, "too few pages: are there links?"
