"""The execution guide's queries answer as it says, and the logs have its names and words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support import databases, guide, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, said
from tests.support.databases import Scratch
from tests.support.expected_counts import Counts
from tests.support.paths import PACK
from tests.support.queries import PHASES

# The guide's query after 004 counts a product of three tables (75 M rows on the whole pack): an eighth does as well.
THIN = (
    "DELETE FROM knowledge_base WHERE left(id::text, 1) > '1'",
    "DELETE FROM prompts WHERE left(id::text, 1) > '1'",
)


@dataclass
class Steps:
    """A run phase by phase, with what the guide's queries answered to the owner after each."""

    scratch: Scratch
    folder: Path
    runs: list[Done] = field(default_factory=list)
    tracked: list[list[tuple[Any, ...]]] = field(default_factory=list)
    answers: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    broken: Done | None = None
    greps: dict[str, list[str]] = field(default_factory=dict)


def ask(scratch: Scratch, query: str) -> list[tuple[Any, ...]]:
    """The guide's query, character by character, as the tables' owner."""
    with psycopg.connect(scratch.owner_url) as connection:
        return connection.execute(query.encode()).fetchall()


CHECKPOINTS = {
    "001": ("AFTER_001",),
    "002": ("AFTER_002",),
    "003": ("AFTER_003",),
    "004": ("AFTER_004",),
    "006": ("AFTER_001", "AFTER_002", "AFTER_003", "AFTER_004", "UNASSIGNED_AGENTS", "CATEGORY_COLUMN", "API_QUERY"),
}


