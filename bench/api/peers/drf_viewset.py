"""Django REST framework as its tutorial has it: a ModelViewSet, a ModelSerializer, pages with a count; no credentials
and no RLS. A whole project in one module; granian serves `application`."""

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

URL = urlsplit(os.environ["DATABASE_URL"])
TENANTS = os.environ["BENCH_TENANTS"].split(",")

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": URL.path.lstrip("/"),
            "USER": URL.username or "",
            "PASSWORD": unquote(URL.password or ""),
            "HOST": URL.hostname or dict(parse_qsl(URL.query)).get("host", ""),
            "PORT": URL.port or "",
            "CONN_MAX_AGE": 600,
        }
    },
    USE_TZ=True,
    REST_FRAMEWORK={
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.LimitOffsetPagination",
        "PAGE_SIZE": 100,
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
)
django.setup()

from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.db import models  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework import routers, serializers, viewsets  # noqa: E402


class Tool(models.Model):
    id = models.UUIDField(primary_key=True)
    tool_key = models.TextField()
    name = models.TextField()
    description = models.TextField()
    category_id = models.UUIDField(null=True)
    category = models.TextField(null=True)  # noqa: DJ001
    tool_type = models.TextField()
    implementation_path = models.TextField(null=True)  # noqa: DJ001
    api_endpoint = models.TextField(null=True)  # noqa: DJ001
    documentation_url = models.TextField(null=True)  # noqa: DJ001
    input_schema = models.JSONField(null=True)
    usage_examples = models.JSONField(null=True)
    best_practices = ArrayField(models.TextField(), null=True)
    metadata = models.JSONField(null=True)
    avg_response_time_ms = models.IntegerField(null=True)
    is_active = models.BooleanField(null=True)
    requires_approval = models.BooleanField(null=True)
    total_calls = models.IntegerField(null=True)
    success_rate = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    tenant_id = models.UUIDField()

    class Meta:
        managed = False
        app_label = "contenttypes"
        db_table = "tools"

    def __str__(self) -> str:
        return self.name


class ToolSerializer(serializers.ModelSerializer):
    """The names that the frontends know, as far as a serializer has them by declaring them."""

    slug = serializers.CharField(source="tool_key")
    code = serializers.CharField(source="tool_key")
    unique_id = serializers.CharField(source="tool_key")
    tool_description = serializers.CharField(source="description")
    integration_name = serializers.CharField(source="implementation_path")
    function_spec = serializers.JSONField(source="input_schema")
    configuration = serializers.JSONField(source="usage_examples")
    tags = serializers.SerializerMethodField()
    average_response_time_ms = serializers.IntegerField(source="avg_response_time_ms")
    usage_count = serializers.IntegerField(source="total_calls")
    is_shared = serializers.SerializerMethodField()
    lifecycle_stage = serializers.SerializerMethodField()
    health_status = serializers.SerializerMethodField()
    vendor = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()

    class Meta:
        model = Tool
        fields = [
            "id", "slug", "code", "unique_id", "name", "description", "tool_description", "category", "tool_type",
            "integration_name", "api_endpoint", "documentation_url", "function_spec", "configuration", "metadata",
            "tags", "average_response_time_ms", "is_active", "requires_approval", "usage_count", "success_rate",
            "tenant_id", "is_shared", "created_at", "updated_at", "lifecycle_stage", "health_status", "vendor",
            "version",
        ]  # fmt: skip

    def get_tags(self, tool: Tool) -> Any:
        return tool.metadata.get("tags") or tool.best_practices or []

    def get_is_shared(self, tool: Tool) -> bool:
        return str(tool.tenant_id) == TENANTS[1]

    def get_lifecycle_stage(self, tool: Tool) -> Any:
        return tool.metadata.get("lifecycle_stage", "production")

    def get_health_status(self, tool: Tool) -> Any:
        return tool.metadata.get("health_status", "healthy")

    def get_vendor(self, tool: Tool) -> Any:
        return tool.metadata.get("vendor")

    def get_version(self, tool: Tool) -> Any:
        return tool.metadata.get("version", "1.0.0")


class ToolViewSet(viewsets.ModelViewSet):
    queryset = Tool.objects.filter(tenant_id__in=TENANTS).order_by("name", "id")
    serializer_class = ToolSerializer


router = routers.SimpleRouter(trailing_slash=False)
router.register("tools-crud", ToolViewSet)
urlpatterns = [path("api/", include(router.urls))]
application = get_wsgi_application()
