"""The one settings file: every value a user can set is an environment variable, declared in settings.toml.

A value that cannot be used is refused at start with the variable's name (ImproperlyConfigured, exit code 2).
"""

import os
import re
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import ProgrammingError

from vital import __version__
from vital.env import (
    env_bool,
    env_int,
    env_list,
    env_networks,
    env_path,
    env_secret,
    env_text,
    env_url,
    refuse_unencoded,
)

BASE_DIR = Path(__file__).resolve().parent.parent


def database(*names: str) -> dict[str, Any]:
    """Django's connection settings from the first of these variables that is set, else the embedded PostgreSQL."""
    name = next((name for name in names if os.environ.get(name)), None)
    # The service's threads keep their connections; nothing of a request outlives its transaction on them.
    settings: dict[str, Any] = {"ENGINE": "vital.db", "CONN_MAX_AGE": 600 if SERVING else 0, "OPTIONS": {}}
    if name is None:
        return settings | {"NAME": "", "EMBEDDED": True}
    refuse_unencoded(name, os.environ[name])
    try:
        parts = conninfo_to_dict(os.environ[name])
    except ProgrammingError:  # libpq's reason quotes the part that it stumbled on, which may be the password's
        problem = f"{name} is not a PostgreSQL URL: postgresql://user:password@host:5432/database."
        raise ImproperlyConfigured(f"{problem} What is special in one is encoded: %40 for @, %25 for %.") from None
    if not re.fullmatch(r"[\d,]*", str(parts.get("port") or "")):  # libpq would quote it, once it connects
        raise ImproperlyConfigured(f"{name} has a port that is no number.")
    if not parts.get("dbname"):
        raise ImproperlyConfigured(f"{name} names no database: postgresql://user:password@host:5432/DATABASE.")
    standard = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    settings |= {key: str(parts.pop(part, "") or "") for key, part in standard.items()}
    return settings | {"OPTIONS": dict(parts), "EMBEDDED": False}


SERVING = env_bool("VITAL_SERVING")
DEMO = env_bool("VITAL_DEMO")
DEMO_PUBLIC = env_bool("VITAL_DEMO_PUBLIC")
DEBUG = False
LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]", ".localhost"]
SECRET_KEY = env_secret("VITAL_SECRET_KEY")
if SERVING and not SECRET_KEY:
    raise ImproperlyConfigured(
        "VITAL_SECRET_KEY is missing. Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
    )
# In demo mode a bare header names the tenant: it answers only under names that are this machine's.
ALLOWED_HOSTS = LOCAL_HOSTS if DEMO and not DEMO_PUBLIC else env_list("VITAL_ALLOWED_HOSTS") or LOCAL_HOSTS
HOME = env_path("VITAL_HOME") or BASE_DIR / ".vital"
PLAN_IS_NAMED = env_path("VITAL_PLAN") is not None  # else a database goes on by the plan that it was migrated by
PLAN = env_path("VITAL_PLAN") or BASE_DIR / "migrations_ops" / "rules" / "vital.toml"
BACKUP_DIR = Path(env_text("VITAL_BACKUP_DIR"))
BACKUP = env_bool("VITAL_BACKUP")  # before the first change of a migration
HOOKS = env_path("VITAL_HOOKS")
LOG_DIR = Path(env_text("VITAL_LOG_DIR"))
REDIS_URL = env_url("REDIS_URL", "redis", "rediss", "unix")

# VITAL's own tables live in a schema of their own: on hosted platforms everything in `public` is published to
# browsers, and the adopted database stays as it was.
OWN_SCHEMA = "vital"
# Commands and workers migrate and need the direct connection; the service (wsgi.py) may go through a pooler.
DIRECT = () if SERVING else ("VITAL_MIGRATIONS_DATABASE_URL",)
SERVICE_DATABASE = database("DATABASE_URL", "SUPABASE_DB_URL")
DATABASES = {"default": database(*DIRECT, "DATABASE_URL", "SUPABASE_DB_URL")}
STATEMENT_TIMEOUT_MS = env_int("VITAL_STATEMENT_TIMEOUT_MS")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# django-tenants: the registry of tenants. Its "public schema" is where the shared apps' tables live: ours.
PUBLIC_SCHEMA_NAME = OWN_SCHEMA
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
GET_EXECUTOR_FUNCTION = "vital.db.executor.get_executor"
SHARED_APPS = [
    "django_tenants",
    "tenants",
    "catalog",
    "migrations_ops",
    "vital.apps.UnfoldConfig",  # before the admin: its templates come first
    "vital.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",  # large numbers in templates
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",  # Swagger UI, served from here
]
TENANT_APPS = ["catalog"]
INSTALLED_APPS = SHARED_APPS

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "vital.middleware.RequestRecord",
    "tenants.middleware.ApiTransaction",
    "tenants.middleware.StaffTransaction",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
APPEND_SLASH = False
LOGIN_REDIRECT_URL = "admin:index"
ROOT_URLCONF = "vital.urls"
WSGI_APPLICATION = "vital.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEMO
if env_bool("VITAL_BEHIND_TLS"):  # a proxy that ends TLS and sets X-Forwarded-Proto itself, whatever clients send
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000  # a year; under this name alone, for others below it may not be ours
SECURE_CONTENT_TYPE_NOSNIFF = True

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "vital.formats"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True

