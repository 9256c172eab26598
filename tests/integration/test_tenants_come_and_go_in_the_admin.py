"""Tenants are added, exported and imported in the pages; a page leads to what a tenant has; each change asks first."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from migrations_ops.admin import tenant_archives
from tests.integration.test_tenants_in_the_admin import ASKED, PAGE, last
from tests.support import databases
from tests.support.admin_client import platform_admin_by_role, visible_text
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on_the_cast
from vital.db import scope as context

ADMIN = "the-admin"
LIST, NEW, IMPORT = (f"/admin/tenants/tenantrecord/{page}" for page in ("", "new/", "import/"))
FORM = {"name": "Oncology", "slug": "oncology", "domain": "onco.example", "like": "pharma", "reason": "contract 17"}


@pytest.fixture(scope="module")
def database(server_url: str, migrated_template: Scratch, manage: Manage, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on_the_cast(server_url, migrated_template, manage, django_db_blocker) as scratch:
        yield scratch


@pytest.fixture(scope="module")
def admin(database: Scratch) -> Client:
    return platform_admin_by_role(ADMIN)


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(settings, "BACKUP_DIR", tmp_path / "kept")
    return tmp_path / "kept"


def tenants(database: Scratch) -> list[str]:
    return [slug for (slug,) in databases.rows(database.admin_url, "SELECT slug FROM tenants ORDER BY slug")]


def id_of(database: Scratch, slug: str) -> str:
    return str(databases.rows(database.admin_url, "SELECT id FROM tenants WHERE slug = %s", [slug])[0][0])


def text(answer: Any) -> str:
    return visible_text(answer.content.decode())


def test_a_tenant_is_added_once_the_question_is_answered(admin: Client, database: Scratch) -> None:
    before = tenants(database)
    asked = text(admin.post(NEW, FORM))
    assert "Add Oncology as oncology?" in asked
    assert tenants(database) == before

    page = text(admin.post(NEW, FORM | ASKED, follow=True))

    assert "Oncology is added" in page
    assert "onco.example, oncology" in page
    assert last(database)[:3] == (ADMIN, "add tenant", "contract 17")


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"slug": "Not A Slug"}, "slug", "a slug has small letters"),
        ({"slug": "pharma"}, "slug", "the slug pharma belongs to pharma"),
        ({"domain": "nodots", "slug": "other"}, "domain", "no host name"),
        ({"name": "x" * 101, "slug": "other", "domain": ""}, "name", "a name has 1 to 100"),
        ({"reason": " ", "slug": "other"}, "reason", "This field is required"),
    ],
)
def test_what_does_not_hold_is_said_at_its_field_and_kept(
    admin: Client, database: Scratch, changes: dict[str, str], field: str, sentence: str
) -> None:
    before = tenants(database)

    answer = admin.post(NEW, FORM | {"domain": ""} | changes | ASKED)

    form = answer.context["form"]
    assert any(sentence in error for error in form.errors[field]), form.errors
    assert form["name"].value() == (FORM | changes)["name"]
    assert tenants(database) == before


ACTIONS = {
    "settings": {"limits.max_tools": "7", "initial-limits.max_tools": "100"},
    "state": {},
    "add host": {"host": "ai.pharma.example"},
    "add alias": {"alias": "7e57ab1e-0000-4000-8000-000000000009"},
    "export": {"place": "server"},
}


@pytest.mark.parametrize("what", ACTIONS)
def test_each_action_asks_first_and_wants_a_reason(admin: Client, database: Scratch, what: str, folder: Path) -> None:
    page, noted = PAGE.format(PHARMA), last(database)

    unexplained = admin.post(page, ACTIONS[what] | ASKED | {"what": what})
    asked = admin.post(page, ACTIONS[what] | {"what": what, "reason": "to see it"})

    assert unexplained.context["forms"][what.replace(" ", "_")].errors["reason"]
    assert 'name="confirmed"' in asked.content.decode()
    assert "to see it" in text(asked)
    for name, value in ACTIONS[what].items():
        assert f'name="{name}" value="{value}"' in asked.content.decode()
    assert last(database) == noted
    assert not folder.exists()


def test_a_host_name_is_added_refused_at_its_field_and_removed(admin: Client, database: Scratch) -> None:
    page = PAGE.format(DIGITAL_HEALTH)
    form = {"host": "ai.digital.example", "reason": "its own"} | ASKED

    assert "ai.digital.example" in text(admin.post(page, form | {"what": "add host"}, follow=True))
    again = admin.post(page, form | {"what": "add host"})
    assert "it belongs to digital-health" in again.context["forms"]["add_host"].errors["host"][0]
    assert again.context["forms"]["add_host"]["host"].value() == "ai.digital.example"
    admin.post(page, form | {"what": "remove host"})

    assert last(database)[:3] == (ADMIN, "remove host", "its own")
    assert "ai.digital.example" not in text(admin.get(page))


def test_a_page_leads_to_what_the_tenant_has(admin: Client, database: Scratch) -> None:
    ((number,),) = databases.rows(database.admin_url, "SELECT count(*) FROM tools WHERE tenant_id = %s", [PHARMA])
    answer = admin.get(PAGE.format(PHARMA))
    table = next(row for row in answer.context["rows"] if row["table"] == "tools")

    assert table["rows"] == f"{number:,}"
    assert admin.get(table["link"]).context["cl"].result_count == number
    for name, where in answer.context["links"].items():
        assert admin.get(where).status_code == 200, name
        assert PHARMA in where
    for heading in ("Details", "Rows", "Settings", "Access"):
        assert f">{heading}</h2>" in answer.content.decode()
    chosen = admin.get(answer.context["links"]["add_member"]).content.decode()
    assert f'value="{PHARMA}" selected' in chosen


def exported(admin: Client, tenant: str = DIGITAL_HEALTH) -> bytes:
    form = {"what": "export", "place": "download", "reason": "moves out"} | ASKED
    answer = admin.post(PAGE.format(tenant), form)
    assert "attachment" in answer["Content-Disposition"], text(answer)
    return b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # of a file


def test_an_archive_is_downloaded_and_noted(admin: Client, database: Scratch, folder: Path) -> None:
    with zipfile.ZipFile(BytesIO(exported(admin))) as archive:
        assert "manifest.json" in archive.namelist()

    assert last(database)[:3] == (ADMIN, "export tenant", "moves out")
    assert not folder.exists()


def test_an_archive_on_the_server_is_for_nobody_else(admin: Client, folder: Path) -> None:
    form = {"what": "export", "place": "server", "reason": "moves out"} | ASKED
    said_there = text(admin.post(PAGE.format(PHARMA), form, follow=True))

    (file,) = folder.iterdir()
    assert str(file) in said_there
    assert file.stat().st_mode & 0o777 == 0o600
    assert f"on the server: {file.name}" in text(admin.get(IMPORT))


def test_an_archive_is_checked_and_imported(admin: Client, database: Scratch, manage: Manage, folder: Path) -> None:
    assert "is added" in text(
        admin.post(NEW, FORM | {"slug": "leaving", "domain": "", "name": "L"} | ASKED, follow=True)
    )
    leaving = id_of(database, "leaving")
    content = exported(admin, leaving)
    archive = folder.parent / "leaving.zip"
    archive.write_bytes(content)
    for words in (("suspend", "leaving"), ("remove", "leaving", str(archive), "--confirm", "leaving:0")):
        done = manage(database, "tenants", *words, "--reason", "it moves", "--yes")
        assert done.returncode == 0, said(done)

    def sent(what: str) -> Any:
        upload = SimpleUploadedFile("leaving.zip", content)
        return admin.post(IMPORT, {"archive": "upload", "file": upload, "reason": "back", "what": what}, follow=True)

    assert "Nothing was kept. 0 rows of leaving would go in." in text(sent("check"))
    assert "leaving" not in tenants(database)
    assert "leaving is imported" in text(sent("import"))
    assert id_of(database, "leaving") == leaving
    assert last(database)[:3] == (ADMIN, "import tenant", "back")
    refused = sent("import")
    assert refused.context["form"].errors, "it is there already"


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_what_is_no_archive_is_refused_on_the_page(admin: Client, content: bytes) -> None:
    upload = SimpleUploadedFile("x.zip", content)

    answer = admin.post(IMPORT, {"archive": "upload", "file": upload, "reason": "x", "what": "import"})

    assert answer.status_code == 200
    assert answer.context["form"].errors


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "else.zip"])
def test_no_other_file_of_the_server_is_read(admin: Client, name: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "else.zip").write_bytes(b"")

    answer = admin.post(IMPORT, {"archive": name, "reason": "x", "what": "import"})

    assert "Select a valid choice" in answer.context["form"].errors["archive"][0]


def test_a_tenant_too_big_for_a_page_is_left_to_the_command(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    content = exported(admin)
    monkeypatch.setattr(tenant_archives, "MOST_ROWS", 1)

    page = text(admin.get(PAGE.format(PHARMA)))
    upload = SimpleUploadedFile("x.zip", content)
    refused = admin.post(IMPORT, {"archive": "upload", "file": upload, "reason": "x", "what": "import"})

    assert "./manage.py tenants export pharma FILE" in page
    assert "./manage.py tenants import FILE" in str(refused.context["form"].errors)


def test_the_platform_is_neither_suspended_nor_exported(admin: Client) -> None:
    page = text(admin.get(PAGE.format(PLATFORM)))
    form = {"what": "export", "place": "download", "reason": "x"} | ASKED

    assert "Suspend" not in page
    assert "is the Platform" in text(admin.post(PAGE.format(PLATFORM), form))


def test_staff_that_only_looks_changes_nothing(admin: Client, database: Scratch) -> None:
    before = last(database)
    with context.acting_as(context.operator_scope(read_only=False)):
        looker = User.objects.create_user("looker", is_staff=True)
    client = Client()
    with context.acting_as(context.operator_scope(read_only=False)):
        client.force_login(looker)

    for where, form in (
        (NEW, FORM | ASKED),
        (IMPORT, {}),
        (PAGE.format(PHARMA), {"what": "state", "reason": "x"} | ASKED),
    ):
        assert client.post(where, form).status_code == 403, where
    assert last(database) == before
