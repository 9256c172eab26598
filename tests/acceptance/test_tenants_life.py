"""A tenant after the migration, on the command line: added, configured, suspended, resumed; others are not affected."""

from collections.abc import Iterator

import pytest

from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.queries import TABLES, scalar
from tests.support.tenant_role import as_tenant

NEW = "0a0a0a0a-0000-4000-8000-00000000000a"
WHY = ("--reason", "contract 17")


@pytest.fixture(scope="module")
def scratch(migrated_template: Scratch) -> Iterator[Scratch]:
    copy = clone_with_grants(migrated_template)
    yield copy
    databases.drop(copy)


@pytest.fixture
def untouched(scratch: Scratch) -> Iterator[None]:
    """The rows of the three tenants are byte for byte the same afterwards."""
    before = fingerprints(scratch)
    yield
    assert fingerprints(scratch) == before


def fingerprints(scratch: Scratch) -> dict[tuple[str, str], str]:
    """(table, tenant) → a hash of its rows."""
    found: dict[tuple[str, str], str] = {}
    for table in TABLES:
        query = f"SELECT tenant_id::text, md5(string_agg(md5(t::text), '' ORDER BY t.id)) FROM {table} AS t GROUP BY 1"
        found |= {(table, tenant): digest for tenant, digest in databases.rows(scratch.admin_url, query)}
    return {key: digest for key, digest in found.items() if key[1] in (PLATFORM, DIGITAL_HEALTH, PHARMA, None)}


def audited(scratch: Scratch) -> list[tuple[str, str]]:
    return databases.rows(scratch.admin_url, "SELECT action, reason FROM vital.audit ORDER BY id DESC LIMIT 1")


@pytest.fixture
def tenants(scratch: Scratch, manage: Manage) -> "Tenants":
    return Tenants(scratch, manage)


class Tenants:
    """`./manage.py tenants` on this database."""

    def __init__(self, scratch: Scratch, manage: Manage) -> None:
        self.scratch, self.manage = scratch, manage

    def __call__(self, *words: str) -> Done:
        return self.manage(self.scratch, "tenants", *words)

    def done(self, *words: str) -> dict[str, object]:
        done = self(*words, "--json")
        assert done.returncode == 0, said(done)
        return document(done)

    def refusal(self, *words: str) -> str:
        done = self(*words)
        assert done.returncode == 2, said(done)
        assert "Traceback" not in done.stderr
        return done.stderr


def test_who_there_is(tenants: Tenants, scratch: Scratch) -> None:
    found = {tenant["slug"]: tenant for tenant in tenants.done("list")["tenants"]}  # type: ignore[attr-defined]
    agents = scalar(scratch, "SELECT count(*) FROM agents WHERE tenant_id = %s", PHARMA)

    assert set(found) >= {"vital-platform", "digital-health", "pharma"}
    assert found["pharma"]["rows"]["agents"] == agents
    assert found["vital-platform"]["is_platform"]
    assert "pharma.vital.ai" in found["pharma"]["hosts"]
    assert "pharma.vital.ai" in tenants().stdout