@pytest.fixture(scope="module")
def steps(legacy_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    scratch = databases.clone(legacy_template)
    for statement in THIN:
        databases.rows(scratch.admin_url, statement)
    journey = Steps(scratch, tmp_path_factory.mktemp("steps"))
    for phase in PHASES:
        number = phase[:3]
        journey.runs.append(manage(scratch, "migrate_tenants", "--to", number, "--yes", cwd=journey.folder))
        assert journey.runs[-1].returncode == 0, said(journey.runs[-1])
        journey.tracked.append(ask(scratch, guide.TRACKING))
        for name in CHECKPOINTS.get(number, ()):
            journey.answers[f"{number} {name}"] = ask(scratch, getattr(guide, name))
    yield journey
    databases.drop(scratch)


def test_what_is_quoted_here_is_the_guides() -> None:
    text = PACK.parent / "execution-guide.md"
    if not text.exists():
        pytest.skip("the guide is not on this machine")
    printed = text.read_text(encoding="utf-8")
    queries = [value for name, value in vars(guide).items() if name.isupper() and isinstance(value, str)]
    assert len(queries) == 9
    for query in queries:
        assert query.strip() in printed.replace("\n    --", "\n--"), query


@pytest.mark.slow
def test_the_tracking_query_shows_each_phase_completed_in_order(steps: Steps) -> None:
    assert [len(rows) for rows in steps.tracked] == [1, 2, 3, 4, 5, 6, 7]
    last = steps.tracked[-1]
    assert [row[1] for row in last] == list(PHASES)
    assert {row[0] for row in last} == {"multi_tenant_migration"}
    assert {row[2] for row in last} == {"completed"}
    for _, phase, _, started, completed, metrics in last:
        assert started < completed, phase
        assert metrics["seconds"] >= 0
        assert metrics["wal_bytes"] > 0, phase
        assert (metrics["longest_lock"] > 0) == (phase[:3] in {"001", "002", "006"}), phase
    changed = {row[1]: row[5]["rows_changed"] for row in last}
    assert changed["003_platform_data"] > 100 < changed["004_tenant_data"]
    assert changed["005_post_validation"] == 0


@pytest.mark.parametrize("after", ["001", "006"])
def test_after_001_tools_have_both_category_columns(steps: Steps, after: str) -> None:
    found = sorted(steps.answers[f"{after} AFTER_001"])
    assert found == [("category", "text"), ("category_id", "uuid")]


@pytest.mark.parametrize("after", ["002", "006"])
def test_after_002_all_three_tenants_exist(steps: Steps, after: str) -> None:
    found = {str(row[0]): row[1:] for row in steps.answers[f"{after} AFTER_002"]}
    assert found == {
        PLATFORM: ("Platform", "vital-platform", True),
        DIGITAL_HEALTH: ("Digital Health Startup", "digital-health", True),
        PHARMA: ("Pharmaceuticals", "pharma", True),
    }


@pytest.mark.parametrize("after", ["003", "006"])
def test_after_003_the_platform_has_tools_and_agents(steps: Steps, counts: Counts, after: str) -> None:
    assert steps.answers[f"{after} AFTER_003"] == [(counts.tools, counts.first_agents_of_the_platform)]


@pytest.mark.parametrize("after", ["004", "006"])
def test_after_004_all_three_tenants_have_data(steps: Steps, after: str) -> None:
    found = {row[0]: row[1:] for row in steps.answers[f"{after} AFTER_004"]}
    assert found.keys() == {"Platform", "Digital Health Startup", "Pharmaceuticals"}
    assert min(count for counts in found.values() for count in counts) > 0, found


def test_the_guides_other_queries_answer_as_it_says(steps: Steps, counts: Counts) -> None:
    assert steps.answers["006 UNASSIGNED_AGENTS"] == [(0,)]
    assert len(steps.answers["006 CATEGORY_COLUMN"]) == 1
    tools = steps.answers["006 API_QUERY"]
    assert len(tools) == counts.tools
    assert sum(category is not None for _, _, category, _ in tools) > 100


# --- logs ---


def test_the_logs_have_the_guides_names(steps: Steps) -> None:
    assert sorted(file.name for file in (steps.folder / "logs").iterdir()) == list(guide.LOGS)
    for phase in PHASES:
        text = (steps.folder / "logs" / f"{phase}.log").read_text(encoding="utf-8")
        assert text.startswith(phase)
        assert "completed" in text.splitlines()[-1]


def fails(folder: Path) -> list[str]:
    """grep FAIL logs/005_post_validation.log"""
    log = folder / "005_post_validation.log"
    return [line for line in log.read_text(encoding="utf-8").splitlines() if "FAIL" in line]


def test_grep_finds_no_failure_where_every_check_passes(steps: Steps) -> None:
    assert fails(steps.folder / "logs") == []


BREAKAGE = {
    "tools: rows without a tenant": (
        "ALTER TABLE tools DISABLE TRIGGER USER; UPDATE tools SET tenant_id = NULL WHERE tool_key = ("
        "SELECT min(tool_key) FROM tools); ALTER TABLE tools ENABLE TRIGGER USER"
    ),
    "agents: no trigger for new rows": "ALTER TABLE agents DISABLE TRIGGER vital_late_writer",
    "tools: the columns that the API reads": "ALTER TABLE tools RENAME COLUMN metadata TO metadatum",
    "tenants that are not active": f"UPDATE tenants SET is_active = false WHERE id = '{PHARMA}'",
    "tenants that are not in the registry": "INSERT INTO tenants (name, slug) VALUES ('FAILsafe Ltd', 'failsafe')",
    "prompts: no index by tenant": "DROP INDEX prompts_tenant_id_idx, prompts_tenant_newest_idx",
}


@pytest.mark.slow
def test_grep_finds_exactly_the_failed_checks(legacy_template: Scratch, manage: Manage, tmp_path: Path) -> None:
    scratch = databases.clone(legacy_template)
    done = manage(scratch, "migrate_tenants", "--to", "005", "--yes", "--log-dir", str(tmp_path / "first"))
    assert (done.returncode, fails(tmp_path / "first")) == (0, []), said(done)
    for statement in BREAKAGE.values():
        databases.rows(scratch.admin_url, statement)

    done = manage(scratch, "migrate_tenants", "validate", "--log-dir", str(tmp_path / "second"))
    assert done.returncode == 1, said(done)
    lines = fails(tmp_path / "second")
    assert sorted(re.sub(r"^FAIL +(.*?)(  \(.*)?$", r"\1", line) for line in lines) == sorted(BREAKAGE)
    shown = [line.split("FAIL", 1)[1].strip() for line in done.stdout.splitlines() if line.strip().startswith("FAIL")]
    assert shown == [line.split("FAIL", 1)[1].strip() for line in lines]

    done = manage(scratch, "migrate_tenants", "--only", "005", "--yes", "--log-dir", str(tmp_path / "third"))
    assert done.returncode == 1, said(done)
    assert fails(tmp_path / "third") == lines
    assert queries.scalar(scratch, "SELECT status FROM migration_tracking ORDER BY id DESC LIMIT 1") == "failed"
    done = manage(scratch, "migrate_tenants", "--only", "006", "--yes")
    assert done.returncode != 0, "row level security must not close on a database that does not pass"
    databases.drop(scratch)


def test_log_dir_says_where_the_logs_go(migrated_template: Scratch, manage: Manage, tmp_path: Path) -> None:
    elsewhere = tmp_path / "deep" / "er"
    done = manage(migrated_template, "migrate_tenants", "validate", "--log-dir", str(elsewhere), cwd=tmp_path)
    assert done.returncode == 0, said(done)
    assert [file.name for file in elsewhere.iterdir()] == ["005_post_validation.log"]
    assert not (tmp_path / "logs").exists()
