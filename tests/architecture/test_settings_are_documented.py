"""What the page of settings says is what the code declares, and no variable is read that is not declared."""

import re

from tests.support.paths import ROOT
from tests.support.source import modules
from vital.env import DECLARED, renewed

PAGE = ROOT / "docs" / "reference" / "settings.md"
NAME = r"[A-Z][A-Z0-9_]+"
READ = re.compile(rf"""(?:environ(?:\.get\(|\[)|env_\w+\(|getenv\()["']({NAME})["']""")
OF_MAKE = re.compile(rf"^({NAME}) \?= (.+)$", re.MULTILINE)
GIVEN_TO_MAKE = {"ARGS"}  # used where it is, and nothing else is there by itself
# Read past the declarations: by the demo, which `make demo` starts; where programs are looked for; by Django.
OTHERS = {"PORT", "DEMO_SERVE", "PATH", "DJANGO_SETTINGS_MODULE"}
SECRETS_IN_FILES = {f"{name}_FILE" for name, setting in DECLARED.items() if setting.kind == "secret"}
OF_GROUPS = ("The database", "The service", "Credentials", "Isolation", "The migration", "By itself")


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_page_is_what_the_code_declares() -> None:
    assert renewed(page()) == page(), "Run: make settings"
    missing = [name for name in DECLARED if f"`{name}`" not in page()]
    assert not missing, f"No heading of {PAGE.name} has the group of {missing}"


def test_every_variable_that_is_read_is_declared() -> None:
    read = {name for module in modules() for name in READ.findall(module.text)}

    assert read >= {"VITAL_DEMO", "VITAL_RATE_LIMIT", "SUPABASE_JWT_SECRET"}
    assert not read - DECLARED.keys() - OTHERS, f"Declare in vital/settings.toml: {read - DECLARED.keys() - OTHERS}"


def test_every_variable_that_is_declared_is_read() -> None:
    text = "\n".join(module.text for module in modules())
    unread = [name for name in DECLARED if f'"{name}"' not in text]

    assert not unread, f"Nothing reads these any more: take them out of vital/settings.toml: {unread}"


def test_groups_are_known() -> None:
    assert {setting.group for setting in DECLARED.values()} == set(OF_GROUPS)
    assert all(setting.means for setting in DECLARED.values())


def test_the_defaults_of_make_are_those_of_the_page() -> None:
    """`PORT`, `HOST` and the like are the Makefile's own; the page's table of them is written by hand."""
    row = re.compile(r"^\| (`[A-Z0-9_`, ]+`) \| ([^|]+) \|", re.MULTILINE)
    _, _, of_make = page().partition("## make\n")
    said: dict[str, str] = {}
    for names, defaults in row.findall(of_make.partition("\n## ")[0]):
        said |= dict(zip(re.findall(NAME, names), defaults.strip().split(", "), strict=True))
    found = dict(OF_MAKE.findall((ROOT / "Makefile").read_text(encoding="utf-8")))

    assert found.items() <= said.items()
    assert said.keys() - found.keys() == GIVEN_TO_MAKE | {"DEMO_SERVE"}