def test_a_tenant_is_added_and_sees_the_platforms_rows_alone(
    tenants: Tenants, scratch: Scratch, untouched: None
) -> None:
    words = ("--name", "Oncology", "--id", NEW, "--domain", "Oncology.vital.ai", "--like", "pharma", *WHY)
    added = tenants.done("add", "oncology", *words)["tenant"]

    assert isinstance(added, dict)
    assert (added["id"], added["hosts"]) == (NEW, ["oncology.vital.ai", "oncology"])
    assert sum(added["rows"].values()) == 0
    assert added["settings"]["limits"]["max_agents"] == 250
    assert audited(scratch) == [("add tenant", "contract 17")]
    with as_tenant(scratch, NEW) as somebody:
        seen = somebody.rows("SELECT DISTINCT tenant_id::text FROM tools")
        assert somebody.touched("INSERT INTO tools (tenant_id, tool_key, name, description, tool_type)"
                                " VALUES (%s, 'own', 'Own', '', 'api')", NEW) == 1  # fmt: skip
    assert seen == [(PLATFORM,)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "pharma", *WHY), "the slug pharma belongs to pharma"),
        (("add", "other", "--id", PHARMA, *WHY), f"the id {PHARMA} belongs to pharma"),
        (("add", "other", "--domain", "pharma.vital.ai", *WHY), "the domain pharma.vital.ai belongs to pharma"),
        (("add", "other", "--id", "1", *WHY), "its id must be a UUID"),
        (("add", "Other One", *WHY), "a slug has small letters"),
        (("add", "other", "--domain", "no host", *WHY), "is no host name"),
        (("add", "other", "--like", "parma", *WHY), "Did you mean 'pharma'?"),
        (("add", "other"), "written down with its reason"),
        (("set", "pharma", "limits.max_tolls=3", *WHY), "Did you mean 'limits.max_tools'?"),
        (("set", "pharma", "limits.max_tools=many", *WHY), "limits.max_tools must be a whole number, -1 for no limit"),
        (("set", "pharma", "features.rag_enabled=perhaps", *WHY), "must be true or false"),
        (("set", "pharma", "security.session_timeout_minutes=0", *WHY), "at least 1"),
        (("set", "pharma", "name=", *WHY), "1 to 100 characters"),
        (("set", "pharma", "compliance_level=whatever", *WHY), "a level that the table of tenants can hold"),
        (("set", "pharma", *WHY), "set takes SLUG NAME=VALUE"),
        (("set", "pharma", "limits.max_tools=3"), "written down with its reason"),
        (("set", "pharma", "domain=digital-health.vital.ai", *WHY), "it belongs to digital-health"),
        (("set", "pharma", "domain=no host", *WHY), "domain must be a host name"),
        (("add-host", "pharma", "digital-health.vital.ai", *WHY), "it belongs to digital-health"),
        (("add-host", "pharma", "vital", *WHY), "it is none"),
        (("add-host", "pharma", *WHY), "add-host takes SLUG HOST"),
        (("remove-host", "pharma", *WHY), "remove-host takes SLUG HOST"),
        (("remove-host", "pharma", "digital-health.vital.ai", *WHY), "it is none of pharma's"),
        (("remove-host", "pharma", "pharma", *WHY), "it is the slug"),
        (("remove-host", "pharma", "pharma.vital.ai", *WHY), "tenants set pharma domain="),
        (("add-host", "pharma", "ai.pharma.example"), "written down with its reason"),
        (("add-alias", "pharma", "pharma", *WHY), "it is not a UUID"),
        (("add-alias", "pharma", "{" + NEW + "}", *WHY), "it is not a UUID"),
        (("add-alias", "pharma", DIGITAL_HEALTH.upper(), *WHY), "it belongs to digital-health"),
        (("add-alias", "pharma", PHARMA, *WHY), "it belongs to pharma"),
        (("add-alias", "nobody", NEW, *WHY), "There is no tenant nobody."),
        (("add-alias", "pharma", *WHY), "add-alias takes SLUG UUID"),
        (("add-alias", "pharma", NEW), "written down with its reason"),
        (("remove-alias", "pharma", NEW, *WHY), "it is no further id of pharma's"),
        (("remove-alias", "pharma", *WHY), "remove-alias takes SLUG UUID"),
        (("suspend", "vital-platform", "--yes", *WHY), "cannot be suspended"),
        (("suspend", "nobody", "--yes", *WHY), "There is no tenant nobody."),
        (("suspend", "pharma", "--yes"), "written down with its reason"),
        (("suspend", "pharma", *WHY), "there is no terminal to ask on"),
        (("show", "nobody"), "There is no tenant nobody."),
        (("env",), "env takes SLUG"),
    ],
)
def test_what_does_not_hold_changes_nothing(
    tenants: Tenants, scratch: Scratch, words: tuple[str, ...], sentence: str
) -> None:
    before = databases.rows(scratch.admin_url, "SELECT t::text FROM tenants AS t ORDER BY id")

    assert sentence in " ".join(tenants.refusal(*words).split())

    assert databases.rows(scratch.admin_url, "SELECT t::text FROM tenants AS t ORDER BY id") == before


def test_settings_are_changed_and_changed_back(tenants: Tenants, scratch: Scratch, untouched: None) -> None:
    stored = "SELECT settings FROM tenants WHERE slug = 'pharma'"
    before = scalar(scratch, stored)

    changed = tenants.done("set", "pharma", "limits.max_tools=7", "features.tool_management=true", *WHY)["changed"]

    assert changed == {"limits.max_tools": [100, 7], "features.tool_management": [False, True]}
    after = scalar(scratch, stored)
    assert (after["limits"]["max_tools"], after["features"]["tool_management"]) == (7, True)
    assert after["security"] == before["security"]
    facts = scalar(scratch, "SELECT facts FROM vital.audit ORDER BY id DESC LIMIT 1")
    assert facts["changed"] == changed
    tenants.done("set", "pharma", "limits.max_requests_per_minute=9", *WHY)
    tenants.done("set", "pharma", "limits.max_tools=100", "features.tool_management=off",
                 "limits.max_requests_per_minute=", *WHY)  # fmt: skip
    assert scalar(scratch, stored) == before
    assert "limits.max_tools" in tenants("show", "pharma").stdout


