"""The report of a run says what the database says, as a page and on the terminal."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrations_ops.admin import run_detail, run_report
from migrations_ops.models import Override, Run, StepRun
from migrations_ops.reports import sections
from tests.support import queries
from tests.support.admin_client import address, platform_admin, visible_text
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on

SLUGS = {"vital-platform": PLATFORM, "digital-health": DIGITAL_HEALTH, "pharma": PHARMA}
GIVEN = """
    SELECT count(*) FROM public.{table} AS t
    WHERE t.tenant_id = %s::uuid
      AND NOT EXISTS (SELECT FROM vital.baseline_row AS b WHERE b.relation = 'public.{table}' AND b.key = t.id::text)
"""
WHY = "Жанна said so: naïve 😀 日本 <script>alert(1)</script>"


@pytest.fixture
def on_migrated(migrated: Scratch, django_db_blocker: Any) -> Iterator[Scratch]:
    with django_on(migrated.owner_url, django_db_blocker):
        run_detail._remembered_runs.forget()
        yield migrated


def report(scratch: Scratch, manage: Manage, *words: str) -> dict[str, Any]:
    done = manage(scratch, "migrate_tenants", "report", *words, "--json")
    assert done.returncode == 0, said(done)
    return document(done)


def test_the_report_has_what_the_database_has(migrated_template: Scratch, manage: Manage) -> None:
    told = report(migrated_template, manage, "1")

    assert (told["run"]["id"], told["run"]["status"]) == (1, "completed")
    assert told["plan"]["digest"] == queries.scalar(migrated_template, "SELECT plan_digest FROM vital.run")
    assert [phase["phase"] for phase in told["phases"]] == list(queries.PHASES)
    of_table = {table["table"]: table["tenants"] for table in told["rows"]["tables"]}
    for table in ("tools", "agents", "prompts", "knowledge_base"):
        for slug, tenant in SLUGS.items():
            given = queries.scalar(migrated_template, GIVEN.format(table=table), tenant)
            assert of_table[table].get(slug, 0) == given, (table, slug)
    made = len(queries.made_assignments(migrated_template))
    assert told["rows"]["added"]["agent_tool_assignments"] == made
    outcomes = dict(rows(migrated_template.admin_url, "SELECT outcome, count(*) FROM vital.step_run GROUP BY 1"))
    counted = [check["outcome"] for check in told["checks"]]
    assert {one: counted.count(one) for one in set(counted)} == {
        one: count for one, count in outcomes.items() if one in ("PASS", "WARN", "FAIL")
    }


def test_fingerprints_before_and_after_stand_side_by_side(migrated_template: Scratch, manage: Manage) -> None:
    baseline = dict(rows(migrated_template.admin_url, "SELECT relation, fingerprint::text FROM vital.baseline"))

    compared = {table["table"]: table for table in report(migrated_template, manage)["comparison"]}

    assert set(compared) == {relation.removeprefix("public.") for relation in baseline}
    for relation, fingerprint in baseline.items():
        table = compared[relation.removeprefix("public.")]
        assert table["fingerprint_before"] == table["fingerprint_now"] == fingerprint
        assert table["same_content"]


def test_a_foreign_write_changes_the_fingerprint_after(migrated: Scratch, manage: Manage) -> None:
    rows(migrated.admin_url, "UPDATE tools SET name = name || '!' WHERE id = (SELECT min(id::text)::uuid FROM tools)")
    again = manage(migrated, "migrate_tenants", "--only", "005", "--yes")
    assert again.returncode == 0, said(again)

    tools = next(table for table in report(migrated, manage)["comparison"] if table["table"] == "tools")

    assert tools["fingerprint_before"] != tools["fingerprint_now"]
    assert tools["foreign"] == 1


@pytest.mark.slow
def test_an_undo_reports_what_it_took_back(migrated: Scratch, manage: Manage) -> None:
    before = report(migrated, manage)["rows"]
    assert manage(migrated, "migrate_tenants", "undo", "--phase", "003", "--yes").returncode == 0

    undone = report(migrated, manage)

    assert undone["run"]["kind"] == "undo"
    assert {phase["status"] for phase in undone["phases"]} == {"rolled_back"}
    assert undone["rows"]["rows"] == before["rows"]
    assert undone["rows"]["tables"] == before["tables"]
    assert undone["rows"]["added"] == {"agent_tool_assignments": before["added"]["agent_tool_assignments"]}


def test_the_page_escapes_what_people_wrote_and_needs_nothing_else(on_migrated: Scratch) -> None:
    admin, run = platform_admin(), Run.objects.get()
    decided(run)

    answer = admin.get(address("report", run.pk))

    page = answer.content.decode()
    assert "Жанна said so: naïve 😀 日本 &lt;script&gt;" in page
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="?([^">]*)', page) == [address("change", run.pk)], "nothing but the way back"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    told = visible_text(page)
    assert f"Run {run.pk} of {on_migrated.name}" in told
    for outcome in ("PASS", "WARN", "FAIL"):
        assert f"{StepRun.objects.filter(outcome=outcome).count()} {outcome}" in told


def test_tenants_that_the_report_leaves_out_are_a_click_away(
    on_migrated: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, run = platform_admin(), Run.objects.get()
    monkeypatch.setattr(sections, "MOST", 1)
    monkeypatch.setattr(run_report, "TENANTS", 2)
    every = address("tenants", run.pk)

    assert f'<a href="{every}">Rows of every tenant</a>' in admin.get(address("report", run.pk)).content.decode()

    first = admin.get(every)
    assert "default-src 'none'" in first["Content-Security-Policy"]
    assert "Tenants 1 to 2 of 3." in visible_text(first.content.decode())
    found = [
        re.findall(r'href="([^"]*tenantrecord[^"]*)"', admin.get(f"{every}?p={n}").content.decode()) for n in (1, 2)
    ]
    assert [len(links) for links in found] == [2, 1]
    links = [link for page in found for link in page]
    assert sorted(links) == sorted(f"/admin/tenants/tenantrecord/{slug}/change/" for slug in SLUGS)
    assert all(admin.get(link).status_code == 200 for link in links)


def decided(run: Run) -> None:
    Override.objects.create(relation="public.users", key="u1", tenant_id=PHARMA, reason=WHY, decided_by="Zoë")
    Override.objects.update(decided_at=run.started_at)


def test_the_command_writes_it(migrated_template: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "report.html"

    done = manage(migrated_template, "migrate_tenants", "report", "--file", str(file))

    assert done.returncode == 0, said(done)
    assert "Rows by table and tenant" in done.stdout
    assert f"The report is in {file}." in done.stdout
    assert file.read_bytes().startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["4711"], "There is no run 4711."),
        (["first"], "report takes the id of one run"),
        (["--file", "report.pdf"], "A report is written as a page: --file report.html"),
        (["--file", "/nowhere/report.html"], "cannot be written to /nowhere/report.html: No such file"),
    ],
)
def test_what_cannot_be_is_told(migrated_template: Scratch, manage: Manage, words: list[str], sentence: str) -> None:
    done = manage(migrated_template, "migrate_tenants", "report", *words)

    assert (done.returncode, sentence in done.stderr) == (2, True), said(done)


def test_before_any_run_there_is_nothing_to_report(legacy: Scratch, manage: Manage) -> None:
    done = manage(legacy, "migrate_tenants", "report")

    assert (done.returncode, "There was no run in this database yet" in done.stderr) == (2, True), said(done)
