"""Requests that several tests send, and what their answers say."""

from tests.support.cast_rows import SEARCH
from tests.support.contract import TOOLS
from tests.support.service import Answer, Service
from tests.support.tokens import Who

PROMPT = {
    "name": "Who may",
    "display_name": "Who may",
    "description": "x",
    "domain": "zoology",
    "system_prompt": "x",
    "user_prompt_template": "x",
}


def tenants_seen(answer: Answer) -> set[str]:
    """The tenants of the tools that were returned; the answer must be 200."""
    assert answer.status == 200, answer
    return {tool["tenant_id"] for tool in answer.json["tools"]}


def search_tools(service: Service, who: Who) -> Answer:
    """The tools planted for the tests, as far as this caller sees them."""
    return service.get(f"{TOOLS}?search={SEARCH}", who)
