"""`tenants activate`: a suspended tenant gets in again."""

from rich.console import Console

from migrations_ops.management import arguments
from migrations_ops.management.verb import Verb
from tenants.lifecycle import service as lifecycle
from vital.cli.base_command import Options
from vital.cli.exit_codes import DONE, Answer


def activate(options: Options, console: Console) -> Answer:
    done = lifecycle.set_tenant_active(options["slug"], options["reason"], active=True)
    console.print(f"[green]Active.[/] {done['slug']} gets in again within a second.", highlight=False)
    return done, DONE


VERB = Verb("activate", "and in again", activate, arguments.slug_with_reason)
