"""The verbs that suspend a tenant and let it in again."""

from rich.console import Console

from migrations_ops.management import options
from migrations_ops.management.answers import DONE, STOPPED, Answer, Options
from migrations_ops.management.asking import agrees
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle


def suspend(options: Options, console: Console) -> Answer:
    slug = options["slug"]
    if options["reason"] and not agrees(options, "Suspending", f"Suspend {slug}? Nobody of it gets in from then on."):
        return {"status": "cancelled"}, STOPPED
    done = lifecycle.set_tenant_active(slug, options["reason"], active=False)
    console.print(f"[green]Suspended.[/] Within a second nobody gets in as {slug}. Its rows stay.", highlight=False)
    return done, DONE


def activate(options: Options, console: Console) -> Answer:
    done = lifecycle.set_tenant_active(options["slug"], options["reason"], active=True)
    console.print(f"[green]Active.[/] {done['slug']} gets in again within a second.", highlight=False)
    return done, DONE


SUSPEND = Verb("suspend", "nobody of it gets in; its rows stay", suspend, options.slug_with_reason)
ACTIVATE = Verb("activate", "and in again", activate, options.slug_with_reason)
