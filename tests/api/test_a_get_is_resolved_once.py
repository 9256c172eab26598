"""A GET finds its view, its tenant and its caller once each, however many layers ask for them."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.cast import DIGITAL_HEALTH
from tests.support.paths import ROOT
from tests.support.service import PRODUCTION
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import super_admin, user

GETS = {
    "a tenant's tools": ("/api/tools-crud?limit=1", user(DIGITAL_HEALTH)),
    "the tenants of a credential": ("/api/tenants", user(DIGITAL_HEALTH)),
    "the operator's runs": ("/api/migrations/runs", super_admin()),
}


@pytest.mark.parametrize(("path", "headers"), GETS.values(), ids=GETS)
def test_a_get_is_resolved_once(service_database: ServiceDatabase, path: str, headers: dict[str, str]) -> None:
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": service_database.login, **PRODUCTION}
    command = [sys.executable, "-m", "tests.support.one_get", path, json.dumps(headers)]

    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"status": 200, "urls": 1, "tenants": 1, "credentials": 1}
