"""Around everything: the record of each request."""

import time
import uuid

from django.conf import settings
from django.http import HttpResponse

from tenants import errors
from tenants.identity import TenantRequest
from tenants.middleware import GetResponse, is_api
from vital import front, logs, metrics
from vital.content_policy import policy
from vital.traffic import traffic

NOT_ARRIVED: dict[str, type[errors.Refusal]] = {front.LATE: errors.TooSlow, front.CROWDED: errors.Crowded}

# What a page may load, from nowhere else than here. The admin's menus are Alpine's, which evaluates their attributes.
OF_ADMIN = policy(
    script_src="'self' 'unsafe-eval'",
    style_src="'self' 'unsafe-inline'",
    img_src="'self' data:",
    font_src="'self'",
    connect_src="'self'",
    form_action="'self'",
)
OF_OTHERS = policy(style_src="'unsafe-inline'")


class RequestRecord:
    """An id, a log line and the figures of each request, and JSON for whatever goes wrong under /api/."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: TenantRequest) -> HttpResponse:
        started = time.perf_counter()
        request.vital_id = _request_id(request)
        request.caller = request.acting_tenant = request.remembered = None
        logs.begin(request.vital_id)
        incomplete = request.META.get(front.INCOMPLETE)
        answer = errors.response(NOT_ARRIVED[incomplete]()) if incomplete else self.get_response(request)
        seconds = time.perf_counter() - started
        answer["x-request-id"] = request.vital_id
        if answer.status_code != 304:  # whose headers replace those that the browser has kept with the page
            is_admin = request.path_info.startswith("/admin")
            answer.setdefault("Content-Security-Policy", OF_ADMIN if is_admin else OF_OTHERS)
        if is_api(request):
            answer["x-tenant-id"] = _tenant_shown(request, answer)
            traffic.count(request.acting_tenant.id if request.acting_tenant else "", answer.status_code)
            answer["Cross-Origin-Resource-Policy"] = "same-origin"  # a browser would send cookies for a script's sake
        route = _route(request)
        metrics.observe(request, answer.status_code, route, seconds)
        logs.request(request, answer.status_code, route, seconds)
        return answer


def _request_id(request: TenantRequest) -> str:
    """The caller's own id where it is a plain one, so that logs of both sides meet; else a new one."""
    given = request.headers.get("x-request-id", "")
    return (
        given if 8 <= len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum() else str(uuid.uuid4())
    )


def _tenant_shown(request: TenantRequest, answer: HttpResponse) -> str:
    """Whose an answer is; for no tenant the Platform's rows are shown, and a refusal is nobody's."""
    if request.acting_tenant:
        return request.acting_tenant.id
    return settings.PLATFORM_ID if request.caller and answer.status_code < 400 else ""


def _route(request: TenantRequest) -> str:
    """The address's pattern, which is a bounded label where the address itself is not."""
    match = request.resolver_match
    return match.route if match else "unknown"
