"""The client that the documentation gives to frontends: it pages, remembers, waits, and says what was refused."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import tokens
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, said
from tests.support.paths import ROOT
from tests.support.service_under_test import ServiceUnderTest

CLIENT = ROOT / "docs" / "how-to" / "vital-client.mjs"
BEFORE = """
import { Vital, VitalError } from %(client)s;
const statuses = [], refusals = [], real = globalThis.fetch;
globalThis.fetch = async (...asked) => {
  const answer = refusals.length ? refusals.shift()() : await real(...asked);
  statuses.push(answer.status);
  return answer;
};
const refuse = (status, error) =>
  new Response(JSON.stringify({ error }), { status, headers: { "retry-after": "0", "x-request-id": "r-1" } });
const refused = async (what) => what.then(() => null, (e) =>
  e instanceof VitalError
    ? { status: e.status, code: e.code, message: e.message, retryAfter: e.retryAfter, id: e.requestId }
    : String(e));
const vital = new Vital({ url: %(url)s, tenant: %(tenant)s, headers: async () => ({ authorization: %(token)s }) });
"""


@pytest.fixture
def told(own_service: ServiceUnderTest, tmp_path: Path) -> Any:
    """Run a script with a client of Pharma's admin; returns what it says."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")

    def run(script: str, tenant: str = PHARMA) -> Any:
        facts = {
            "client": json.dumps(CLIENT.as_uri()),
            "url": json.dumps(f"http://127.0.0.1:{own_service.service.port}/"),
            "tenant": json.dumps(tenant),
            "token": json.dumps(f"Bearer {tokens.token(PHARMA, 'admin')}"),
        }
        file = tmp_path / "asks.mjs"
        file.write_text(BEFORE % facts + script, encoding="utf-8")
        done = subprocess.run([node, str(file)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_it_pages_through_every_tool_that_the_tenant_sees(own_service: ServiceUnderTest, told: Any) -> None:
    script = """
    const ids = [];
    for await (const tool of vital.tools({ limit: 7 })) ids.push(tool.id);
    console.log(JSON.stringify({ ids, pages: statuses.length }));
    """
    found = told(script)
    there = {row["id"] for row in own_service.rows("tools", PHARMA, PLATFORM)}

    assert len(found["ids"]) == len(set(found["ids"])) == len(there)
    assert set(found["ids"]) == there
    assert found["pages"] >= len(there) / 7


def test_an_answer_that_still_holds_is_not_sent_twice(told: Any) -> None:
    script = """
    const first = await vital.prompts({ limit: 3 }), second = await vital.prompts({ limit: 3 });
    console.log(JSON.stringify({ same: JSON.stringify(first) === JSON.stringify(second), statuses }));
    """
    assert told(script) == {"same": True, "statuses": [200, 304]}


def test_it_writes_changes_and_removes(told: Any) -> None:
    script = """
    const made = (await vital.create("tools", { name: "Of the client", code: "of-the-client" })).tool;
    const twice = await refused(vital.create("tools", { name: "Of the client", code: "of-the-client" }));
    const changed = (await vital.change("tools", made.code, { category: "Safety" })).tool;
    await vital.remove("tools", made.code);
    const gone = await refused(vital.get("tools-crud/of-the-client"));
    console.log(JSON.stringify({ tenant: made.tenant_id, category: changed.category, twice, gone, statuses }));
    """
    found = told(script)

    assert (found["tenant"], found["category"]) == (PHARMA, "Safety")
    assert (found["twice"]["status"], found["gone"]["status"]) == (409, 404)
    assert (found["twice"]["code"], found["gone"]["code"]) == ("conflict", "not_found")
    assert found["twice"]["message"]
    assert found["twice"]["id"]
    assert found["statuses"] == [201, 409, 200, 200, 404]


def test_what_another_tenant_may_not_is_said(told: Any) -> None:
    refusal = told("console.log(JSON.stringify(await refused(vital.domains())));", DIGITAL_HEALTH)

    assert refusal["status"] == 403


def test_it_waits_and_asks_again_where_nothing_was_done(told: Any) -> None:
    script = """
    refusals.push(() => refuse(429, "too many"), () => refuse(503, "away"));
    const tenants = await vital.tenants();
    console.log(JSON.stringify({ slugs: tenants.map((t) => t.slug), statuses }));
    """
    assert told(script) == {"slugs": ["pharma"], "statuses": [429, 503, 200]}


def test_a_write_that_met_a_503_is_not_repeated_by_itself(
    own_service: ServiceUnderTest, manage: Manage, told: Any
) -> None:
    done = manage(own_service.database, "maintenance", "on", "--reason", "a test of the client")
    assert done.returncode == 0, said(done)
    try:
        script = """
        const written = await refused(vital.create("tools", { name: "x", code: "x" }));
        const read = (await vital.domains()).length > 0;
        console.log(JSON.stringify({ written, read, statuses }));
        """
        found = told(script)
    finally:
        manage(own_service.database, "maintenance", "off")

    assert found["written"]["status"] == 503
    assert "under maintenance" in found["written"]["message"]
    assert found["written"]["retryAfter"] > 0
    assert found["read"]
    assert found["statuses"] == [503, 200]
