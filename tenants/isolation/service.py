"""Isolation, put to the test."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

from tenants.inventory import Inventory
from tenants.inventory import inventory as plan_inventory
from tenants.isolation import bypasses as ways_around
from tenants.isolation import reachability, side_channels, unbound
from tenants.isolation.comparison import standing
from tenants.isolation.difference import POLICIES
from tenants.isolation.formats import Finding, findings, junit, sarif
from tenants.isolation.queries import QUERIES
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
    "Finding",
    "IsolationIsOff",
    "MayNotAttack",
    "NoSecret",
    "ServiceNotReached",
    "TokensRefused",
    "attack",
    "attack_api",
    "bypasses",
    "findings",
    "junit",
    "sarif",
    "statements_for_others",
]


class IsolationIsOff(EngineError):
    """Isolation is off, so every tenant sees everything: there is nothing to prove. Turn it on with `./manage.py
    migrate_tenants`, which ends with 006_row_level_security."""


class MayNotAttack(EngineError):
    """This login may not attack: {reason}. Nothing was changed. Let the owner of the tables run it, or a login that is
    a member of vital_tenant and vital_operator."""

    exit_code = 2


def attack(
    url: str, secret_name: str, waiting: Callable[[str], None], *, budget: float | None, all_pairs: bool
) -> Report:
    """Tenants against each other's rows, over HTTP and in the database. Leaves nothing behind.

    The service comes first: an address or a secret that is wrong is told at once.
    """
    inventory = plan_inventory()
    with opened(Session) as session, _looking(session):
        stands = standing(session.execute, inventory)
        if stands.is_off:
            raise IsolationIsOff
        reached = reachability.not_allowed(session, inventory)
        notes = list(side_channels.notes(session, inventory))
        left_alone = unbound.reaching(session.execute, inventory.closed, inventory.bound, inventory.unbound)
    over_http = _attack_service(inventory, url, secret_name, budget=budget, all_pairs=all_pairs)
    report = _attack_database(inventory, waiting, budget=budget, all_pairs=all_pairs)
    report.open += sorted({one.relation for one in stands.dangerous if one.part == POLICIES})
    report.reachable += reached
    report.unbound += left_alone
    report.notes += notes
    report.differences += stands.differences
    report.merge(over_http)
    return report


@contextmanager
def _looking(session: Session) -> Iterator[None]:
    """As the operator, where the login itself sees nothing of VITAL's, as the service's does not."""
    from tenants.isolation import http_probe

    if session.value(QUERIES["sees_own_schema"]):
        yield
    else:
        with http_probe.as_operator(session):
            yield


def _attack_database(
    inventory: Inventory, waiting: Callable[[str], None], *, budget: float | None, all_pairs: bool
) -> Report:
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


def _attack_service(
    inventory: Inventory, url: str, secret_name: str, *, budget: float | None, all_pairs: bool
) -> Report:
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
        how: dict[str, Any] = {"all_pairs": all_pairs} | ({} if budget is None else {"budget": budget})
        report = http_probe.prove(partial(opened, Session), inventory, caller, sign, domain, **how)
    except (ValueError, OSError, HTTPException) as error:
        raise ServiceNotReached(url=url or "this process", reason=error) from error
    if url and report.complete and not any(attempt.attacker != NOBODY.name for attempt in report.attempts):
        raise TokensRefused(url=url, reason=report.not_tried[0]["why"] if report.not_tried else "there is none")
    return report


class NoApi(EngineError):
    """The API that {address} describes cannot be attacked: {reason}. Nothing was proven. Check --openapi and each --as
    TENANT=CREDENTIAL, where CREDENTIAL is a token, "Header: value", env:NAME or file:PATH."""

    exit_code = 2


def attack_api(address: str, credentials: Sequence[str], *, writes: bool) -> Report:
    """An API that its OpenAPI document describes: each tenant's rows with each other's credential."""
    from tenants.isolation import openapi, openapi_probe
    from tenants.isolation.clients import HttpCaller

    try:
        holders = [openapi_probe.Holder(*_credential(given)) for given in credentials]
        if len({holder.name for holder in holders}) < 2:
            raise NoApi(address=address, reason="it takes the credentials of two tenants at least")
        parts = urlsplit(address)
        query = f"?{parts.query}" if parts.query else ""
        answer = HttpCaller(f"{parts.scheme}://{parts.netloc}").call("GET", parts.path + query, holders[0].headers)
        if answer.status != 200:
            raise NoApi(address=address, reason=f"its document is answered with {answer.status}")
        document = openapi.read(answer.text)
        caller = HttpCaller(openapi.base_of(document, address))
        report = openapi_probe.prove(list(openapi.operations(document)), holders, caller, writes=writes)
    except (ValueError, OSError, HTTPException) as error:
        raise NoApi(address=address, reason=error) from error
    if not report.attempts or not any(holder.everything for holder in holders):
        reasons = [left_out["why"] for left_out in report.not_tried]
        raise NoApi(address=address, reason=reasons[0] if reasons else "it has no operation that could be tried")
    return report


def _credential(given: str) -> tuple[str, dict[str, str]]:
    """The tenant and the header that it is known by. No message has the credential in it."""
    name, _, text = given.partition("=")
    if text.startswith("env:"):
        text = env_secret(text.removeprefix("env:"))
    elif text.startswith("file:"):
        text = Path(text.removeprefix("file:")).read_text(encoding="utf-8").strip()
    if not name or not text:
        raise ValueError(f"the credential of {name or 'a tenant without a name'} is empty")
    header, colon, value = text.partition(": ")
    return name, {header: value} if colon else {"Authorization": f"Bearer {text}"}


def statements_for_others() -> list[str]:
    """What would take the tables away from every role but VITAL's own, bound ones and their owner, and keep files in
    their tenant's folder. Only reads."""
    with opened(Session, read_only=True) as session:
        inventory = plan_inventory(session)
        for_storage = reachability.statements_for_storage(session, inventory)
        return [*reachability.statements_for_others(session, inventory), *for_storage]


def bypasses() -> dict[str, Any]:
    """What isolation does not cover; see `isolation.bypasses`. Only reads."""
    inventory = plan_inventory()
    with opened(Session, read_only=True) as session:
        if standing(session.execute, inventory).is_off:
            raise IsolationIsOff
        return ways_around.bypasses(session, inventory)
