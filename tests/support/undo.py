"""What the tests of undo share: rows that an application writes, and the state that a refused undo must keep."""

from tests.support import databases, queries
from tests.support.command_results import Done
from tests.support.databases import Scratch

OPEN = "Isolation is off"
TOOL = """
    INSERT INTO tools (name, description, tool_key, tool_type, tenant_id)
    VALUES (%s, 'd', %s, 'api', %s) RETURNING id::text
"""


def tool(scratch: Scratch, key: str, tenant: str) -> str:
    """A tool that an application wrote with a tenant; its id."""
    ((identity,),) = queries.write_as_owner(scratch, TOOL, f"the tool {key}", key, tenant)
    return str(identity)


def in_order(done: Done, *words: str) -> bool:
    """Whether the command printed these words, one after the other."""
    places = [done.stdout.find(word) for word in words]
    return -1 not in places and places == sorted(places)


def remembered(scratch: Scratch) -> str:
    """Everything in the database that an undo which changes nothing must leave alone: the rows and VITAL's memory."""
    return databases.dump(scratch.admin_url) + databases.dump(scratch.admin_url, schema="vital")


ADDED_CHUNK = """
    INSERT INTO knowledge_base (source_id, chunk_index, content, content_hash, domain, tenant_id)
    VALUES (NULL, 1, 'written later', 'later', 'market_access', %s) RETURNING id::text
"""
