"""Where browsers are not bound, 006 says so first, and status and the last line of the proof go on saying so until they
are bound or accepted with a reason."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import browsers, supabase
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

Call = Callable[..., Done]
DONE, FAILED = 0, 1
ACCEPTED = '\n[[unbound]]\nrole = "{}"\nreason = "a test\'s"\n'
# A gate of another make: its login inherits nothing, and puts on a role with a name of its own for each request.
OTHER_GATE = """
    CREATE ROLE gate LOGIN NOINHERIT;
    CREATE ROLE "Web-Visitor" NOLOGIN;
    GRANT "Web-Visitor" TO gate;
    GRANT SELECT ON public.orgs TO "Web-Visitor"
"""
# Analysts inherit what their group may: that is an application of its own, as before.
GROUP = """
    CREATE ROLE analysts NOLOGIN;
    CREATE ROLE ann LOGIN INHERIT;
    GRANT analysts TO ann;
    GRANT SELECT ON public.orgs TO analysts
"""


@pytest.fixture(scope="module")
def project(server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=False) as scratch:
        browsers.more_tables(scratch)
        rows(scratch.admin_url, OTHER_GATE)
        rows(scratch.admin_url, GROUP)
        yield scratch


@pytest.fixture
def call(project: Scratch, manage: Manage, tmp_path: Path) -> Call:
    def call(*arguments: str, bind: str = "", code: int = DONE) -> Done:
        environment = {"VITAL_PLAN": str(browsers.plan(tmp_path, bind))}
        done = manage(project, *arguments, cwd=tmp_path, env=environment)
        assert done.returncode == code, said(done)
        return done

    return call


def unbound(call: Call, bind: str) -> list[str]:
    return [role["role"] for role in document(call("migrate_tenants", "status", "--json", bind=bind))["unbound"]]


def test_roles_are_named_until_they_are_bound_or_accepted(project: Scratch, call: Call) -> None:
    assert unbound(call, "") == [], "before 006 it is enforced for nobody"

    done = call("migrate_tenants", "--yes")

    after = done.stdout[done.stdout.index("006_row_level_security") :]
    first = next(line for line in after.splitlines()[1:] if line.strip())
    assert first.split()[0] == "WARN", after
    assert "roles that isolation does not bind" in first
    assert "anon reads and writes orgs, users, notes and" in after
    assert 'Bind it: [[bind]] role = "anon"' in " ".join(after.split())
    assert unbound(call, "") == ["anon", "Web-Visitor", "authenticated"]
    told = " ".join(call("migrate_tenants", "status").stdout.split())
    assert "Isolation is not enforced for Web-Visitor: Web-Visitor reads orgs." in told
    proof = call("prove_isolation")
    last = " ".join(proof.stdout.split("attacks in")[-1].split())
    assert "Isolation is not enforced for anon, Web-Visitor, authenticated." in last
    assert "Held, but not for every role." in " ".join(proof.stdout.split())

    accepted = "".join(ACCEPTED.format(role) for role in ("Web-Visitor", "anon"))
    assert unbound(call, accepted) == ["authenticated"]
    for_one = browsers.BIND.replace('role = "authenticated"', 'role = "authenticated"\ntables = ["public.topics"]')
    call("migrate_tenants", "--yes", bind=for_one + ACCEPTED.format("Web-Visitor"))
    (left,) = document(call("migrate_tenants", "status", "--json", bind=for_one + ACCEPTED.format("Web-Visitor")))[
        "unbound"
    ]
    assert left["role"] == "authenticated"
    assert "public.topics" not in left["tables"]
    assert "public.notes" in left["tables"]

    web = browsers.BIND + '\n[[bind]]\nrole = "Web-Visitor"\nsees = "nothing"\n'
    refused = " ".join(call("migrate_tenants", "--yes", bind=web, code=FAILED).stdout.split())
    (statement,) = re.findall('(GRANT "Web-Visitor" TO .*?;)', refused)
    assert "attacks as Web-Visitor could not be tried: postgres may not become it" in refused
    rows(project.admin_url, statement)
    call("migrate_tenants", "--yes", bind=web)
    assert unbound(call, web) == []
    held = call("prove_isolation", bind=web)
    assert "Held." in held.stdout
    assert "not enforced" not in held.stdout
