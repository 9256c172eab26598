"""Make the database login that the service uses; its URL, alone on stdout, is the service's DATABASE_URL."""

import re
from typing import Any

from django.core.management.base import CommandParser

from tenants.auth import db_logins
from tenants.management.access_command import AccessCommand, Refused

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class Command(AccessCommand):
    help = "Make a login for the service: restricted, without grants of its own. Prints its connection URL."
    examples = """
examples:
  ./manage.py create_login vital_service                  make it and print its URL (the password is shown this once)
  ./manage.py create_login vital_service --new-password   the same login, another password

Run it as the owner of the database, who may make roles (CREATEROLE).
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="the login's name: lower-case letters, digits and underscores")
        parser.add_argument("--new-password", action="store_true", help="a login that exists gets another password")

    def change(self, options: dict[str, Any]) -> dict[str, Any]:
        name = options["name"]
        if not NAME.fullmatch(name) or name.startswith("pg_"):
            raise Refused(f"{name!r} is no name for a login: lower-case letters, digits and underscores, up to 63.")
        try:
            return {"url": db_logins.create(name, replace_password=options["new_password"])}
        except db_logins.LoginExists as error:
            raise Refused(f"The login {name} exists already. --new-password gives it another password.") from error
