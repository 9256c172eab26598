"""Behind row level security a page of tools and its count read what they show, and not every tool of the tenant."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from catalog.api.listing import PLATFORM, QUERIES
from tests.support import databases, service_under_test
from tests.support.cast import PHARMA
from tests.support.service_under_test import ServiceDatabase

TOOLS, RARE, LIMIT = 5_000, 50, 20
MANY = """
INSERT INTO public.tools (name, tool_key, description, category, tool_type, tenant_id)
SELECT 'Trial ' || md5(n::text), 'many-' || n, 'x', CASE WHEN n %% 100 <> 0 THEN 'Usual' WHEN n %% 200 = 0 THEN '' END,
       'function', %s
FROM generate_series(1, %s) AS n
"""
BY_CATEGORY = QUERIES["tool_category"]


@pytest.fixture(scope="module")
def pharma(service_database: ServiceDatabase) -> Iterator[psycopg.Connection[Any]]:
    """Pharma with thousands of tools, as its requests see them: the service's login, in the tenant's role."""
    with service_under_test.copied_database(service_database) as copy:
        databases.rows(copy.database.admin_url, MANY, [PHARMA, TOOLS])
        databases.rows(copy.database.admin_url, "VACUUM (ANALYZE) public.tools")
        with psycopg.connect(copy.login, autocommit=True) as connection:
            connection.execute("SET ROLE vital_tenant")
            connection.execute("SELECT set_config('vital.tenant_id', %s, false)", [PHARMA])
            yield connection


@pytest.mark.parametrize(
    ("filters", "category"),
    [("", ""), (BY_CATEGORY, "General"), (BY_CATEGORY, "Nothing")],
    ids=["every tool", "a rare category", "none"],
)
def test_a_page_reads_what_it_shows(pharma: psycopg.Connection[Any], filters: str, category: str) -> None:
    page = QUERIES["tool_branches"].format(columns="t.id, t.name", filters=filters)

    assert rows_read(pharma, page, category) <= 10 * LIMIT


@pytest.mark.parametrize(("category", "rows"), [("General", RARE), ("Nothing", 0)])
def test_a_category_is_counted_by_index(pharma: psycopg.Connection[Any], category: str, rows: int) -> None:
    count = QUERIES["tool_count"].format(filters=BY_CATEGORY)

    ((found,),) = pharma.execute(count, asked(category)).fetchall()
    assert rows <= found <= rows + LIMIT, "the Platform has some without a category"
    assert rows_read(pharma, count, category) <= 3 * RARE


def rows_read(connection: psycopg.Connection[Any], statement: str, category: str) -> int:
    """That any scan of the table or an index took into its hands, shown or not."""
    ((plans,),) = connection.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, asked(category)).fetchall()
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plans[0]["Plan"])
        if node["Node Type"].endswith("Scan") and node.get("Relation Name") == "tools"
    )


def asked(category: str) -> dict[str, Any]:
    return PLATFORM | {"own": PHARMA, "category": category, "limit": LIMIT, "reach": LIMIT, "offset": 0}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for beneath in plan.get("Plans", []):
        yield from nodes(beneath)
