"""What Supabase's services write goes on before, during and after a run, and after its undo: sign-ups, the token hook,
files, edge functions, browsers, realtime."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.support import browsers, queries, supabase
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

Call = Callable[..., None]
SLOT = "SELECT pg_create_logical_replication_slot('realtime', 'pgoutput')"
# The first letter of a change is its kind, and texts are in it as they are.
CHANGES = """
    SELECT chr(get_byte(data, 0)), data
    FROM pg_logical_slot_get_binary_changes(
        'realtime', NULL, NULL, 'proto_version', '1', 'publication_names', 'supabase_realtime'
    )
"""
HOOK = "SELECT custom_access_token_hook(jsonb_build_object('user_id', %s::uuid, 'claims', '{}'::jsonb)) -> 'claims'"
UPSERT = """
    INSERT INTO notes (id, user_id, title) VALUES (%s, %s, %s) ON CONFLICT (id) DO UPDATE SET title = excluded.title
"""
FILE = "INSERT INTO storage.objects (bucket_id, name, owner) VALUES ('files', %s, %s) RETURNING updated_at"
TENANT = "SELECT tenant_id::text FROM profiles WHERE id = %s"
ORGANISATIONS = ("north", "south")


@pytest.fixture(scope="module", params=["old", "new"])
def project(request: pytest.FixtureRequest, server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=request.param == "old") as scratch:
        supabase.run(scratch.admin_url, "supabase_services.sql")
        rows(scratch.admin_url, SLOT)
        yield scratch


@pytest.fixture
def vital(project: Scratch, manage: Manage, tmp_path: Path) -> Call:
    plan = tmp_path / "plan.toml"
    text = supabase.PLAN.read_text() + supabase.PLAN_OF_SERVICES.read_text()

    def call(*arguments: str, bound: bool = False) -> None:
        plan.write_text(text + browsers.BIND if bound else text)
        done = manage(project, "migrate_tenants", *arguments, "--yes", cwd=tmp_path, env={"VITAL_PLAN": str(plan)})
        assert done.returncode == 0, said(done)

    return call


class Services:
    """Supabase's services at work on a project; each method is one of them, and answers what it saw."""

    def __init__(self, project: Scratch) -> None:
        self.project, self._notes = project, 1_000

    def auth(self, organisation: str) -> tuple[str, object]:
        """Somebody signs up and changes the address; the hook reads for their token."""
        login, name = supabase.login(self.project, "supabase_auth_admin"), uuid4().hex
        person = supabase.sign_up(self.project, f"{name}@example.com", organisation)
        rows(login, "UPDATE auth.users SET email = %s WHERE id = %s", [f"{name}@example.org", person])
        with psycopg.connect(login) as connection:
            connection.execute("SET search_path TO public")
            claims = connection.execute(HOOK, [person]).fetchone()
        (kept,) = rows(self.project.admin_url, "SELECT email, org_id FROM public.users WHERE id = %s", [person])
        assert kept[0] == f"{name}@example.org"
        return person, (claims, kept[1])

    def browser(self, person: str) -> object:
        """Through PostgREST: own things are written, changed and read back; others' are neither seen nor changed."""
        with supabase.as_api(self.project, "authenticated", {"sub": person}) as connection:
            made = connection.execute(
                "INSERT INTO notes (user_id, title) VALUES (%s, 'mine') RETURNING id, title", [person]
            ).fetchone()
            assert made is not None
            changed = connection.execute("UPDATE notes SET title = 'still mine' WHERE id = %s", [made[0]]).rowcount
            joined = connection.execute("UPDATE profiles SET org_id = 1 WHERE org_id IS NULL").rowcount
            others = connection.execute("UPDATE notes SET title = 'taken' WHERE user_id <> %s", [person]).rowcount
            seen = connection.execute("SELECT count(*) FROM notes WHERE user_id <> %s", [person]).fetchone()
        with supabase.as_api(self.project, "anon", {}) as connection:
            unknown = connection.execute("SELECT count(*) FROM notes").fetchone()
        return made[1], changed, joined, others, seen, unknown

    def edge_function(self, person: str) -> object:
        """With the key of service_role: an upsert, twice; and with the database's URL, as postgres."""
        self._notes += 1
        with supabase.as_api(self.project, "service_role", {}) as connection:
            for text in ("once", "twice"):
                connection.execute(UPSERT, [self._notes, person, text])
            title = connection.execute("SELECT title FROM notes WHERE id = %s", [self._notes]).fetchone()
        rows(self.project.owner_url, "INSERT INTO notes (user_id, title) VALUES (%s, 'by the owner')", [person])
        return title

    def storage(self, person: str, organisation: str) -> object:
        """A file into the folder of one's own organisation; into another's it is refused."""
        other = next(name for name in ORGANISATIONS if name != organisation)
        claims, by = {"sub": person}, "supabase_storage_admin"
        with supabase.as_api(self.project, "authenticated", claims, by=by) as connection:
            made = connection.execute(FILE, [f"{organisation}/{uuid4()}", person]).fetchone()
            moved = connection.execute("UPDATE storage.objects SET name = name || '.pdf' WHERE owner = %s", [person])
            seen = connection.execute("SELECT DISTINCT split_part(name, '/', 1) FROM storage.objects").fetchall()
        with (
            pytest.raises(psycopg.errors.InsufficientPrivilege),
            supabase.as_api(self.project, "authenticated", claims, by=by) as connection,
        ):
            connection.execute(FILE, [f"{other}/{uuid4()}", person])
        return made is not None, moved.rowcount, seen

    def realtime(self, person: str) -> object:
        """What listeners of a published table are sent: the row as it was, too, since the table says so."""
        rows(self.project.admin_url, CHANGES)
        owner = self.project.owner_url
        (note,) = rows(owner, "INSERT INTO notes (user_id, title) VALUES (%s, 'new') RETURNING id", [person])
        rows(owner, "UPDATE notes SET title = 'newer' WHERE id = %s", note)
        rows(owner, "DELETE FROM notes WHERE id = %s", note)
        sent = [(letter, bytes(data)) for letter, data in rows(self.project.admin_url, CHANGES)]
        assert all(b"newer" in data and data[5:6] == b"O" for kind, data in sent if kind in "UD"), "O: the old row"
        return [kind for kind, _ in sent if kind in "IUD"]

    def goodbye(self, person: str) -> object:
        """An account is deleted, and what hangs on it."""
        rows(supabase.login(self.project, "supabase_auth_admin"), "DELETE FROM auth.users WHERE id = %s", [person])
        left = ("users WHERE id", "profiles WHERE id", "notes WHERE user_id")
        return [queries.scalar(self.project, f"SELECT count(*) FROM {rest} = %s", person) for rest in left]

    def all_of_them(self) -> dict[str, object]:
        """What came of each, for a person of each organisation: the same at any time."""
        found: dict[str, object] = {}
        for organisation in ORGANISATIONS:
            person, found[f"auth of {organisation}"] = self.auth(organisation)
            found[f"browser of {organisation}"] = self.browser(person)
            found[f"edge function of {organisation}"] = self.edge_function(person)
            found[f"storage of {organisation}"] = self.storage(person, organisation)
            found[f"realtime of {organisation}"] = self.realtime(person)
            found[f"goodbye of {organisation}"] = self.goodbye(person)
        return found


