"""Every address of the service. Under /api/ each works with and without a trailing slash."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from tenants.admin import tenant_site
from tenants.api.tenant_list import Tenants
from vital import health
from vital.openapi import Docs, Schema

admin.autodiscover()

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/own/", tenant_site.site.urls),
    path("admin/", admin.site.urls),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.figures),
    path("api/", include("catalog.api.urls")),
    path("api/", include("migrations_ops.api.urls")),
    re_path(r"^api/tenants/?$", Tenants.as_view()),
    re_path(r"^api/schema/?$", Schema.as_view()),
    re_path(r"^api/docs/?$", Docs.as_view(), name="api_docs"),
]
