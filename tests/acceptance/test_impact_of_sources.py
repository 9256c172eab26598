"""Sources are scanned for upserts that break, tables that they name themselves, and keys of the service role."""

import base64
import json
from pathlib import Path

import pytest

from tests.support.command_results import Manage, document, said

NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"
NOTHING_BREAKS, BREAKS, WRONG_USAGE = 0, 1, 2


def token(role: str) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "x"}, {"role": role})
    ]
    return f"{parts[0]}.{parts[1]}.c2lnbmF0dXJl"


SOURCES = {
    "db/upsert.sql": """-- a seed
CREATE TABLE other (id int);
INSERT INTO public.tools (tool_key, name) VALUES ('a', 'b')
  ON CONFLICT (tool_key) DO NOTHING;
CREATE FUNCTION put(k text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO prompts (name) VALUES (k) ON CONFLICT (name) DO NOTHING; END $$;
""",
    "app/store.py": '''"""Select a tool from the list of tools."""
QUERY = f"""
    INSERT INTO prompts ({columns}) VALUES ({values})
    ON CONFLICT (name) DO UPDATE SET {changes}
"""
client.table("agents").select("*")
GOOD = "INSERT INTO prompts (name, tenant_id) VALUES (%s, %s) ON CONFLICT (tenant_id, name) DO NOTHING"
''',
    "web/save.ts": f"""// SELECT * FROM messages
import {{ createClient }} from 'tools'
const anon = '{token("anon")}'
await db.from('tools').upsert(row, {{ onConflict: 'tool_key' }})
const admin = createClient(url, process.env.SUPABASE_SERVICE_ROLE_KEY!)
const key = "{token("service_role")}"
const rows = await sql`SELECT id FROM conversations WHERE user_id = ${{user ? `${{user}}` : "nobody"}} ${{order}}`
""",
    "web/fine.tsx": "const words = 'Update the tools'; export default () => <p>It`s fine</p>",
    "node_modules/x/index.js": "db.query('SELECT * FROM users')",
    "broken.py": "def (:",
}
# (file, line, kind, table)
FOUND = {
    ("db/upsert.sql", 3, "on-conflict", "tools"),
    ("db/upsert.sql", 3, "raw-table", "tools"),
    ("db/upsert.sql", 6, "on-conflict", "prompts"),
    ("db/upsert.sql", 6, "raw-table", "prompts"),
    ("app/store.py", 3, "on-conflict", "prompts"),
    ("app/store.py", 3, "raw-table", "prompts"),
    ("app/store.py", 6, "raw-table", "agents"),
    ("web/save.ts", 4, "on-conflict", "tools"),
    ("web/save.ts", 4, "raw-table", "tools"),
    ("web/save.ts", 5, "service-role-key", ""),
    ("web/save.ts", 6, "service-role-key", ""),
    ("web/save.ts", 7, "raw-table", "conversations"),
}


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for name, text in SOURCES.items():
        file = tmp_path / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "src"


def test_each_place_is_found_and_no_other(sources: Path, manage: Manage) -> None:
    done = manage(NOWHERE, "migrate_tenants", "impact", "--scan", str(sources), "--json")

    found = document(done)
    assert done.returncode == BREAKS, said(done)
    assert {(one["file"], one["line"], one["kind"], ", ".join(one["tables"])) for one in found["findings"]} == FOUND
    assert (found["files"], found["breaks"]) == (5, 5)
    assert token("service_role") not in done.stdout + done.stderr


def test_as_sarif_each_has_its_file_and_line(sources: Path, manage: Manage, tmp_path: Path) -> None:
    report = tmp_path / "scan.sarif"

    manage(NOWHERE, "migrate_tenants", "impact", "--scan", str(sources), "--sarif", str(report))

    (run,) = json.loads(report.read_text(encoding="utf-8"))["runs"]
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert {(one["artifactLocation"]["uri"], one["region"]["startLine"]) for one in places} == {
        (f"{sources}/{file}", line) for file, line, _, _ in FOUND
    }


def test_sources_that_are_fine_end_with_0(sources: Path, manage: Manage) -> None:
    done = manage(NOWHERE, "migrate_tenants", "impact", "--scan", str(sources / "node_modules"))
    missing = manage(NOWHERE, "migrate_tenants", "impact", "--scan", str(sources / "missing"))

    assert done.returncode == NOTHING_BREAKS, said(done)
    assert "1 thing to look at: 1 file" in done.stdout
    assert (missing.returncode, "it is no folder" in missing.stderr) == (WRONG_USAGE, True), said(missing)
