"""The WSGI application that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
os.environ["VITAL_SERVING"] = "1"
application = get_wsgi_application()
