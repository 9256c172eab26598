"""Prompts: written by every user of a tenant."""

from uuid import UUID

from catalog.api.fields import Values
from catalog.api.listing import PLATFORM, QUERIES
from catalog.api.prompt_bodies import NewPrompt, PromptFields
from catalog.api.resource import IGNORED, Resource
from catalog.api.suites import SUITE
from catalog.models import Prompt
from tenants.api import views
from tenants.api.views import TenantView
from tenants.identity import TenantInfo
from tenants.identity import tenant_id as canonical_uuid

SHAPE = QUERIES["prompt_shape"].format(suite=SUITE)


class Prompts(Resource):
    """A token of a person says who the author is; where the credential names none, the body may."""

    noun = "prompt"
    key = "name"
    model = Prompt
    table = "public.prompts"
    find_by = (QUERIES["prompt_by_key"], QUERIES["prompt_by_further_key"])
    answer = QUERIES["prompt_answer"].format(shape=SHAPE)
    new = NewPrompt
    changed = PromptFields

    def may_write(self, view: TenantView, tenant: TenantInfo, row_tenant: str | None) -> None:
        views.may_write(view.caller, tenant, row_tenant, **PLATFORM, admins_only=False)

    def ignored(self, view: TenantView) -> frozenset[str]:
        return IGNORED | {"suite", "is_user_created"} | ({"created_by"} if _author(view) else set())

    def defaults(self, view: TenantView, given: Values) -> Values:
        author = _author(view)
        return {"category": given["domain"]} | ({"created_by": author} if author else {})


def _author(view: TenantView) -> UUID | None:
    known = canonical_uuid(view.caller.name) if view.caller.kind == "token" else None
    return UUID(known) if known else None


PROMPTS = Prompts()
