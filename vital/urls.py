"""Every address of the service."""

from django.contrib import admin
from django.urls import path

from vital import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("health/live", health.live),
]
