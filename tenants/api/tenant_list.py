"""`/api/tenants`: the tenants that a credential may use."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from tenants.api.fields import CHOICE, refusals
from tenants.api.views import TenantView, json_answer
from tenants.resolution import active_tenants


class TenantShape(serializers.Serializer[object]):
    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    is_platform = serializers.BooleanField()


class TenantsAnswer(serializers.Serializer[object]):
    tenants = TenantShape(many=True)
    count = serializers.IntegerField()


class Tenants(TenantView):
    """The active tenants among those that the credential may use, by name.

    They are asked for by the service itself, in a transaction of its own, for which there is no place in another one.
    """

    reads_rows = False

    @extend_schema(parameters=CHOICE, responses={200: TenantsAnswer, **refusals()})
    def get(self, request: Request) -> HttpResponse:
        allowed = self.caller.tenants
        found = [facts for facts in active_tenants().values() if allowed is None or facts.id in allowed]
        shown = [
            {"id": facts.id, "slug": facts.slug, "name": facts.name, "is_platform": facts.is_platform}
            for facts in sorted(found, key=lambda facts: facts.name)
        ]
        return json_answer({"tenants": shown, "count": len(shown)})