def test_host_names_come_and_go_and_the_domain_of_before_stays_an_alias(
    tenants: Tenants, scratch: Scratch, untouched: None
) -> None:
    def hosts() -> list[tuple[str, bool]]:
        query = "SELECT domain, is_primary FROM vital.domain WHERE tenant_id = %s ORDER BY is_primary DESC, domain"
        return databases.rows(scratch.admin_url, query, [PHARMA])

    before = hosts()
    added = tenants.done("add-host", "pharma", "AI.pharma.example", *WHY)["tenant"]
    assert added["hosts"] == ["pharma.vital.ai", "ai.pharma.example", "pharma"]  # type: ignore[index]
    assert audited(scratch) == [("add host", "contract 17")]

    changed = tenants.done("set", "pharma", "domain=ai.pharma.example", *WHY)["changed"]
    assert changed == {"domain": ["pharma.vital.ai", "ai.pharma.example"]}
    assert hosts() == [("ai.pharma.example", True), ("pharma", False), ("pharma.vital.ai", False)]
    assert "NEXT_PUBLIC_TENANT_DOMAIN=ai.pharma.example" in tenants("env", "pharma").stdout

    tenants.done("set", "pharma", "domain=", *WHY)
    assert hosts() == [("ai.pharma.example", False), ("pharma", False), ("pharma.vital.ai", False)]
    tenants.done("set", "pharma", "domain=pharma.vital.ai", *WHY)
    tenants.done("remove-host", "pharma", "ai.pharma.example", *WHY)
    assert hosts() == before


@pytest.mark.slow
def test_further_ids_come_and_go_and_are_nobody_elses(tenants: Tenants, scratch: Scratch, untouched: None) -> None:
    alias = "0A0A0A0A-0000-4000-8000-00000000000C"
    added = tenants.done("add-alias", "vital-platform", alias, *WHY)["tenant"]

    assert added["aliases"] == [alias.lower()]  # type: ignore[index]
    assert audited(scratch) == [("add alias", "contract 17")]
    assert alias.lower() in tenants("show", "vital-platform").stdout
    for slug in ("vital-platform", "pharma"):
        assert "belongs to vital-platform, as a further id" in tenants.refusal("add-alias", slug, alias, *WHY)
    assert "belongs to vital-platform" in " ".join(tenants.refusal("add", "other", "--id", alias, *WHY).split())
    assert "no further id of pharma's" in " ".join(tenants.refusal("remove-alias", "pharma", alias, *WHY).split())

    assert tenants("remove-alias", "vital-platform", alias, *WHY).stdout.startswith("Removed.")
    assert scalar(scratch, "SELECT count(*) FROM vital.tenant_alias") == 0


def test_a_tenant_sleeps_and_wakes_and_keeps_its_rows(
    tenants: Tenants, scratch: Scratch, manage: Manage, untouched: None
) -> None:
    active = "SELECT is_active FROM tenants WHERE slug = 'pharma'"

    tenants.done("suspend", "pharma", "--yes", *WHY)

    assert scalar(scratch, active) is False
    assert "suspended" in tenants("list").stdout
    for verb in ("run", "validate"):
        done = manage(scratch, "migrate_tenants", verb, "--yes")
        assert done.returncode == 0, said(done)
    assert scalar(scratch, active) is False, "a run does not wake whoever was put to sleep"
    tenants.done("activate", "pharma", *WHY)
    assert scalar(scratch, active) is True
    assert audited(scratch) == [("activate tenant", "contract 17")]


def test_an_application_is_told_what_it_needs(tenants: Tenants) -> None:
    told = tenants("env", "pharma", "--url", "https://api.example.org/")

    assert told.stdout.splitlines() == [
        f"NEXT_PUBLIC_TENANT_ID={PHARMA}",
        "NEXT_PUBLIC_TENANT_SLUG=pharma",
        "NEXT_PUBLIC_TENANT_DOMAIN=pharma.vital.ai",
        "NEXT_PUBLIC_API_URL=https://api.example.org",
    ]


@pytest.mark.slow
def test_the_platform_is_as_valid_as_before(scratch: Scratch, manage: Manage) -> None:
    for words in (("migrate_tenants", "validate"), ("prove_isolation",)):
        done = manage(scratch, *words)
        assert done.returncode == 0, said(done)


def test_before_there_are_tenants_the_next_step_is_told(legacy: Scratch, manage: Manage) -> None:
    done = manage(legacy, "tenants", "list", "--json")

    assert done.returncode == 2, said(done)
    assert "002_tenant_setup" in document(done)["error"]
