"""The settings of this machine, and what they name besides the database."""

from collections.abc import Iterator
from pathlib import Path
from time import time
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from migrations_ops.diagnostics.result import FAIL, WARN, Result, good
from tenants import checks

OLD_BACKUP = 7  # days
DAY = 86_400


def results() -> Iterator[Result]:
    yield _secret_key()
    yield _demo()
    yield _hosts()
    yield _tokens()
    yield _redis()
    yield _backups(Path(settings.BACKUP_DIR))


def _secret_key() -> Result:
    try:
        checks.refuse_weak_key()
    except ImproperlyConfigured as problem:
        return Result("secret key", FAIL, "it is weak or missing", str(problem))
    return good("secret key", f"{len(settings.SECRET_KEY)} characters")


def _demo() -> Result:
    if not settings.DEMO:
        return good("demo mode", "off")
    return Result("demo mode", WARN, "the bare header x-tenant-id opens any tenant", "Unset VITAL_DEMO in production.")


def _hosts() -> Result:
    if "*" in settings.ALLOWED_HOSTS:
        return Result("host names", FAIL, "the service answers to any name", "Name them in VITAL_ALLOWED_HOSTS.")
    return good("host names", ", ".join(settings.ALLOWED_HOSTS) or "localhost")


def _tokens() -> Result:
    if settings.JWT_SECRET:
        return good("tokens", "HS256 by a secret")
    if settings.JWKS_URL:
        return good("tokens", f"keys of {urlsplit(settings.JWKS_URL).hostname}")
    fix = "Set SUPABASE_JWT_SECRET or VITAL_JWKS_URL where frontends send tokens."
    return Result("tokens", WARN, "none is accepted: API keys and sessions only", fix)


def _redis() -> Result:
    if not settings.REDIS_URL:
        return good("Redis", "none: each process counts requests for itself, runs have a process of their own")
    import redis  # slow to import, and of no use to anybody without one

    try:
        redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2).ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return Result("Redis", FAIL, f"it does not answer: {error}", "Start it, or correct REDIS_URL.")
    return good("Redis", "it answers")


def _backups(folder: Path) -> Result:
    files = sorted(folder.glob("*.dump"), key=lambda file: file.stat().st_mtime) if folder.is_dir() else []
    if not files:
        return Result("backups", WARN, f"none in {folder}", "./manage.py backup --verify")
    days = (time() - files[-1].stat().st_mtime) / DAY
    if days > OLD_BACKUP:
        return Result(
            "backups", WARN, f"the last is {days:.0f} days old: {files[-1].name}", "./manage.py backup --verify"
        )
    return good("backups", files[-1].name)
