"""The admin's forms, sent as a browser sends them."""

import re

from tests.support.service import Service


def form_of(service: Service, path: str = "/admin/login/") -> tuple[str, str]:
    """The token against forgery, and the cookie that goes with it."""
    page = service.get(path)
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert found
    return found[1], page.headers["Set-Cookie"].partition(";")[0]
