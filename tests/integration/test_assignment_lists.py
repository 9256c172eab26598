"""Lists of rows stay quick where a table is big: pages turn by key, counts are estimates, nothing reads it whole."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import KnowledgeChunk
from migrations_ops.admin.keyset_pagination import Order
from tests.support import admin_client, databases
from tests.support.admin_client import platform_admin
from tests.support.cast import PHARMA
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on

LIST = "/admin/catalog/knowledgechunk/"
BIG = 60_000
FILL = f"""
    INSERT INTO knowledge_base (id, source_id, tenant_id, chunk_index, content, content_hash, domain, pinecone_id)
    SELECT md5('big ' || n)::uuid, s.id, s.tenant_id, n, 'chunk ' || n, md5(n::text), s.domain,
           CASE WHEN n % 3 > 0 THEN 'p ' || n END
    FROM generate_series(1, {BIG}) AS n
    CROSS JOIN LATERAL (SELECT * FROM knowledge_sources ORDER BY id OFFSET n % 50 LIMIT 1) AS s
"""
SHOWN = re.compile(r'name="_selected_action" value="([^"]+)"')


@pytest.fixture(scope="module")
def big(migrated_template: Scratch) -> Iterator[Scratch]:
    """The migrated platform with a table that nobody wants to read whole; for tests that only look."""
    scratch = databases.clone(migrated_template)
    rows(scratch.admin_url, FILL)
    rows(scratch.admin_url, "ANALYZE knowledge_base")
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def admin(big: Scratch, django_db_blocker: Any) -> Iterator[Client]:
    with django_on(big.owner_url, django_db_blocker):
        client = platform_admin()
        yield client
        rows(big.admin_url, "DELETE FROM vital.auth_user")


QUERIES = {
    "the first page": "",
    "a page in the middle": "?p=after-80000000-0000-4000-8000-000000000000",
    "the last page": "?p=before-ffffffff-ffff-4fff-bfff-ffffffffffff",
    "a tenant's": f"?tenant__id__exact={PHARMA}",
    "by a word": "?q=chunk",
    "by key": "?q=00000000-0000-4000-8000-000000000000",
    "by a person": "?by=person",
    "of a rule": "?rule=other+knowledge",
    "sorted": "?o=2",
    "sorted backwards": "?o=-2",
    "sorted, a page in the middle": '?o=2&p=after-["p+30000","80000000-0000-4000-8000-000000000000"]',
    "sorted, among the rows without a value": '?o=2&p=after-[null,"80000000-0000-4000-8000-000000000000"]',
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_no_page_reads_the_table_whole(admin: Client, query: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert admin.get(LIST + query).status_code == 200

    about = [one["sql"] for one in asked.captured_queries if '"knowledge_base"' in one["sql"]]
    assert about
    with connection.cursor() as cursor:
        for statement in (one for one in about if one.lstrip().upper().startswith("SELECT")):
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on knowledge_base" not in plan, f"{statement}\n{plan}"


def test_pages_are_turned_forwards_and_back(admin: Client) -> None:
    first = admin.get(LIST).content.decode()
    shown = SHOWN.findall(first)
    assert len(shown) == len(set(shown)) == 50
    further = re.findall(r'href="(\?[^"]*p=after-[^"]+)"', first)[0].replace("&amp;", "&")

    second = admin.get(LIST + further).content.decode()
    back = re.findall(r'href="(\?[^"]*p=before-[^"]+)"', second)[0].replace("&amp;", "&")

    assert not set(SHOWN.findall(second)) & set(shown)
    assert SHOWN.findall(admin.get(LIST + back).content.decode()) == shown


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("column", ["pinecone_id", "content_hash", "domain"])
def test_sorted_pages_are_the_databases_own_order_forwards_and_back(admin: Client, column: str, reverse: bool) -> None:
    """Over equal and missing values, whatever the collation is: `domain` has few values, `pinecone_id` has gaps."""
    few, order = KnowledgeChunk.objects.filter(chunk_index__range=(1, 300)), Order(column, reverse)
    wanted = [str(key) for key in few.order_by(*order.names(False)).values_list("pk", flat=True)]
    assert len(wanted) > 250

    for back in (False, True):
        seen: list[str] = []
        place = ""
        while page := order.rows(few, place, 37, back):
            seen += [str(row.pk) for _, row in page if row]
            place = page[-1][0]
        assert seen == (wanted[::-1] if back else wanted)


def test_a_column_with_an_index_sorts_the_list_and_its_pages_are_turned(admin: Client) -> None:
    first = admin.get(f"{LIST}?o=2").content.decode()
    further = re.findall(r'rel="next" href="([^"]+)"', first)[0]
    second = admin.get(LIST + html.unescape(further)).content.decode()
    back = re.findall(r'rel="prev" href="([^"]+)"', second)[0]

    shown = [SHOWN.findall(page) for page in (first, second)]
    assert not set(shown[0]) & set(shown[1])
    assert SHOWN.findall(admin.get(LIST + html.unescape(back)).content.decode()) == shown[0]
    lowest = KnowledgeChunk.objects.exclude(pinecone_id=None).order_by("pinecone_id", "pk")[:100]
    assert shown[0] + shown[1] == [str(row.pk) for row in lowest]


@pytest.mark.parametrize(
    "place", ["after-nonsense", 'after-["x"]', 'before-{"a": 1}', "after-[1,2]", 'after-["a","b"]']
)
def test_an_odd_place_of_a_sorted_list_is_no_error_of_ours(admin: Client, place: str) -> None:
    assert admin.get(LIST, {"p": place, "o": "2"}, follow=True).status_code == 200


def test_a_big_tables_count_is_an_estimate_and_says_so(admin: Client) -> None:
    said = admin_client.visible_text(admin.get(LIST).content.decode())

    found = re.search(r"[Aa]bout ([\d,]+)", said)
    assert found, said[:2000]
    assert 0.8 * BIG < int(found[1].replace(",", "")) < 1.2 * (BIG + 2_000)


@pytest.mark.parametrize("place", ["after-nonsense", "before-", "17", "after-'; DROP TABLE tools"])
def test_an_odd_place_is_no_error_of_ours(admin: Client, place: str) -> None:
    answer = admin.get(LIST, {"p": place}, follow=True)

    assert answer.status_code == 200
