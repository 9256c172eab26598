"""`tenants suspend`: nobody of a tenant gets in; its rows stay."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.confirm import confirmed
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, STOPPED, Answer


def suspend(options: Options, console: Console) -> Answer:
    slug = options["slug"]
    question = f"Suspend {slug}? Its users cannot log in from then on."
    if options["reason"] and not confirmed(options, "Suspending", question):
        return {"status": "cancelled"}, STOPPED
    done = lifecycle.set_tenant_active(slug, options["reason"], active=False)
    console.print(f"[green]Suspended.[/] Within a second nobody can log in as {slug}. Its rows stay.", highlight=False)
    return done, DONE


VERB = Verb("suspend", "its users cannot log in; its rows stay", suspend, arguments.slug_with_reason)
