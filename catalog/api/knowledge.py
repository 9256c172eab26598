"""`/api/knowledge-domains`: the classification of knowledge; the Platform's is open to everybody."""

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from catalog.api.listing import QUERIES
from catalog.api.operations import NOT_MODIFIED
from tenants.api.fields import CHOICE, refusals
from tenants.api.views import TenantView, json_bytes, rows


class DomainShape(serializers.Serializer[object]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    domain_type = serializers.CharField(allow_null=True)
    is_active = serializers.BooleanField(allow_null=True)


class DomainsAnswer(serializers.Serializer[object]):
    domains = DomainShape(many=True)
    count = serializers.IntegerField()


class KnowledgeDomains(TenantView):
    """The domains that a tenant may see, by name."""

    cacheable = True
    open_to_all = True

    @extend_schema(
        parameters=CHOICE,
        responses={200: DomainsAnswer, **NOT_MODIFIED, **refusals()},
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        tenant = self.tenant.id if self.tenant else None
        params = {
            "own": tenant,
            "tenant": tenant,
            "platform": settings.PLATFORM_ID,
            "all": self.tenant_request.sees_all,
        }
        return json_bytes(rows(QUERIES["domain_list"], params)[0][0])
