"""A tenant's archive from the pages: written for a download or into the server's folder, and brought in again.

It happens while the page is asked for, so it is for tenants of some size: workers carry out runs and nothing else. For
a bigger one the page names the command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from migrations_ops.admin import addresses, mixins
from migrations_ops.admin.tenant_forms import DOWNLOAD, UPLOAD, ExportForm, ImportForm, add_error
from tenants import audit
from tenants.lifecycle import service as lifecycle
from vital import private_files
from vital.errors import EngineError

MOST_ROWS = 200_000  # that a page writes or reads
SUFFIX = ".vital-tenant.zip"
Document = dict[str, Any]


class TooBigForAPage(EngineError):
    """This tenant has more rows than a page may take the time for. Nothing was done. On the command line it goes:
    {command}"""


def kept() -> list[Path]:
    """The archives in the server's folder, the newest first."""
    try:
        found = [file for file in Path(settings.BACKUP_DIR).iterdir() if file.name.endswith(SUFFIX) and file.is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda file: file.stat().st_mtime, reverse=True)


def export(request: HttpRequest, tenant: Document, form: ExportForm) -> HttpResponseBase:
    """The archive as a download, or where it is kept. Raises EngineError."""
    slug, name = tenant["slug"], f"{tenant['slug']}-{datetime.now(UTC):%Y%m%d-%H%M%S}{SUFFIX}"
    if sum(tenant["rows"].values()) > MOST_ROWS:
        raise TooBigForAPage(command=f"./manage.py tenants export {slug} FILE")
    if form.cleaned_data["place"] == DOWNLOAD:
        with private_files.folder() as folder:
            _write(request, tenant, folder / name, form.reason)
            return FileResponse((folder / name).open("rb"), as_attachment=True, filename=name)
    folder = Path(settings.BACKUP_DIR)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = _write(request, tenant, folder / name, form.reason)
    messages.success(request, f"{rows:,} rows are in {folder / name}. It holds all that the tenant has.")
    return HttpResponseRedirect(addresses.to_tenant(tenant["id"]))


def _write(request: HttpRequest, tenant: Document, file: Path, reason: str) -> int:
    who = request.user.get_username()
    rows = int(lifecycle.export_tenant(tenant["slug"], file, lambda said: None, who=who)["rows"])
    audit.record(who, "export tenant", reason, {"tenant": tenant["id"], "slug": tenant["slug"], "rows": rows})
    return rows


def bring_in(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest) -> HttpResponse:
    """The page on which a tenant is imported: first only checked, then, asked for, imported."""
    mixins.refuse_who_may_not(request)
    form = ImportForm(kept(), *((request.POST, request.FILES) if request.method == "POST" else ()))
    if form.is_valid():
        checks = request.POST.get("what") != "import"
        try:
            with _archive(form) as file:
                done = _import(request, file, form, dry_run=checks)
            if not checks:
                messages.success(request, f"{done['slug']} is imported: {done['rows']:,} rows, equal to the archive.")
                return HttpResponseRedirect(addresses.to_tenant(done["id"]))
            messages.info(request, f"Nothing was kept. {done['rows']:,} rows of {done['slug']} would go in.")
        except EngineError as error:
            add_error(form, error)
    facts = mixins.frame(model_admin, request, "Import a tenant", form=form, most=settings.MAX_BODY, rows=MOST_ROWS)
    facts["back"] = reverse("admin:tenants_tenantrecord_changelist")
    return TemplateResponse(request, "migrations_ops/tenants/import.html", facts)


@contextmanager
def _archive(form: ImportForm) -> Iterator[Path]:
    """The file that was chosen; an upload is on the disk only as long as it is read, and for nobody else."""
    chosen = form.cleaned_data["archive"]
    if chosen != UPLOAD:
        yield Path(settings.BACKUP_DIR) / chosen
        return
    with private_files.folder() as folder:
        private_files.write(folder / "upload.zip", form.cleaned_data["file"].read())
        yield folder / "upload.zip"


def _import(request: HttpRequest, file: Path, form: ImportForm, *, dry_run: bool) -> Document:
    if lifecycle.rows_in_archive(file) > MOST_ROWS:
        raise TooBigForAPage(command="./manage.py tenants import FILE --reason TEXT")
    slug, reason, who = form.cleaned_data["slug"], form.cleaned_data["reason"], request.user.get_username()
    return lifecycle.import_tenant(file, reason, lambda said: None, slug=slug, who=who, dry_run=dry_run)