def test_every_service_writes_as_before_at_every_stage_of_a_migration(project: Scratch, vital: Call) -> None:
    services = Services(project)
    before = services.all_of_them()
    assert before["auth of north"] == (({"org_id": 1},), 1)
    assert before["browser of south"] == ("mine", 1, 1, 0, (0,), (0,))
    assert before["storage of south"] == (True, 1, [("south",)])
    assert before["realtime of north"] == ["I", "U", "D"]
    assert before["goodbye of north"] == [0, 0, 0]

    for stage in (("--to", "002"), ("--to", "004"), (), ("undo", "--phase", "006"), ("undo",)):
        vital(*stage)
        assert services.all_of_them() == before, stage
        if not stage:
            person, _ = services.auth("north")
            assert queries.scalar(project, TENANT, person) is None, "nobody knows yet"
            services.browser(person)
            assert queries.scalar(project, TENANT, person) == supabase.NORTH


def test_every_service_writes_as_before_where_browsers_are_bound(project: Scratch, vital: Call) -> None:
    services = Services(project)
    before = services.all_of_them()

    vital(bound=True)
    bound = services.all_of_them()
    vital("undo", bound=True)

    differing = {name for name in before if before[name] != bound[name]}
    assert differing == {"browser of north", "browser of south"}
    # A profile that has no tenant yet is nobody's to see: a function with the key of service_role lets people join.
    assert bound["browser of north"] == ("mine", 1, 0, 0, (0,), (0,))
    assert services.all_of_them() == before


def test_people_sign_up_and_write_while_a_run_and_its_undo_are_at_work(project: Scratch, vital: Call) -> None:
    services, over = Services(project), threading.Event()
    failures: list[Exception] = []
    signed_up: list[str] = []

    def live() -> None:
        try:
            while not over.is_set():
                organisation = ORGANISATIONS[len(signed_up) % 2]
                person, _ = services.auth(organisation)
                services.browser(person)
                services.edge_function(person)
                services.storage(person, organisation)
                signed_up.append(person)
        except (psycopg.Error, AssertionError) as error:
            failures.append(error)

    people = threading.Thread(target=live)
    people.start()
    try:
        vital()
        for table in ("users", "profiles", "notes"):
            committed = f"SELECT count(*) FROM {table} WHERE tenant_id IS NULL"
            if table == "profiles":
                committed += " AND org_id IS NOT NULL"
            assert queries.scalar(project, committed) == 0, table
        vital("undo")
    finally:
        over.set()
        people.join()

    assert failures == []
    assert len(signed_up) > 5
    kept = "SELECT count(*) FROM users JOIN notes ON notes.user_id = users.id WHERE users.id = ANY(%s::uuid[])"
    assert queries.scalar(project, kept, signed_up) == 3 * len(signed_up)
