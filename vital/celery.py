"""The Celery application: `./manage.py worker` starts its worker, or `celery -A vital worker`."""

import os
from contextvars import Context
from typing import Any

from celery import Celery, Task

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")


class InContextOfItsOwn(Task):  # type: ignore[type-arg]
    """Whatever a task makes current, its tenant before all, is gone with it: the process goes on to the next one."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return Context().run(super().__call__, *arguments, **options)


app = Celery("vital", task_cls=InContextOfItsOwn)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
