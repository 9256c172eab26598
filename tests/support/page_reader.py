"""Somebody who does what a page of docs/ says, from its top: its commands, its calls, and the service it starts."""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.documented_commands import Place, calls, of_block, run, shows, status_of
from tests.support.service import PRODUCTION, Service, served


class Reader:
    """One reader: what was printed to them, and the service that they have started. `settings` are what commands get,
    `environment` is what the page's shell knows, `instead` what stands for something in the page's lines."""

    instead: Mapping[str, str] = {}

    def __init__(self, scratch: Scratch, manage: Manage, folder: Path, **settings: str) -> None:
        self.scratch, self.manage, self.folder = scratch, manage, folder
        self.login = f"vital_test_service_{secrets.token_hex(6)}"  # the page's name may be somebody's
        self.printed: dict[str, str] = {}
        self.service: Service | None = None
        self.environment = {"PATH": os.environ["PATH"], "PHARMA": PHARMA, "DIGITAL_HEALTH": DIGITAL_HEALTH}
        # What the page does not set, its reader has not.
        self.settings = {"VITAL_DEMO": "", "VITAL_SECRET_KEY": "", **settings}
        self._services = ExitStack()

    @contextmanager
    def meanwhile(self, line: str) -> Iterator[None]:
        """What goes on while a command of the page is at work."""
        yield

    def console(self, block: str, place: Place) -> None:
        for command in of_block(block, place):
            line = command.line
            known = {"vital_service": self.login, "$URL": self.environment.get("URL", "")}
            for name, value in {**known, **self.instead}.items():
                line = line.replace(name, value)
            with self.meanwhile(command.line):
                done = run(self.scratch, self.manage, self.folder, line, self.settings)
            told = self.printed[command.line] = done.stdout
            done.stdout = told.replace(self.login, "vital_service")
            shows(command, done)
            if "create_api_key" in line:
                slug = line.split("--tenant ")[1].split()[0]
                self.environment[f"{slug.replace('-', '_').upper()}_KEY"] = told.strip()

    def shell(self, block: str) -> None:
        if key := re.search(r"^export VITAL_SECRET_KEY=(?:.*)$", block, re.MULTILINE):
            made = ["sh", "-euc", f'{key[0]}\nprintf %s "$VITAL_SECRET_KEY"']
            self.settings["VITAL_SECRET_KEY"] = subprocess.run(made, capture_output=True, text=True, check=True).stdout
        if "make serve" in block:
            url = self.printed["./manage.py create_login vital_service"].strip()
            self.service = self._services.enter_context(served(url, PRODUCTION))
            self.environment["URL"] = f"http://127.0.0.1:{self.service.port}"
        for command, status in calls(f"```sh\n{block}```"):
            assert status_of(command, self.environment) == status, command
        if "kill" in block:
            self.stop_service()

    def stop_service(self) -> None:
        self._services.close()
        self.service = None

    def over(self, server_url: str) -> None:
        self.stop_service()
        databases.drop_login(server_url, self.login)
