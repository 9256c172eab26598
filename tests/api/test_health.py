"""The probe answers without a database."""

from django.test import Client

from vital import __version__


def test_live_says_so_with_the_version_and_nothing_more(client: Client) -> None:
    answer = client.get("/health/live")

    assert (answer.status_code, answer.json()) == (200, {"status": "live", "version": __version__})
