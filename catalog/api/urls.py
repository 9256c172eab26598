"""The catalogue's addresses, with and without a trailing slash."""

from django.urls import re_path

from catalog.api.knowledge import KnowledgeDomains
from catalog.api.prompts import Prompt, Prompts
from catalog.api.tools import Tool, Tools

urlpatterns = [
    re_path(r"^tools-crud/?$", Tools.as_view()),
    re_path(r"^tools-crud/(?P<key>[^/]+)/?$", Tool.as_view()),
    re_path(r"^prompts-crud/?$", Prompts.as_view()),
    re_path(r"^prompts-crud/(?P<key>[^/]+)/?$", Prompt.as_view()),
    re_path(r"^knowledge-domains/?$", KnowledgeDomains.as_view()),
]
