"""Around each request: its one transaction."""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import cast

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation
from django.db import connection, transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import ResolverMatch, resolve, reverse
from django.utils.cache import patch_vary_headers

from tenants import attempts, availability, bounds, errors, failures, registry
from tenants.admin import permissions, tenant_site
from tenants.api import response_cache, throttling
from tenants.api.views import TenantView
from tenants.auth.authentication import authenticate
from tenants.auth.origin import READING
from tenants.errors import Forbidden, NotFound, TenantNeeded, TooLarge, Unauthorized
from tenants.identity import Caller, Person, TenantInfo, TenantRequest
from tenants.resolution import resolve as resolve_tenant
from vital.db import scope as context

GetResponse = Callable[[TenantRequest], HttpResponse]


def is_api(request: TenantRequest) -> bool:
    return request.path_info.startswith("/api/")


class ApiTransaction:
    """Caller, tenant, limits; then one transaction as that tenant around everything the view does.

    It is opened before anything reads and rolled back on any error answer; a GET's is READ ONLY. Operators' addresses
    have none, and answer before the migration as well.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        if not is_api(request):
            return self.get_response(request)
        try:
            answer = self._answer(request)
        except Exception as error:
            answer = errors.answer_to(error)
        patch_vary_headers(answer, ("x-tenant-id", "authorization", "x-api-key", "cookie"))
        answer.setdefault("Cache-Control", "private, no-cache")
        return answer

    def _answer(self, request: TenantRequest) -> HttpResponse:
        view = _view_of(request)
        request.get_host()
        if not view.for_operators:
            availability.require_isolation()
        caller = request.caller = authenticate(request)
        reads = request.method in READING
        if caller.kind == "anonymous" and not (reads and view.open_to_all):
            raise Unauthorized
        if caller.metrics:
            raise Forbidden("This API key opens /metrics and nothing else.")
        tenant = request.acting_tenant = resolve_tenant(request, caller, hints=not view.for_operators)
        caller = request.caller = caller.within(tenant.id if tenant else "")
        if view.for_operators and not caller.is_super_admin:
            raise Forbidden
        if tenant is None and not reads and not view.for_operators:
            raise TenantNeeded
        throttling.check(tenant, caller)
        if _length(request) > settings.MAX_BODY:
            raise TooLarge
        if not (reads or view.for_operators):
            availability.refuse_writes()
        sees_all = caller.is_super_admin and request.GET.get("showAll", "").lower() == "true"
        request.sees_all = sees_all
        key = (tenant.id if tenant else "", sees_all, request.path_info, request.META["QUERY_STRING"])
        if view.for_operators or not view.reads_rows:
            return self._without_transaction(request, key, reads)
        if request.method != "GET":
            return self._in_transaction(request, caller, tenant, reads)
        if not view.cacheable:
            return response_cache.tagged(request, key, self._in_transaction(request, caller, tenant, reads))
        return response_cache.recall(request, key, lambda: self._in_transaction(request, caller, tenant, reads))

    def _without_transaction(self, request: TenantRequest, key: Hashable, reads: bool) -> HttpResponse:
        """The migration has connections of its own, and a run is watched for longer than a transaction may be."""
        answer = self.get_response(request)
        if not reads and answer.status_code < 400:
            response_cache.forget()
        return answer if answer.streaming or request.method != "GET" else response_cache.tagged(request, key, answer)

    def _in_transaction(
        self, request: TenantRequest, caller: Caller, tenant: TenantInfo | None, reads: bool
    ) -> HttpResponse:
        read_only = reads or not caller.may_write
        scope = context.tenant_scope(tenant.id if tenant else "", read_only=read_only)
        if request.sees_all:
            scope = context.operator_scope(read_only=True) if reads else scope
        with context.acting_as(scope):
            answer = self.get_response(request)
            if answer.status_code >= 400:
                transaction.set_rollback(True)
        if not reads and answer.status_code < 400:
            response_cache.forget()
        return answer


def _view_of(request: TenantRequest) -> type[TenantView]:
    """The class that answers this address. Raises NotFound."""
    match = _match(request.path_info)
    view = getattr(match.func, "view_class", None) or getattr(match.func, "cls", None) if match else None
    if match is None or view is None:
        raise NotFound
    request.resolver_match = match
    return cast(type[TenantView], view)


@lru_cache(maxsize=1024)
def _match(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Http404:
        return None


def _length(request: TenantRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError as error:
        raise SuspiciousOperation from error


class StaffTransaction:
    """The admin, each request in one transaction: a superuser's as vital_operator, since the service's login itself may
    do nothing; a tenant's staff's as that tenant, reading only. What is not theirs is refused before it reads anything.

    Whatever goes wrong becomes a page in the admin's own frame, made when the transaction that failed is over.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        if not request.path_info.startswith("/admin"):
            return self.get_response(request)
        request.person = request.isolation = request.failure = None
        request.refusal = ""
        try:
            bounds.check(request)
            request.isolation = availability.isolation()
            registry.bind()
            answer = self._answer(request, _page(request.path_info))
        except Exception as error:
            request.failure = error
        return answer if request.failure is None else failures.page_of(request, request.failure)

    def process_exception(self, request: TenantRequest, error: Exception) -> HttpResponse | None:
        """Noted only: nothing more can be read in this transaction. A session is not written under a 500."""
        if not request.path_info.startswith("/admin"):
            return None
        request.failure = error
        return HttpResponse(status=500)

    def _answer(self, request: TenantRequest, page: str) -> HttpResponse:
        person = request.person = permissions.person_of(request, page)
        if page in permissions.FOR_ALL or (person and page in permissions.OF_ONESELF):
            tries = request.method == "POST" and page in permissions.WITH_PASSWORD
            return self._with_password(request, person) if tries else self._as_operator(request)
        if person is None:
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if page == "admin:index" and not person.sees_all:
            return HttpResponseRedirect(reverse("own:index"))
        try:
            request.acting_tenant = permissions.tenant_of_page(page, person, reads=request.method in READING)
        except permissions.PageRefused as refused:
            request.refusal = str(refused)
        if request.acting_tenant is None and not request.refusal:
            return self._as_operator(request)
        return self._as_tenant(request, person)

    def _with_password(self, request: TenantRequest, person: Person | None) -> HttpResponse:
        """A form that is shown again has not taken the password. Raises TooManyFailures."""
        name = request.POST.get("username", "") or (person.user.get_username() if person else "")
        with attempts.password(request, name) as good:
            answer = self._as_operator(request)
            good.append(answer.status_code != 200)
            return answer

    def process_view(
        self, request: TenantRequest, view: Callable[..., HttpResponse], arguments: object, names: object
    ) -> HttpResponse | None:
        """A page that is refused is not called, whatever it is."""
        return tenant_site.site.refused(request) if getattr(request, "refusal", "") else None

    def _as_operator(self, request: TenantRequest) -> HttpResponse:
        with permissions.accounts():
            answer = self.get_response(request)
            if answer.status_code >= 500 and connection.in_atomic_block:
                transaction.set_rollback(True)
        return answer

    def _as_tenant(self, request: TenantRequest, person: Person) -> HttpResponse:
        """Nothing of VITAL's own can be read in here: who it is and what the page is made of must be known before."""
        request._cached_user = person.user
        if not availability.has_roles():
            return self.get_response(request)  # refused: nothing is read at all
        with permissions.accounts():
            tenant_site.site.be_ready()
        tenant = request.acting_tenant.id if request.acting_tenant else ""
        with context.acting_as(context.tenant_scope(tenant, read_only=True)):
            return self.get_response(request)


def _page(path: str) -> str:
    """The page's name with its namespace; empty where there is none, or the address is a redirect."""
    match = _match(path)
    return match.view_name if match and match.url_name else ""
