"""The page of settings and the code name the same environment variables."""

import re

from tests.support.source import ROOT, modules

PAGE = ROOT / "docs" / "reference" / "settings.md"
NAME = r"[A-Z][A-Z0-9_]+"
READ = re.compile(rf"""environ(?:\.get\(|\[)["']({NAME})["']|env_(?:bool|int|list)\(["']({NAME})["']""")
SECRET = re.compile(rf"""env_secret\(["']({NAME})["']""")  # NAME, or the file that NAME_FILE points at
URL = re.compile(rf"""["'](VITAL_{NAME}|DATABASE_URL|SUPABASE_DB_URL)["']""")  # handed to a helper by name
OF_MAKE = re.compile(rf"^({NAME}) \?=|\$\(({NAME})\)", re.MULTILINE)
SET_IN_MAKE = re.compile(rf"^({NAME}) :?=", re.MULTILINE)
MAKES_OWN = {"MAKEFILE_LIST"}
THE_SYSTEMS = {"PATH"}  # where programs are looked for


def in_code() -> set[str]:
    text = "\n".join(module.text for module in modules())
    secrets = set(SECRET.findall(text))
    found = {name for pair in READ.findall(text) for name in pair if name}
    found |= secrets | {f"{name}_FILE" for name in secrets} | set(URL.findall(text))
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    found |= {name for pair in OF_MAKE.findall(make) for name in pair if name}
    return found - set(SET_IN_MAKE.findall(make)) - MAKES_OWN - THE_SYSTEMS


def in_page() -> set[str]:
    return set(re.findall(rf"`({NAME})(?:=[^`]*)?`", PAGE.read_text(encoding="utf-8")))


def test_every_setting_is_on_the_page() -> None:
    missing = in_code() - in_page()

    assert not missing, f"Say in {PAGE.name} what these do: {', '.join(sorted(missing))}"


def test_every_setting_of_the_page_is_read() -> None:
    gone = in_page() - in_code()

    assert not gone, f"Nothing reads these any more: take them out of {PAGE.name}: {', '.join(sorted(gone))}"


def test_settings_are_found_however_they_are_read() -> None:
    """One of each kind, or the comparison would be one of nothing with nothing."""
    assert in_code() >= {
        "VITAL_DEMO",
        "VITAL_RATE_LIMIT",
        "VITAL_CORS_ORIGINS",
        "VITAL_HOME",
        "SUPABASE_JWT_SECRET_FILE",
        "VITAL_MIGRATIONS_DATABASE_URL",
        "DEMO_SERVE",
        "WORKERS",
        "ARGS",
    }
