"""VITAL's own statement for a page, as text for the peers: the very files that the service reads."""

import os
import re
from pathlib import Path

from bench.api.database import PLATFORM, TENANT

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
PARAMETERS = {"own": "uuid", "platform": "uuid", "limit": "bigint", "offset": "bigint", "reach": "bigint"}
NAMED = re.compile(r"%\((\w+)\)s")


def page() -> str:
    """With the driver's `%(names)s`."""
    import django

    django.setup()
    from catalog.api.listing import QUERIES
    from catalog.api.tool_resource import SHAPE

    inner = {
        "page": QUERIES["tool_branches"].format(filters="", columns="*"),
        "count": QUERIES["tool_count"].format(filters=""),
    }
    return QUERIES["tool_page"].format(**inner, shown=SHAPE)


def for_asyncpg(folder: Path) -> Path:
    """A file of it with `$1`, typed, in the order of PARAMETERS."""
    order = list(PARAMETERS)
    file = folder / "page.sql"
    file.write_text(NAMED.sub(lambda m: f"${order.index(m[1]) + 1}::{PARAMETERS[m[1]]}", page()).replace("%%", "%"))
    return file


def for_pgbench(folder: Path, limit: int = 100) -> Path:
    """A script of it with `:names`, which `-M prepared` binds."""
    file = folder / "pgbench.sql"
    given = {"own": TENANT, "platform": PLATFORM, "limit": limit, "offset": 0, "reach": limit}
    lines = [f"\\set {name} {value}" for name, value in given.items() if isinstance(value, int)]
    texts = {name: f"'{value}'" for name, value in given.items() if isinstance(value, str)}
    body = NAMED.sub(lambda m: texts.get(m[1]) or f":{m[1]}::bigint", page()).replace("%%", "%")
    plain = "\n".join(line for line in body.splitlines() if not line.startswith("--"))
    file.write_text("\n".join([*lines, plain.strip() + ";", ""]))
    return file
