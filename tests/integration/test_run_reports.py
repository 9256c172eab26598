"""The report of a run says what the database says, as a page, as a PDF and on the terminal; and two runs compared."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from migrations_ops.admin import run_page
from migrations_ops.models import Override, Run, StepRun
from migrations_ops.reporting import pdf
from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM, Manage
from tests.support import looking
from tests.support.databases import Scratch, rows
from tests.support.inside import django_on
from tests.support.looking import document, said
from tests.support.room import address, boss, seen, text

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
        run_page._seats.forget()
        yield migrated


def report(scratch: Scratch, manage: Manage, *words: str) -> dict[str, Any]:
    done = manage(scratch, "migrate_tenants", "report", *words, "--json")
    assert done.returncode == 0, said(done)
    return document(done)


def test_the_report_has_what_the_database_has(migrated_template: Scratch, manage: Manage) -> None:
    told = report(migrated_template, manage, "1")

    assert (told["run"]["id"], told["run"]["status"]) == (1, "completed")
    assert told["plan"]["digest"] == looking.one(migrated_template, "SELECT plan_digest FROM vital.run")
    assert [phase["phase"] for phase in told["phases"]] == list(looking.PHASES)
    of_table = {table["table"]: table["tenants"] for table in told["rows"]["tables"]}
    for table in ("tools", "agents", "prompts", "knowledge_base"):
        for slug, tenant in SLUGS.items():
            given = looking.one(migrated_template, GIVEN.format(table=table), tenant)
            assert of_table[table].get(slug, 0) == given, (table, slug)
    made = len(looking.made_assignments(migrated_template))
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
    admin, run = boss(), Run.objects.get()
    decided(run)

    answer = admin.get(address("report", run.pk))

    page = answer.content.decode()
    assert "Жанна said so: naïve 😀 日本 &lt;script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    told = seen(page)
    assert f"Run {run.pk} of {on_migrated.name}" in told
    for outcome in ("PASS", "WARN", "FAIL"):
        assert f"{StepRun.objects.filter(outcome=outcome).count()} {outcome}" in told


def decided(run: Run) -> None:
    Override.objects.create(relation="public.users", key="u1", tenant_id=PHARMA, reason=WHY, decided_by="Zoë")
    Override.objects.update(decided_at=run.started_at)


def test_a_pdf_keeps_every_letter_where_there_is_a_font(on_migrated: Scratch) -> None:
    if not any(Path(file).is_file() for file in pdf.FONTS):
        pytest.skip("no font for all letters on this machine: apt-get install fonts-dejavu-core")
    admin, run = boss(), Run.objects.get()
    decided(run)

    answer = admin.get(address("report_pdf", run.pk))

    assert answer["Content-Type"] == "application/pdf"
    assert f'filename="run-{run.pk}.pdf"' in answer["Content-Disposition"]
    letters = letters_of(answer.content)
    assert {"Ж", "ï", "ë"} <= letters
    assert pdf.LACKING[:20] not in answer.content.decode("latin-1")


def test_a_pdf_without_a_font_says_what_it_lacks(on_migrated: Scratch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "FONTS", ())
    admin, run = boss(), Run.objects.get()
    decided(run)

    told = words_of(admin.get(address("report_pdf", run.pk)).content)

    assert f"Run {run.pk} of {on_migrated.name}" in told
    assert "????? said so: naïve" in told
    assert "Name one in VITAL_PDF_FONT." in told
    assert "006_row_level_security" in told


def streams(content: bytes) -> Iterator[bytes]:
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            yield zlib.decompress(packed)
        except zlib.error:  # what tells letters from glyphs is not packed
            yield packed


def words_of(content: bytes) -> str:
    """The text of a PDF in a core font, in reading order."""
    shown = (part for stream in streams(content) for part in re.findall(rb"\((.*?)(?<!\\)\) ?Tj", stream, re.DOTALL))
    return " ".join(part.decode("latin-1") for part in shown)


def letters_of(content: bytes) -> set[str]:
    """The letters that an embedded font of a PDF says it shows."""
    named = (code for stream in streams(content) for code in re.findall(rb"<[0-9A-F]+> <([0-9A-F]{4})>", stream))
    return {chr(int(code, 16)) for code in named}


def test_two_runs_side_by_side_with_what_their_plans_differ_in(
    on_migrated: Scratch, manage: Manage, tmp_path: Path
) -> None:
    other = looking.changed_plan(tmp_path, ("tier 3 agents of pharma", "pharma's agents of tier 3"))
    done = manage(on_migrated, "migrate_tenants", "--only", "005", "--yes", "--plan", str(other))
    assert done.returncode == 0, said(done)
    first, second = Run.objects.order_by("id").values_list("pk", flat=True)
    admin = boss()

    chosen = admin.post(address("changelist"), {"action": "compare", "_selected_action": [first, second]})
    page = text(admin, chosen["Location"])

    assert "They were opened with different plans" in page
    assert '+name = "pharma\'s agents of tier 3"' in page
    assert f"--- the plan of run {first}" in page
    assert "004_tenant_data" in page
    one = admin.post(address("changelist"), {"action": "compare", "_selected_action": [first]}, follow=True)
    assert "Tick two runs" in one.content.decode()
    same = text(admin, address("compare"), first=first, second=first)
    assert "Both were opened with the same plan." in same


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_the_command_writes_it(migrated_template: Scratch, manage: Manage, tmp_path: Path, kind: str) -> None:
    file = tmp_path / f"report.{kind}"

    done = manage(migrated_template, "migrate_tenants", "report", "--file", str(file))

    assert done.returncode == 0, said(done)
    assert "Rows by table and tenant" in done.stdout
    assert f"The report is in {file}." in done.stdout
    assert file.read_bytes().startswith(b"%PDF-" if kind == "pdf" else b"<!doctype html>")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["4711"], "There is no run 4711."),
        (["first"], "report takes the id of one run"),
        (["--file", "report.doc"], "A report is a page or a PDF"),
        (["--file", "/nowhere/report.pdf"], "cannot be written to /nowhere/report.pdf: No such file"),
    ],
)
def test_what_cannot_be_is_told(migrated_template: Scratch, manage: Manage, words: list[str], sentence: str) -> None:
    done = manage(migrated_template, "migrate_tenants", "report", *words)

    assert (done.returncode, sentence in done.stderr) == (2, True), said(done)


def test_before_any_run_there_is_nothing_to_report(legacy: Scratch, manage: Manage) -> None:
    done = manage(legacy, "migrate_tenants", "report")

    assert (done.returncode, "There was no run in this database yet" in done.stderr) == (2, True), said(done)
