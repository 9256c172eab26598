"""Who asks: a token, an API key, a session of Supabase's or of the admin, or, in demo mode, anybody."""

import dataclasses

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import CSRFCheck

from tenants import attempts
from tenants.auth import api_keys, jwt, origin, supabase_cookie
from tenants.auth.jwt import Claims
from tenants.errors import BadCredential, CredentialRefused, CsrfTokenNeeded
from tenants.identity import Caller, TenantRequest, tenant_id
from tenants.models import ApiKey, Membership, Role
from tenants.resolution import canonical, home_of
from tenants.ttl_cache import Memory
from vital.db import scope as context

ANONYMOUS = Caller("anonymous", "", Role.USER, frozenset(), "", may_write=False)
DEMO = Caller("demo", "demo", Role.ADMIN, None)
_known_keys: Memory[ApiKey] = Memory(10_000)
_once_good: Memory[bool] = Memory(10_000, seconds=3600)  # whose keys are asked for, whoever else guesses beside them


def authenticate(request: TenantRequest) -> Caller:
    """The caller. A credential that is bad is refused even where none is needed. Raises Unauthorized, and
    TooManyFailures after many that were not known."""
    try:
        return _caller_of(request)
    except BadCredential as refusal:
        raise attempts.bad_credential(request, refusal.name, refusal) from refusal


def _caller_of(request: TenantRequest) -> Caller:
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise CredentialRefused("The authorization header must be: Bearer TOKEN.")
        return _of_token(jwt.claims_of(token.strip()))
    key = request.headers.get("x-api-key")
    if key is not None:
        return _of_key(request, key)
    if (claims := _of_cookie(request)) is not None:
        return _of_token(claims)
    if settings.SESSION_COOKIE_NAME in request.COOKIES and (caller := _of_session(request)):
        return caller
    return DEMO if settings.DEMO else ANONYMOUS


def _of_cookie(request: TenantRequest) -> Claims | None:
    """What the session cookie of Supabase's says; None where there is none, and in a demo that could check none: the
    browser sends it by itself, whatever project it is of."""
    if settings.DEMO and not jwt.can_verify():
        return None
    claims = supabase_cookie.claims_of(request.META.get("HTTP_COOKIE", ""), request.COOKIES)
    if claims is not None:
        origin.refuse_foreign_write(request)
    return claims


def _of_token(claims: Claims) -> Caller:
    role = _role(claims)
    name = str(claims.get("sub", ""))
    home = canonical(_tenant_claim(claims))
    if role == Role.SUPER_ADMIN:
        return Caller("token", name, role, None, home)
    home = home or home_of(name)
    return Caller("token", name, role, frozenset([home] if home else []), home)


def _role(claims: Claims) -> str:
    """`app_metadata.role`, else the top level's; what a user can edit (`user_metadata`) never counts."""
    top, app = claims.get("role"), _app_metadata(claims).get("role")
    if "service_role" in (top, app):
        if settings.ALLOW_SERVICE_ROLE:
            return Role.SUPER_ADMIN
        raise CredentialRefused("A service_role token is not accepted here.")
    if top == "anon":
        raise CredentialRefused("An anonymous token opens nothing here.")
    for role in (app, top):
        if isinstance(role, str) and role in Role.values:
            return role
    if top == "authenticated" or (top is None and app is not None):
        return Role.USER
    raise CredentialRefused("The token names no role that is known here.")


def _tenant_claim(claims: Claims) -> str:
    claim = claims.get("tenant_id") or _app_metadata(claims).get("tenant_id")
    if not claim:
        return ""
    known = tenant_id(str(claim))
    if known is None:
        raise CredentialRefused("The token's tenant_id is not a UUID.")
    return known


def _app_metadata(claims: Claims) -> Claims:
    found = claims.get("app_metadata")
    return found if isinstance(found, dict) else {}


def _of_key(request: TenantRequest, key: str) -> Caller:
    record = _known_keys.get(key)
    if record is None:
        unknown = BadCredential("The API key is not known here, or no longer good.", key[: api_keys.SHOWN])
        if _once_good.get(api_keys.digest_of(key)) is None and attempts.is_over(request):
            raise unknown  # without a question to the database
        with context.acting_as(context.operator_scope(read_only=True)):
            record = api_keys.find(key)
        if record is None:
            raise unknown
        _known_keys.put(key, record)
        _once_good.put(record.digest, True)
    if api_keys.use_is_due(record):
        with context.acting_as(context.operator_scope(read_only=False)):
            api_keys.note_use(record)
    tenants = [canonical(str(tenant)) for tenant in record.tenants]
    writes = record.scope == ApiKey.Scope.WRITE
    return Caller(
        "key", record.prefix, Role.ADMIN if writes else Role.USER, frozenset(tenants), tenants[0] if tenants else "",
        may_write=writes, metrics=record.scope == ApiKey.Scope.METRICS,
    )  # fmt: skip


def staff_of_session(request: HttpRequest) -> tuple[User, list[Membership]] | None:
    """Who is logged in to the admin, and the tenants they may use; None for anybody else. Asked in an open scope, which
    may write: a session whose password has changed since is ended."""
    request.session = SessionStore(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    user = get_user(request)
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return None
    return user, [] if user.is_superuser else list(Membership.objects.filter(user=user))


def _of_session(request: TenantRequest) -> Caller | None:
    """The user of the admin; a write must also show the CSRF token, which pages of other origins cannot read, allowed
    ones included: what a fault of theirs opens is not the admin."""
    with context.acting_as(context.operator_scope(read_only=False)):
        found = staff_of_session(request)
    if found is None:
        return None
    user, grants = found
    origin.refuse_foreign_write(request)
    if request.method not in origin.READING:
        _check_csrf(request)
    caller = Caller("session", user.get_username(), Role.SUPER_ADMIN, None)
    if user.is_superuser:
        return caller
    roles = {str(grant.tenant_id): grant.role for grant in grants}
    return dataclasses.replace(
        caller, role=Role.USER, tenants=frozenset(roles), home=next(iter(roles), ""), grants=tuple(roles.items())
    )


class _TokenCheck(CSRFCheck):
    """Django's check of the token alone: of which page it comes, `origin` has looked at."""

    def _origin_verified(self, request: HttpRequest) -> bool:
        return True

    def _check_referer(self, request: HttpRequest) -> None:
        """Asked where a browser says no origin."""


def _check_csrf(request: TenantRequest) -> None:
    check = _TokenCheck(lambda _: HttpResponse())  # it never answers by itself
    check.process_request(request)
    if check.process_view(request, lambda: HttpResponse(), (), {}):  # says why not, or None
        raise CsrfTokenNeeded
