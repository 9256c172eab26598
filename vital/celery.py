"""The Celery application: `celery -A vital worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
app = Celery("vital")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
