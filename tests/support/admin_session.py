"""Somebody who has logged in at /admin/ of a service, by the cookies that their browser would have."""

import secrets
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.support.command_results import Manage, said
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest

LOGIN = "/admin/login/?next=/admin/"


def of_superuser(opened: ServiceUnderTest, manage: Manage, name: str) -> dict[str, str]:
    """The cookies `sessionid` and `csrftoken` of a superuser with this name, who is made and logs in."""
    password = secrets.token_urlsafe(16)
    command = ("createsuperuser", "--noinput", "--username", name, "--email", f"{name}@example.org")
    done = manage(opened.database, *command, env={"DJANGO_SUPERUSER_PASSWORD": password})
    assert done.returncode == 0, said(done)
    csrf = _cookies(opened.service.get(LOGIN))["csrftoken"]
    form = {"username": name, "password": password, "csrfmiddlewaretoken": csrf}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={csrf}"}
    answer = opened.service.call("POST", LOGIN, headers, urlencode(form).encode())
    assert answer.status == 302, answer
    return _cookies(answer)


def _cookies(answer: Answer) -> dict[str, str]:
    jar = SimpleCookie("; ".join(line.split(";")[0] for line in answer.headers.get_all("Set-Cookie") or []))
    return {name: morsel.value for name, morsel in jar.items()}
