"""The heads of the admin's lists, and what they can be filtered by, are words that people use."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.utils import label_for_field

import catalog.admin  # noqa: F401  # registers the lists of tenants
from tenants.admin.tenant_site import site

OF_PROGRAMS = re.compile(r"^(relation|check name|key|keys|record|schema name)$|^is |[a-z] (at|id)$")


def heads(of: AdminSite) -> Iterator[tuple[str, str]]:
    """Each list's column heads and filters, with the list."""
    for model, page in of._registry.items():
        for column in page.list_display:
            yield model.__name__, str(label_for_field(column, model, model_admin=page))
        for chosen in page.list_filter:
            name: Any = chosen[0] if isinstance(chosen, tuple) else chosen
            field: Any = model._meta.get_field(name) if isinstance(name, str) else None
            yield model.__name__, str(field.verbose_name if field else name.title)


@pytest.mark.parametrize("of", [admin.site, site], ids=["platform", "tenant"])
def test_heads_are_words_that_people_use(of: AdminSite) -> None:
    found = list(heads(of))

    assert len(found) > 20
    assert [one for one in found if OF_PROGRAMS.search(one[1])] == []
