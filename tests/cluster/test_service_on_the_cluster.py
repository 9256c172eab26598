"""The service on distributed tables: it outlives a node, starts beside one that is down, and not after sabotage."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenants.isolation.endpoints import ENDPOINTS
from tenants.isolation.report import HELD
from tests.support import cast_rows, citus, databases, patience, service, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage, document, said
from tests.support.contract import PROMPTS, TOOLS, refusal
from tests.support.databases import Scratch, rows
from tests.support.service import Service, served
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import admin, super_admin, user

pytestmark = [pytest.mark.server, pytest.mark.slow]

SECONDS = 10  # until a change of the cluster's state is noticed
NODE_OF = """
    SELECT n.nodename, n.nodeport FROM pg_dist_placement AS p JOIN pg_dist_node AS n USING (groupid)
    WHERE p.shardid = get_shard_id_for_distribution_column('prompts', %s::uuid)
"""
NEW = {"name": "Stripe counter", "code": "stripe-counter"}
CLOSED = "ALTER DATABASE {} ALLOW_CONNECTIONS {}"
CUT = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
SHARD_OF = "SELECT 'prompts_' || get_shard_id_for_distribution_column('prompts', %s::uuid)"


@pytest.fixture(scope="module")
def database(distributed: Scratch, manage: Manage) -> Iterator[ServiceDatabase]:
    scratch = databases.clone_with_grants(distributed)
    cast_rows.let_everybody_manage_tools(scratch)
    with service_under_test.service_login(citus.needed(), scratch, manage) as login:
        yield ServiceDatabase(scratch, login)


def node_of(database: Scratch, tenant: str) -> str:
    """The worker with the tenant's rows: its database postgres."""
    ((host, port),) = rows(database.admin_url, NODE_OF, [tenant])
    return citus.at(database.admin_url, host, port, "postgres")


@contextmanager
def down(worker: str, scratch: Scratch) -> Iterator[None]:
    """The node serves nobody in this database, and its connections are cut."""
    rows(worker, CLOSED.format(scratch.name, "false"))
    rows(worker, CUT, [scratch.name])
    try:
        yield
    finally:
        rows(worker, CLOSED.format(scratch.name, "true"))


@pytest.fixture(scope="module")
def apart(database: ServiceDatabase) -> tuple[str, str, str]:
    """A worker without the Platform's rows, a tenant whose rows lie there, and one whose rows do not."""
    where = {tenant: node_of(database.database, tenant) for tenant in (PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER)}
    theirs = [tenant for tenant, worker in where.items() if worker != where[PLATFORM]]
    others = [tenant for tenant, worker in where.items() if worker == where[PLATFORM] and tenant != PLATFORM]
    assert theirs
    assert others
    return where[theirs[0]], theirs[0], others[0]


def is_served(opened: Service, tenant: str) -> bool:
    return opened.get(PROMPTS, user(tenant)).status == 200


def holds(opened: Service, theirs: str, others: str) -> None:
    """Who has rows on the node that is down is told to come back; whoever has none there notices nothing."""
    answer = opened.get(PROMPTS, user(theirs))
    refusal(answer, 503)
    assert answer.headers["Retry-After"]
    answer = opened.get(PROMPTS, user(others))
    assert answer.status == 200, f"{answer} {opened.said}"
    assert {one["tenant_id"] for one in answer.json["prompts"]} <= {others, PLATFORM}
    for tenant in (theirs, others):
        assert opened.get(TOOLS, user(tenant)).status == 200
    refusal(opened.post(TOOLS, admin(others), NEW), 503)  # each node has a copy of tools


def test_a_node_goes_down_and_comes_back(database: ServiceDatabase, apart: tuple[str, str, str]) -> None:
    worker, theirs, others = apart
    with served(database.login) as opened:
        assert is_served(opened, theirs)
        assert is_served(opened, others)
        with down(worker, database.database):
            holds(opened, theirs, others)
            warned = 'vital_isolation_differences{severity="warning"} 1.0'
            patience.until(lambda: warned in opened.get("/metrics", super_admin()).text, warned, SECONDS)
            holds(opened, theirs, others)
        patience.until(lambda: is_served(opened, theirs), "it is served again", SECONDS)
        assert is_served(opened, others)
        assert opened.process.poll() is None


def test_it_starts_beside_a_node_that_is_down(
    database: ServiceDatabase, apart: tuple[str, str, str], manage: Manage
) -> None:
    worker, theirs, others = apart
    with down(worker, database.database), served(database.login) as opened:
        holds(opened, theirs, others)
        doctor = manage(database.database, "doctor", timeout=300)
        assert "it does not: failed to connect" in doctor.stdout, said(doctor)


@pytest.mark.parametrize(
    ("sabotage", "repair"),
    [
        ("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "ALTER TABLE {} ENABLE ROW LEVEL SECURITY"),
        ("CREATE POLICY all_of_it ON {} TO vital_tenant USING (true)", "DROP POLICY all_of_it ON {}"),
    ],
)
def test_what_is_done_to_a_shard_ends_the_service_and_keeps_it_from_starting(
    database: ServiceDatabase, sabotage: str, repair: str
) -> None:
    ((shard,),) = rows(database.database.admin_url, SHARD_OF, [PHARMA])
    worker = databases.same_login(node_of(database.database, PHARMA), database.database)
    with served(database.login) as opened:
        assert is_served(opened, PHARMA)
        rows(worker, sabotage.format(shard))
        try:
            patience.until(lambda: not is_served(opened, PHARMA), "it serves nobody", SECONDS)
            answer = opened.get(PROMPTS, user(PHARMA))
            assert "tenants are not kept apart" in answer.json["error"]
            code, told = service.refused(database.login)
            assert code != 0, told
            assert f"of shard {shard}" in told
            assert "Traceback" not in told
        finally:
            rows(worker, repair.format(shard))
        patience.until(lambda: is_served(opened, PHARMA), "it is served again", SECONDS)


def test_a_decision_is_refused_with_what_to_do(database: ServiceDatabase) -> None:
    body = {"decisions": [{"table": "users", "key": "x", "tenant": "pharma", "reason": "works for them"}]}
    with served(database.login) as opened:
        answer = opened.post("/api/migrations/decisions", super_admin(), body)

    refusal(answer, 409)
    assert "distribute --undo" in answer.text


def test_no_request_reaches_anothers_rows(database: ServiceDatabase, manage: Manage) -> None:
    """Rows are planted on the nodes, attacked over HTTP, and removed."""
    secrets = {"SUPABASE_JWT_SECRET": service.JWT_SECRET, "VITAL_TENANT_DOMAIN": service.TENANT_DOMAIN}
    counted = "SELECT count(*) FROM prompts UNION ALL SELECT count(*) FROM tools"
    before = rows(database.database.admin_url, counted)
    with served(database.login) as opened:
        url = f"http://127.0.0.1:{opened.port}"
        done = manage(database.database, "prove_isolation", "--url", url, "--json", env=secrets, timeout=600)

    assert done.returncode == 0, said(done)
    tried = [attempt for attempt in document(done)["matrix"] if attempt["where"] == "endpoint"]
    assert {tuple(attempt.values()) for attempt in tried if attempt["outcome"] != HELD} == set()
    assert {attempt["what"] for attempt in tried} == {endpoint.path for endpoint in ENDPOINTS}
    assert {attempt["victim"] for attempt in tried} == {
        "Platform",
        "Digital Health Startup",
        "Pharmaceuticals",
        "Stranger",
    }
    assert rows(database.database.admin_url, counted) == before
