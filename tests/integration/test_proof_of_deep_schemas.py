"""The attack run on tables that lean on many others: what they lean on is planted once, and nobody waits for long."""

import threading
import time
from collections.abc import Iterator, Sequence
from functools import reduce

import pytest

from migrations_ops.engine.session import Session
from tenants.inventory import Inventory
from tenants.isolation import database_probe
from tenants.isolation.database_probe import Run
from tenants.isolation.fixtures import Planter
from tenants.isolation.report import Report
from tests.support import isolated
from tests.support.databases import Scratch, rows

pytestmark = pytest.mark.server

TABLE = "CREATE TABLE {s}.<own> (id int PRIMARY KEY CHECK (id > 0), tenant_id uuid REFERENCES {s}.tenants, up int"
LEANS = {
    "many rows on one": ["NOT NULL REFERENCES {s}.<up>, past int REFERENCES {s}.<past>)"],
    "one row on one": ["NOT NULL UNIQUE REFERENCES {s}.<up>)"],
    "one row on one while it lasts": [
        "NOT NULL REFERENCES {s}.<up>, gone_at date)",
        "CREATE UNIQUE INDEX ON {s}.<own> (tenant_id, up) WHERE gone_at IS NULL",
    ],
    "rows on lists beside the plan": [
        "NOT NULL REFERENCES {s}.<up>, word int NOT NULL REFERENCES {s}.words, more int NOT NULL REFERENCES {s}.words)",
    ],
}
LISTS = [
    "CREATE TABLE {s}.letters (id int PRIMARY KEY)",
    "CREATE TABLE {s}.words (id int PRIMARY KEY, letter int NOT NULL REFERENCES {s}.letters)",
]
MORE_TENANTS = (
    "INSERT INTO {s}.tenants SELECT gen_random_uuid(), 'tenant ' || n, 'slug-' || n FROM generate_series(3, 9) n"
)
LOG = [
    "CREATE TABLE {s}.log (id bigserial PRIMARY KEY)",
    "CREATE FUNCTION {s}.noted() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN INSERT INTO {s}.log DEFAULT VALUES; RETURN NULL; END $$",
    "CREATE TRIGGER noted AFTER INSERT ON {s}.t0 FOR EACH ROW EXECUTE FUNCTION {s}.noted()",
    "GRANT USAGE ON SCHEMA {s} TO PUBLIC; GRANT ALL ON {s}.log, {s}.log_id_seq TO PUBLIC",
]
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{}.log_id_seq'::regclass"


@pytest.fixture(scope="module")
def scratch(server_url: str) -> Iterator[Scratch]:
    with isolated.database(server_url) as scratch:
        yield scratch


@pytest.fixture
def session(scratch: Scratch) -> Iterator[Session]:
    with isolated.session_of(scratch) as session:
        yield session


def chain(depth: int, leans: Sequence[str]) -> list[str]:
    """Tables each of which refers to the one before it."""
    made = [*LISTS, MORE_TENANTS, f"{TABLE})".replace("<own>", "t0")]
    for n in range(1, depth):
        tables = {"<own>": f"t{n}", "<up>": f"t{n - 1}", "<past>": f"t{n // 2}"}
        for statement in (f"{TABLE} {leans[0]}", *leans[1:]):
            made.append(reduce(lambda text, name: text.replace(name, tables[name]), tables, statement))
    return made


def names(depth: int) -> list[str]:
    return [f"t{n}" for n in range(depth)]


@pytest.mark.parametrize("leans", LEANS)
def test_a_table_costs_as_many_statements_as_it_has_tables_to_lean_on(
    session: Session, leans: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one for each tenant, nor for each way from table to table."""
    costs: dict[int, int] = {}
    for depth in (6, 12):
        with isolated.isolated(session, *chain(depth, LEANS[leans]), tables=names(depth)) as inventory:
            costs[depth] = inserts_for_the_last(session, inventory, monkeypatch)

    assert 6 <= costs[6] <= 4 * 6
    assert costs[12] <= 2.5 * costs[6]


def inserts_for_the_last(session: Session, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many INSERTs it takes until the last table can be attacked, once its CHECKs are known."""
    run, counted = Run(session, inventory, Report(), everybody=True), list[str]()
    insert = Planter._insert

    def counting(self: Planter, relation: str, *more: object) -> object:
        counted.append(relation)
        return insert(self, relation, *more)  # type: ignore[arg-type]

    def plant() -> None:
        counted.clear()
        run._plant(run.targets[-1], cast)
        planted = [run.planter.planted[run.targets[-1].relation, actor.id] for actor in cast]
        assert all(row.spare for row in planted), [row.no_spare for row in planted]

    cast = run._cast()
    assert len(cast) == 10
    with monkeypatch.context() as patched:
        patched.setattr(Planter, "_insert", counting)
        assert run.trial.work_off([plant], pytest.fail, time.monotonic() + 60) == 1
        assert run.trial.work_off([lambda: run.planter.forget(), plant], pytest.fail, time.monotonic() + 60) == 2
    return len(counted)


@pytest.mark.parametrize("leans", LEANS)
def test_every_attack_is_tried_and_what_is_open_is_found(session: Session, leans: str) -> None:
    with isolated.isolated(session, *chain(5, LEANS[leans]), tables=names(5)) as inventory:
        report = database_probe.prove(session, inventory)
        last = inventory.tables[-1].relation
        session.execute(f"ALTER POLICY vital_tenant_update ON {last} USING (true)")
        broken = database_probe.prove(session, inventory)

    assert report.leaks == []
    assert report.complete
    assert [left for left in report.not_tried if " on shape_" in left["what"]] == []
    verbs = {attempt.verb for attempt in report.attempts if attempt.what == last}
    assert {"insert that refers to it by up", "insert in its name", "delete of a row unseen"} <= verbs
    assert {leak.what for leak in broken.leaks} == {last}


@pytest.mark.parametrize("application_draws", [False, True])
def test_a_transaction_ends_as_soon_as_somebody_waits_for_its_sequence(
    scratch: Scratch, session: Session, application_draws: bool
) -> None:
    ddl = [*chain(3, LEANS["many rows on one"]), *LOG]
    with isolated.isolated(session, *ddl, tables=names(3)) as inventory:
        run, transactions = Run(session, inventory, Report(), everybody=True), list[object]()
        schema = inventory.registry.split(".")[0]
        draw = f"SELECT nextval('{schema}.log_id_seq')"
        application = threading.Thread(target=rows, args=(scratch.owner_url, draw))

        def hold() -> None:
            run._plant(run.targets[-1], run._cast())
            transactions.append(session.value("SELECT now()"))
            if application_draws and not application.is_alive():
                application.start()
                while rows(scratch.admin_url, WAITS.format(schema)) == [(0,)]:
                    time.sleep(0.01)

        run.trial.work_off(
            [hold, lambda: transactions.append(session.value("SELECT now()"))], pytest.fail, time.monotonic() + 60
        )
        if application_draws:
            application.join()

    assert (transactions[0] != transactions[1]) == application_draws
