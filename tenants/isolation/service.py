"""Isolation, put to the test."""

from collections.abc import Callable
from functools import partial
from http.client import HTTPException
from typing import Any

import psycopg
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from tenants.inventory import Inventory
from tenants.inventory import inventory as plan_inventory
from tenants.isolation import bypasses as ways_around
from tenants.isolation import reachability
from tenants.isolation.comparison import standing
from tenants.isolation.difference import POLICIES
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Report
from tenants.isolation.targets import NOBODY
from vital.db import retry
from vital.db.own_schema import opened
from vital.db.session import Session
from vital.env import env_secret
from vital.errors import EngineError

__all__ = [
    "HELD",
    "LEAK",
    "NOT_TRIED",
    "IsolationIsOff",
    "MayNotAttack",
    "NoSecret",
    "ServiceNotReached",
    "TokensRefused",
    "attack",
    "bypasses",
    "statements_for_others",
]


class IsolationIsOff(EngineError):
    """The fence is not closed, so every tenant sees everything: there is nothing to prove. Close it with
    `./manage.py migrate_tenants`, which ends with 006_row_level_security."""


class MayNotAttack(EngineError):
    """This login may not attack: {reason}. Nothing was changed. Let the owner of the tables run it, or a login that is
    a member of vital_tenant and vital_operator."""

    exit_code = 2


def attack(url: str, secret_name: str, waiting: Callable[[str], None], *, budget: float, all_pairs: bool) -> Report:
    """Tenants against each other's rows, over HTTP and in the database. Leaves nothing behind.

    The service comes first: an address or a secret that is wrong is told at once.
    """
    inventory = plan_inventory()
    with opened(Session) as session:
        stands = standing(session.execute, inventory)
        if stands.is_off:
            raise IsolationIsOff
        reached = reachability.not_allowed(session, inventory)
    over_http = _attack_service(inventory, url, secret_name)
    report = _attack_database(inventory, waiting, budget=budget, all_pairs=all_pairs)
    report.open += sorted({one.relation for one in stands.dangerous if one.part == POLICIES})
    report.reachable += reached
    report.merge(over_http)
    return report


def _attack_database(inventory: Inventory, waiting: Callable[[str], None], *, budget: float, all_pairs: bool) -> Report:
    """See `database_probe.prove`."""
    from tenants.isolation import database_probe

    with opened(Session) as session:
        try:
            work = partial(database_probe.prove, session, inventory, budget=budget, all_pairs=all_pairs)
            return retry.retried(session, (), work, waiting)
        except psycopg.errors.InsufficientPrivilege as error:
            raise MayNotAttack(reason=error.diag.message_primary) from error


class ServiceNotReached(EngineError):
    """The service at {url} cannot be attacked: {reason}. Its planted rows are removed. Check --url, and that the
    service is up and works on this database."""

    exit_code = 2


class NoSecret(EngineError):
    """The variable {name} is not set, so no tenant's token can be signed for {url}. Set it to the secret that the
    service checks its tokens with, or name another variable by --jwt-secret-env."""

    exit_code = 2


class TokensRefused(EngineError):
    """The service at {url} knows none of the tenants that were tried: {reason}. Nothing was proven. Compare the secret,
    VITAL_JWT_AUDIENCE and the database with the service's own."""

    exit_code = 2


def _attack_service(inventory: Inventory, url: str, secret_name: str) -> Report:
    """At this address, or else in this process."""
    from tenants.isolation import http_probe, test_tokens
    from tenants.isolation.clients import HttpCaller, WsgiCaller

    secret = env_secret(secret_name)
    if not secret and url:
        raise NoSecret(name=secret_name, url=url)
    report = Report()
    if not secret:
        report.leave_out("the service", f"{secret_name} is not set: set it, and give --url for a live one")
        return report
    if not url and settings.DEMO:
        report.leave_out("the service in this process", "it is in demo mode, where anybody may name any tenant")
        return report
    with opened(Session) as session:
        if not url and not http_probe.runs_here(session):
            why = "it needs the service's own login (./manage.py create_login) in DATABASE_URL, or --url for a live one"
            report.leave_out("the service in this process", why)
            return report
    sign = test_tokens.signer(secret, settings.JWT_AUDIENCE, settings.JWT_ISSUER)
    try:
        caller = HttpCaller(url) if url else WsgiCaller(WSGIHandler())
        domain = settings.TENANT_DOMAIN or "localhost"
        report = http_probe.prove(partial(opened, Session), inventory, caller, sign, domain)
    except (ValueError, OSError, HTTPException) as error:
        raise ServiceNotReached(url=url or "this process", reason=error) from error
    if url and not any(attempt.attacker != NOBODY.name for attempt in report.attempts):
        raise TokensRefused(url=url, reason=report.not_tried[0]["why"] if report.not_tried else "there is none")
    return report


def statements_for_others() -> list[str]:
    """What would take the tables away from every role but VITAL's own and their owner. Only reads."""
    with opened(Session, read_only=True) as session:
        return reachability.statements_for_others(session, plan_inventory(session))


def bypasses() -> dict[str, Any]:
    """What the fence does not cover; see `isolation.bypasses`. Only reads."""
    inventory = plan_inventory()
    with opened(Session, read_only=True) as session:
        if standing(session.execute, inventory).is_off:
            raise IsolationIsOff
        return ways_around.bypasses(session, inventory)