# Who may call the API, and how: docs/reference/settings.md.
JWT_SECRET = env_secret("SUPABASE_JWT_SECRET")
JWKS_URL = env_url("VITAL_JWKS_URL", "https", "http")
JWT_AUDIENCE = env_text("VITAL_JWT_AUDIENCE")
JWT_ISSUER = env_text("VITAL_JWT_ISSUER")
ALLOW_SERVICE_ROLE = env_bool("VITAL_ALLOW_SERVICE_ROLE")
TENANT_DOMAIN = env_text("VITAL_TENANT_DOMAIN").strip(".").lower()
RATE_LIMIT = env_int("VITAL_RATE_LIMIT")  # requests a minute and tenant
LOGIN_ATTEMPTS = env_int("VITAL_LOGIN_ATTEMPTS")
TRUSTED_PROXIES = env_networks("VITAL_TRUSTED_PROXIES")
SHARED_COUNTS = env_path("VITAL_SHARED_COUNTS")
RESPONSE_MEMORY_MS = env_int("VITAL_RESPONSE_MEMORY_MS")  # 0: no answer is remembered
ROW_MEMORY_MB = env_int("VITAL_ROW_MEMORY_MB")  # 0: no row is remembered
MAX_BODY = env_int("VITAL_MAX_BODY")  # bytes
EXPORT_ROWS = env_int("VITAL_EXPORT_ROWS")
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY
READ_TIMEOUT = env_int("VITAL_READ_TIMEOUT")  # seconds
PLATFORM_ID = env_text("VITAL_PLATFORM_ID")
FENCED_SCHEMAS = env_list("VITAL_FENCED_SCHEMAS")
UNFENCED_TABLES = env_list("VITAL_UNFENCED_TABLES")
# What is above the tenants, by its name: they know nothing of the migration.
INVENTORY = "migrations_ops.phase_state.inventory"
MIGRATION_STATE = "migrations_ops.runs.next_phase.isolation"
PLAIN_ERRORS = ("vital.errors.EngineError", "migrations_ops.rules.reader.PlanError")  # say it themselves
METRICS_OF_PLATFORM = "migrations_ops.diagnostics.prometheus.Platform"

CORS_ALLOWED_ORIGINS = env_list("VITAL_CORS_ORIGINS")
CORS_ALLOWED_ORIGIN_REGEXES = [r"http://localhost(:\d+)?\Z"] if DEMO else []
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_CREDENTIALS = True  # cookies: a session's, and `tenant_id`
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "prefer",
    "x-api-key",
    "x-csrf-token",
    "x-request-id",
    "x-tenant-id",
)
CORS_EXPOSE_HEADERS = ("etag", "location", "preference-applied", "retry-after", "x-request-id", "x-tenant-id")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # tenants.auth.authentication has done it before the transaction begins
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tenants.errors.answer_to",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "VITAL",
    "DESCRIPTION": "A tenant's own rows and the Platform's shared ones. docs/reference/api.md shows how to call it.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # a request says more: that a text may not be empty
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            "supabaseSession": {"type": "apiKey", "in": "cookie", "name": "sb-REF-auth-token"},
            "adminSession": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        }
    },
    "SECURITY": [{"bearer": []}, {"apiKey": []}, {"supabaseSession": []}, {"adminSession": []}],
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},  # a hanging Redis must not hang requests
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

LOG_LEVEL = env_text("VITAL_LOG_LEVEL").lower()
LOGGING_CONFIG = None  # vital.logs does it, for the service

UNFOLD = {
    "SITE_TITLE": "VITAL",
    "SITE_HEADER": "VITAL",
    "SITE_SUBHEADER": "One database, every tenant its own",
    "SITE_SYMBOL": "cardiology",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("vital/icon.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "vital.admin_menu.navigation", "show_search": True, "command_search": True},
    "COMMAND": {"search_callback": "migrations_ops.admin.search.found"},
    "DASHBOARD_CALLBACK": "migrations_ops.admin.dashboard.dashboard",
    "STYLES": [lambda request: static("vital/control_room.css")],
    "SCRIPTS": [lambda request: static("vital/labels.js")],
}

# The pages for a tenant's staff look the same; what else the Platform's admin is given stays there.
UNFOLD_OWN = {name: value for name, value in UNFOLD.items() if name.startswith(("SITE_", "SHOW_", "STYLES"))}
UNFOLD_OWN |= {
    "SITE_SUBHEADER": "Your tenant",
    "SIDEBAR": {"navigation": "tenants.admin.tenant_site.navigation", "show_search": True, "command_search": True},
}

# Background runs: docs/how-to/run-in-the-background.md.
LONG_ANSWERS = env_int("VITAL_LONG_ANSWERS")  # event streams and previews at once, of each process of the service
HELPERS = env_int("VITAL_HELPERS")  # processes that share a big table with the one that carries the run out
CELERY_BROKER_URL = REDIS_URL or "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 10, "socket_keepalive": True}
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives the longest absence of Redis
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the run goes on; its lock keeps others out
CELERY_WORKER_CONCURRENCY = 1 + HELPERS
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # who is busy for hours keeps no task from the others
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3
CELERY_TASK_IGNORE_RESULT = True
