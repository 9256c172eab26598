"""A restore and its undo are killed at random moments, by kill -9 or with their session: it goes on, or it goes back.

Two kills; twenty in the slow test, or as many as VITAL_KILLS says.
"""

import os
import random
import time
from dataclasses import dataclass

import pytest

from tests.support import background
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from tests.support.queries import scalar
from tests.support.restores import MINE, WHY, BackedUp, Rows, others, owned

KILLS = int(os.environ.get("VITAL_KILLS") or 20)
SEED = int(os.environ.get("VITAL_KILL_SEED", "7"))
WAYS = ("kill -9", "backend terminated")
DAMAGE = (
    f"DELETE FROM agents WHERE {MINE}",
    f"DELETE FROM users WHERE {MINE}",
    f"UPDATE knowledge_base SET content = upper(content) WHERE {MINE}",
    f"UPDATE prompts SET id = gen_random_uuid() WHERE {MINE}",
)
TERMINATED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vital %%@%%' AND datname = %s"
)
UNFINISHED = "SELECT max(id) FROM vital.run WHERE kind = 'restore' AND status IN ('running', 'paused', 'failed')"
STANDS = "SELECT max(run_id) FROM vital.restore_entry WHERE undone_at IS NULL"
LEFT = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'vital_undo_')"


@dataclass(frozen=True)
class Stage:
    """A damaged platform, and what the tenant's and the others' rows are, damaged and as backed up."""

    scratch: Scratch
    manage: Manage
    restore: tuple[str, ...]
    damaged: Rows
    backed_up: Rows
    others: Rows

    def undo(self, run: int) -> tuple[str, ...]:
        return ("tenants", "undo-restore", str(run), "--yes", *WHY)

    def killed(self, command: tuple[str, ...], after: float, way: str) -> None:
        """Starts it and kills it after so many seconds, unless it is through by then."""
        with background.start(self.scratch, *command) as running:
            until = time.monotonic() + after
            while time.monotonic() < until and running.process.poll() is None:
                time.sleep(0.005)
            if way == WAYS[0]:
                running.kill()
            elif running.process.poll() is None:
                rows(self.scratch.admin_url, TERMINATED, [self.scratch.name])
                running.process.wait(60)
            assert "Traceback" not in running.said, running.said

    def ends(self, *command: str) -> None:
        done = self.manage(self.scratch, *command, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr

    def is_damaged(self, why: str) -> None:
        assert owned(self.scratch) == self.damaged, why
        self.others_are_untouched(why)

    def others_are_untouched(self, why: str) -> None:
        assert others(self.scratch) == self.others, why
        assert scalar(self.scratch, LEFT) == 0, why


@pytest.fixture
def stage(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> Stage:
    for statement in DAMAGE:
        rows(restorable.admin_url, statement)
    command = ("tenants", "restore", "pharma", "--from", str(backed_up.file), "--delete-added", "--yes", *WHY)
    whole = owned(backed_up.database)
    return Stage(restorable, manage, command, owned(restorable), whole, others(restorable))


def kill_and_go_on(stage: Stage, kills: int) -> None:
    dice, began = random.Random(SEED), time.monotonic()
    stage.ends(*stage.restore)
    length = time.monotonic() - began
    assert owned(stage.scratch) == stage.backed_up
    stage.ends(*stage.undo(scalar(stage.scratch, STANDS)))
    for number in range(kills):
        way = dice.choice(WAYS)
        why = f"seed {SEED}, kill {number}, {way}"
        stage.killed(stage.restore, dice.uniform(0.3, 1) * length, way)
        if dice.random() < 0.5:
            stage.ends(*stage.restore)
            assert owned(stage.scratch) == stage.backed_up, why
            stage.others_are_untouched(why)
        run = scalar(stage.scratch, UNFINISHED) or scalar(stage.scratch, STANDS)
        if run is not None and scalar(stage.scratch, STANDS) is not None:
            stage.killed(stage.undo(run), dice.uniform(0.3, 1) * length, dice.choice(WAYS))
        if (run := scalar(stage.scratch, STANDS)) is not None:
            stage.ends(*stage.undo(run))
        elif scalar(stage.scratch, UNFINISHED) is not None:
            stage.ends("migrate_tenants", "cancel", "--yes")
        stage.is_damaged(why)


def test_killed_at_any_moment_it_goes_on_or_back(stage: Stage) -> None:
    kill_and_go_on(stage, 2)


@pytest.mark.slow
@pytest.mark.timeout(300 + 30 * KILLS)
def test_however_often_it_is_killed(stage: Stage) -> None:
    kill_and_go_on(stage, KILLS)
