"""`manage.py`: VITAL's commands come first in its help; what Django and django-tenants bring and would harm a pooled
database is refused, with what to use instead. Only the command line refuses: VITAL calls `migrate` from within."""

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from django.core.management import ManagementUtility, get_commands, load_command_class
from django.utils.version import get_version

from vital import __version__
from vital.cli.exit_codes import USAGE, fail, of_error

GROUPS = {
    "The migration": ("migrate_tenants", "doctor", "backup", "restore", "monitor", "worker", "ledger", "distribute"),
    "Tenants and who may come in": (
        *("tenants", "prove_isolation", "maintenance", "create_login", "createsuperuser", "changepassword"),
        *("create_api_key", "list_api_keys", "rotate_api_key", "revoke_api_key"),
    ),
    "Setting up": ("migrate", "check", "demo", "generate_legacy", "load_legacy"),
}
ELSEWHERE = {  # Django's and django-tenants' own words for it do not say what it does here
    "migrate": "VITAL's own tables, of this version. The platform's are migrate_tenants'.",
    "createsuperuser": "A person who may use the admin.",
    "changepassword": "Of such a person.",
}
SCHEMAS = "Tenants share their tables and have no schema of their own."
EMPTIES = "It would empty tables of every tenant, or show how."
FIXTURES = "It knows neither tenants nor isolation, and would leave tables of the platform out."
INSTEAD = {
    "create_tenant": (SCHEMAS, "tenants add SLUG"),
    "delete_tenant": (SCHEMAS, "tenants remove SLUG FILE"),
    "clone_tenant": (SCHEMAS, "tenants clone SLUG NEW"),
    "rename_schema": (SCHEMAS, "tenants set SLUG name=NAME or domain=HOST"),
    "create_missing_schemas": (SCHEMAS, "migrate_tenants"),
    "migrate_schemas": (SCHEMAS, "migrate, for VITAL's own tables, and migrate_tenants for the platform's"),
    "create_domain": ("It leaves no trace in the audit.", "tenants add-host SLUG HOST"),
    "delete_domain": ("It leaves no trace in the audit.", "tenants remove-host SLUG HOST"),
    "create_tenant_superuser": (SCHEMAS, "createsuperuser, and give the staff of a tenant their tenant in the admin"),
    "tenant_command": (SCHEMAS, "the command itself; tenants, for one tenant"),
    "all_tenants_command": (SCHEMAS, "the command itself"),
    "collectstatic_schemas": (SCHEMAS, "no command: the service serves its own files"),
    "flush": (EMPTIES, "migrate_tenants undo, or restore FILE"),
    "sqlflush": (EMPTIES, "migrate_tenants undo, or restore FILE"),
    "loaddata": (FIXTURES, "restore FILE, tenants import FILE or load_legacy DIR"),
    "dumpdata": (FIXTURES, "backup, or tenants export SLUG FILE"),
    "testserver": (FIXTURES, "make demo"),
    "test": ("VITAL's tests are pytest's.", "make test"),
    "runserver": (
        "It would serve as the tables' owner, unchecked.",
        "make serve",
    ),
    "inspectdb": ("Its models would know nothing of tenants.", "migrate_tenants init-plan"),
    "generateschema": ("The API's schema is drawn by another command.", "spectacular"),
}
FORWARD = "migrate takes VITAL's own tables forward, all of them: back would be the loss of all that an undo needs"
OF_MIGRATE = {"--check", "--plan", "--noinput", "--no-input", "--no-color", "--traceback", "--skip-checks"}


class CommandLine(ManagementUtility):
    def execute(self) -> None:
        if self.argv[1:] in (["--version"], ["version"]):
            print(f"VITAL {__version__}, Django {get_version()}")
        else:
            super().execute()

    def main_help_text(self, commands_only: bool = False) -> str:
        known = {name: app for name, app in get_commands().items() if name not in INSTEAD}
        if commands_only or self.settings_exception is not None:
            return super().main_help_text(commands_only)
        lines = [f"Type './{self.prog_name} COMMAND --help' for a command's options and examples.", ""]
        for title, names in GROUPS.items():
            lines += [f"{title}:", *(f"  {name:<18}{_help_of(name, known[name])}" for name in names), ""]
        grouped = {name for names in GROUPS.values() for name in names}
        others = sorted(known.keys() - grouped)
        return "\n".join([*lines, "Django's others:", *(f"  {name}" for name in others)])

    def fetch_command(self, subcommand: str) -> Any:
        if subcommand in INSTEAD:
            why, what = INSTEAD[subcommand]
            self._refuse(f"{subcommand} is not for this database. {why} Use: {what}.")
        if subcommand not in get_commands() and self.settings_exception is None:
            near = get_close_matches(subcommand, get_commands().keys() - INSTEAD.keys(), 1)
            mean = f" Did you mean {near[0]}?" if near else ""
            self._refuse(f"There is no command {subcommand}.{mean} See: ./{self.prog_name} --help")
        if subcommand == "migrate" and self.argv[1:2] == ["migrate"]:
            self._refuse_another_way(self.argv[2:])
        return super().fetch_command(subcommand)

    def _refuse_another_way(self, words: Sequence[str]) -> None:
        """Of `migrate` only what takes everything forward."""
        left = list(words)
        while left:
            word = left.pop(0)
            if word in ("-v", "--verbosity", "--database", "--settings", "--pythonpath") and left:
                left.pop(0)
            elif word.startswith(("--verbosity=", "-v")) or word in OF_MIGRATE | {"-h", "--help"}:
                continue
            else:
                self._refuse(f"{FORWARD}. It does not take {word}.")

    def _refuse(self, message: str) -> None:
        fail(f"{message.removesuffix('.')}. Nothing was done.", USAGE, as_json="--json" in self.argv)


def _help_of(name: str, app: Any) -> str:
    return ELSEWHERE.get(name) or str(load_command_class(app, name).help)


def main() -> None:
    """Carry out what the command line asks for. An error that comes before a command of ours, or in one of Django's, is
    one sentence as well."""
    try:
        CommandLine(sys.argv).execute()
    except Exception as error:
        found = of_error(error)
        if found is None:
            raise
        fail(found[0]["error"], found[1], as_json="--json" in sys.argv)
