"""Whoever changes a model writes its migration with it: `makemigrations` finds nothing to add."""

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from tests.support.source import PACKAGES


def test_the_models_are_as_the_migrations_leave_them() -> None:
    now = ProjectState.from_apps(apps)
    loader = MigrationLoader(None)

    missing = MigrationAutodetector(loader.project_state(), now).changes(loader.graph)

    found = {app: [step.describe() for one in each for step in one.operations] for app, each in missing.items()}
    assert {app: steps for app, steps in found.items() if app in PACKAGES} == {}, "./manage.py makemigrations"
