"""The page about services of one's own: its blocks as programs, each a client that asks as tenants over one pool."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "how-to" / "your-own-services.md"
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(?:python|js|sql)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Each reads steps (the tenant, or `bare` for outside of the page's block, and one statement) and prints an answer to
# each: the rows, or the SQLSTATE.
PYTHON = """
import json, sys
{before}
import vital_tenant
{ask}
def state_of(error):
    while error is not None:
        for found in (error, getattr(error, "orig", None)):
            if getattr(found, "sqlstate", None):
                return found.sqlstate
        error = error.__cause__
    raise
def answer(step):
    try:
        if step.get("bare"):
            return {{"rows": bare(step["sql"])}}
        with vital_tenant.as_tenant(step["tenant"]) as given:
            return {{"rows": ask(given, step["sql"])}}
    except Exception as error:
        return {{"error": state_of(error)}}
print(json.dumps([answer(step) for step in json.load(sys.stdin)]))
"""
NODE = """
import {{ readFileSync }} from "node:fs";
import * as vital from "./vital-tenant.mjs";
{ask}
const stateOf = (error) => {{
  const state = error.meta?.driverAdapterError?.cause?.originalCode ?? error.cause?.code ?? error.code;
  if (!state) throw error;
  return state;
}};
const answers = [];
for (const {{ bare: isBare, tenant, sql }} of JSON.parse(readFileSync(0))) {{
  try {{
    const rows = isBare ? await bare(sql) : await vital.asTenant(tenant, (given) => ask(given, sql));
    answers.push({{ rows: rows.map((row) => Object.values(row)) }});
  }} catch (error) {{
    answers.push({{ error: stateOf(error) }});
  }}
}}
console.log(JSON.stringify(answers));
process.exit(0);
"""
DJANGO = """
import os
import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict
facts = conninfo_to_dict(os.environ["DATABASE_URL"])
names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
database = {name: str(facts.get(key, "")) for name, key in names.items()}
settings.configure(
    INSTALLED_APPS=["shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "DISABLE_SERVER_SIDE_CURSORS": True, **database}},
)
django.setup()
"""
MODELS = """
from django.db import models
class Tool(models.Model):
    id = models.UUIDField(primary_key=True, db_default=models.Func(function="gen_random_uuid"))
    tenant_id = models.UUIDField()
    tool_key, name, description, tool_type = (models.TextField(default="") for _ in range(4))
    class Meta:
        managed, db_table = False, "tools"
"""
PRISMA = """
generator client {
  provider = "prisma-client-js"
}
datasource db {
  provider = "postgresql"
}
model tools {
  id          String @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  tenant_id   String @db.Uuid
  tool_key    String
  name        String
  description String
  tool_type   String
}
"""
PRISMA_CONFIG = """
import { defineConfig } from "prisma/config";
export default defineConfig({ schema: "schema.prisma" });
"""


@dataclass(frozen=True)
class Library:
    """How a section's block is asked, and what has to be installed for it (nothing: it is there)."""

    section: str
    ask: str
    before: str = ""
    packages: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()

    @property
    def is_python(self) -> bool:
        return "def ask" in self.ask


LIBRARIES = {
    "psycopg": Library(
        "psycopg 3",
        """
vital_tenant.pool.wait()  # until its first connection is there, or it makes two
def ask(connection, sql): return connection.execute(sql).fetchall()
def bare(sql):
    with vital_tenant.pool.connection() as connection: return ask(connection, sql)
""",
    ),
    "sqlalchemy": Library(
        "SQLAlchemy 2",
        """
from sqlalchemy import text
def ask(session, sql): return [list(row) for row in session.execute(text(sql))]
def bare(sql):
    with vital_tenant.engine.connect() as connection: return ask(connection, sql)
""",
        packages=("sqlalchemy>=2,<3",),
    ),
    "django": Library(
        "Django",
        """
from django.db import connection
def bare(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()
def ask(given, sql): return bare(sql)
""",
        before=DJANGO,
        files=(("shop/__init__.py", ""), ("shop/models.py", MODELS)),
    ),
    "node-postgres": Library(
        "node-postgres 8",
        """
const ask = async (client, sql) => (await client.query(sql)).rows;
const bare = (sql) => ask(vital.pool, sql);
""",
        packages=("pg@8",),
    ),
    "prisma": Library(
        "Prisma 7",
        """
const ask = (tx, sql) => tx.$queryRawUnsafe(sql);
const bare = (sql) => ask(vital.prisma, sql);
""",
        packages=("prisma@7", "@prisma/client@7", "@prisma/adapter-pg@7"),
        files=(("schema.prisma", PRISMA), ("prisma.config.ts", PRISMA_CONFIG)),
    ),
    "drizzle": Library(
        "Drizzle",
        """
import { sql as tagged } from "drizzle-orm";
const ask = async (tx, sql) => (await tx.execute(tagged.raw(sql))).rows;
const bare = (sql) => ask(vital.db, sql);
""",
        packages=("drizzle-orm@0.45", "pg@8"),
    ),
}


def blocks_of(section: str) -> list[str]:
    """The code of a section of the page."""
    sections = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
    return BLOCK.findall(sections[section])


class Client:
    """The programs of one library, in a folder of their own."""

    def __init__(self, library: Library, folder: Path, url: str) -> None:
        self._folder, self._environment = folder, os.environ | {"DATABASE_URL": url, "PYTHONPATH": str(folder)}
        self._is_python = library.is_python
        helper, self._example = blocks_of(library.section)
        self._before = library.before
        template = PYTHON if library.is_python else NODE
        self._write("vital_tenant.py" if library.is_python else "vital-tenant.mjs", helper)
        self._asks = self._write(self._named("asks"), template.format(before=library.before, ask=library.ask))

    def ask(self, *steps: dict[str, Any]) -> list[Any]:
        """The rows of each step, or the SQLSTATE with which it was refused; all in one process."""
        answers = json.loads(self._run(self._asks, json.dumps(steps)))
        return [answer["error"] if "error" in answer else [tuple(row) for row in answer["rows"]] for answer in answers]

    def follow_the_example(self, tenant: str) -> list[str]:
        """Run the page's second block as it stands there; the names that it has read."""
        if self._is_python:
            program = f"{self._before}\ntenant = {tenant!r}\n{self._example}\nimport json\nprint(json.dumps(names))\n"
        else:
            shown = "console.log(JSON.stringify(names));\nprocess.exit(0);\n"
            program = f"const tenant = {json.dumps(tenant)};\n{self._example}\n{shown}"
        names = json.loads(self.run(program))
        assert isinstance(names, list)
        return names

    def run(self, program: str) -> str:
        """Run a program beside the page's block; what it prints."""
        return self._run(self._write(self._named("example"), program), "")

    def _named(self, stem: str) -> str:
        return f"{stem}.py" if self._is_python else f"{stem}.mjs"

    def _write(self, name: str, text: str) -> Path:
        file = self._folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def _run(self, program: Path, given: str) -> str:
        runner = sys.executable if self._is_python else node()
        done = subprocess.run(
            [runner, str(program)], input=given, cwd=self._folder, env=self._environment,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def node(name: str = "node") -> str:
    """The program of Node's; the test is skipped where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found


def install(library: Library, folder: Path) -> None:
    """What the library needs, into the folder; the test is skipped where the registry does not answer."""
    for name, text in library.files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    if not library.packages:
        return
    if library.is_python:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    else:
        (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
        command = [node("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run([*command, *library.packages], cwd=folder, capture_output=True, text=True, timeout=240)
    if done.returncode:
        pytest.skip(f"cannot install {', '.join(library.packages)} here: {done.stderr.strip()[-300:]}")
    if "schema.prisma" in dict(library.files):
        generate_prisma_client(folder)


def generate_prisma_client(folder: Path) -> None:
    """Any program may stand for the schema's engine, which is downloaded otherwise, and which this does not start."""
    done = subprocess.run(
        [node(), "node_modules/prisma/build/index.js", "generate"],
        cwd=folder, env=os.environ | {"PRISMA_SCHEMA_ENGINE_BINARY": sys.executable, "CHECKPOINT_DISABLE": "1"},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
