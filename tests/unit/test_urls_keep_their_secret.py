"""A setting that is a URL with a password in it may be wrong in any way: no message holds a part of it."""

import subprocess
import sys
import traceback
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.paths import ROOT
from vital import settings
from vital.env import env_url

SECRET = "hunter2"
SCHEMES = {"DATABASE_URL": "postgresql", "SUPABASE_DB_URL": "postgresql", "VITAL_MIGRATIONS_DATABASE_URL": "postgresql"}
SCHEMES |= {"REDIS_URL": "redis", "VITAL_JWKS_URL": "https"}
# SECRET stands for the password, or what a person takes for a part of it
WRONG = (
    "SCHEME://user:SECRET@more@host/name",
    "SCHEME://user:more@SECRET@host/name",
    "SCHEME://user:SECRET/more@host/name",
    "SCHEME://user:more/SECRET@host/name",
    "SCHEME://user:SECRET#more@host/name",
    "SCHEME://user:more#SECRET@host/name",
    "SCHEME://user:SECRET?more@host/name",
    "SCHEME://user:more?SECRET@host/name",
    "SCHEME://user:%zzSECRET@host/name",
    "SCHEME://user:SECRET@host:port/name",
    "SCHEME://user:SECRET@host:70000000/name",
    "SCHEME://user:SECRET@[host/name",
    "SCHEME://user@host:SECRET/name",
    "SCHEME//user:SECRET@host/name",
    "user:SECRET@host/name",
    "host=x password='SECRET",
)


def read(name: str) -> str:
    """What is made of the setting, but for the password: what a later message could quote."""
    if SCHEMES[name] != "postgresql":
        return urlsplit(env_url(name, SCHEMES[name])).hostname or ""
    found = settings.database(name)
    return " ".join(found[part] for part in ("HOST", "NAME", "USER", "PORT"))


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("name", SCHEMES)
def test_no_part_of_a_password_is_told(monkeypatch: pytest.MonkeyPatch, name: str, wrong: str) -> None:
    monkeypatch.setenv(name, wrong.replace("SCHEME", SCHEMES[name]).replace("SECRET", SECRET))
    said = ""
    try:
        assert SECRET not in read(name)
    except ImproperlyConfigured as error:
        said = "".join(traceback.format_exception(error))
    assert SECRET not in said


@pytest.mark.parametrize("name", SCHEMES)
def test_what_is_encoded_is_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, f"{SCHEMES[name]}://user:%40%2F%3F%23%25@host:1234/name")
    assert "host" in read(name)


@pytest.mark.parametrize("module", ["vital.serve", "manage"])
def test_nothing_is_printed(module: str) -> None:
    command = [sys.executable, "-m", module, *(["status"] if module == "manage" else [])]
    environment = {"DATABASE_URL": f"postgresql://user:{SECRET}@more@host/name", "VITAL_SECRET_KEY": "x" * 40}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: DATABASE_URL "), done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
