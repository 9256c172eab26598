"""Databases that the tests work on, and ./manage.py as users call it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command

from tests import plugin
from tests.support import citus, databases, expected_counts, fork_server, sample_pack, service_under_test
from tests.support.command_results import Manage, Migrated
from tests.support.databases import Scratch
from tests.support.expected_counts import Counts
from tests.support.paths import PACK, ROOT
from tests.support.service_under_test import ServiceDatabase

BROWSER = ROOT / "tests" / "browser"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: Playwright leaves an event loop, beside which Django's ORM refuses to work."""
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("browser")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> str:
    """The test server, as its superuser. Only fixtures use it; tests work as the owner."""
    return pytestconfig.stash[plugin.SERVER_URL]


@pytest.fixture(scope="session")
def pack(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The legacy data pack; where there is none, the project's own sample in its format."""
    if has_pack(PACK):
        return PACK
    folder = tmp_path_factory.mktemp("sample")
    sample_pack.write(server_url, folder)
    return folder


@pytest.fixture(scope="session")
def counts(pack: Path) -> Counts:
    """How many rows of each kind `pack` has, counted by hand."""
    return expected_counts.PACK if pack == PACK else expected_counts.SAMPLE


@pytest.fixture(scope="session")
def real_pack() -> Path:
    """The legacy data pack; the test is skipped where there is none."""
    if not has_pack(PACK):
        pytest.skip(f"about the legacy pack, which is not at {PACK} (VITAL_LEGACY_PACK)")
    return PACK


def has_pack(pack: Path) -> bool:
    """Whether the pack is there; it must be where VITAL_REQUIRE_PACK is set."""
    found = (pack / "README.md").is_file()
    assert found or not os.environ.get("VITAL_REQUIRE_PACK"), f"no legacy pack at {pack}, and VITAL_REQUIRE_PACK is set"
    return found


@pytest.fixture(scope="session")
def manage(tmp_path_factory: pytest.TempPathFactory) -> Manage:
    """Runs `./manage.py` as users do: in a process of its own, as the database's owner, in `cwd` or an empty folder."""

    def run(
        database: Scratch | str,
        *arguments: str,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 120,
    ) -> "subprocess.CompletedProcess[str]":
        url = database if isinstance(database, str) else database.owner_url
        folder = cwd or tmp_path_factory.mktemp("manage")
        return fork_server.run(arguments, os.environ | {"DATABASE_URL": url} | (env or {}), folder, timeout)

    return run


@pytest.fixture(scope="session")
def legacy_template(server_url: str, pack: Path) -> Iterator[Scratch]:
    """The legacy database, built once from the pack, for copies and for tests that only read."""
    scratch = databases.build_legacy(server_url, pack)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def legacy(legacy_template: Scratch) -> Iterator[Scratch]:
    """A legacy database of the test's own, before the migration."""
    scratch = databases.clone(legacy_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="session")
def prepared_template(legacy_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """The legacy database with 000 to 002 done, for copies."""
    scratch = databases.clone(legacy_template)
    done = manage(scratch, "migrate_tenants", "--to", "002", "--yes", timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def prepared(prepared_template: Scratch) -> Iterator[Scratch]:
    """A database of the test's own with 000 to 002 done, ready for 003."""
    scratch = databases.clone(prepared_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="session")
def migrated_template(
    legacy_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scratch]:
    """The legacy database after a whole run, for copies and for tests that only read; on a cluster distributed."""
    scratch = databases.clone(legacy_template)
    plan = tmp_path_factory.mktemp("plan") / "plan.toml"
    plan.write_text(citus.plan(), encoding="utf-8")
    on_cluster = citus.is_cluster(scratch.admin_url)
    env = {"VITAL_PLAN": str(plan)} if on_cluster else {}
    for words in (("migrate_tenants", "--yes"), *((("distribute", "--yes"),) if on_cluster else ())):
        done = manage(scratch, *words, env=env, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def migrated(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database of the test's own."""
    scratch = databases.clone(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="session")
def platform_template(server_url: str, manage: Manage) -> Iterator[Scratch]:
    """The generated platform with which the documentation begins, before its migration, for copies."""
    scratch = databases.create_empty(server_url)
    for words in (("migrate", "--verbosity", "0"), ("generate_legacy", "--rows", "300")):
        done = manage(scratch, *words)
        assert done.returncode == 0, done.stderr
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def platform(platform_template: Scratch) -> Iterator[Scratch]:
    """The documentation's platform of the test's own, before its migration."""
    scratch = databases.clone(platform_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="session")
def platform_migrated(
    platform_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Migrated]:
    """The documentation's platform after a whole run, with the run's output and logs, for copies."""
    scratch, folder = databases.clone(platform_template), tmp_path_factory.mktemp("migrated")
    done = manage(scratch, "migrate_tenants", "--yes", cwd=folder, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    yield Migrated(scratch, done, folder)
    databases.drop(scratch)


@pytest.fixture(scope="session")
def service_database(server_url: str, migrated_template: Scratch, manage: Manage) -> Iterator[ServiceDatabase]:
    """A migrated database with the cast's rows and the service's login, for services on copies of it."""
    with service_under_test.created_database(server_url, migrated_template, manage) as made:
        yield made


@pytest.fixture
def empty(server_url: str) -> Iterator[Scratch]:
    """An empty database of the test's own."""
    scratch = databases.create_empty(server_url)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> None:
    """Lets Django's in-process tests use the suite's database instead of one that the test runner would make."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("migrate", verbosity=0)
