"""`./manage.py demo`: a sample legacy database, migrated before your eyes, then served. What `make demo` runs."""

import os

from django.conf import settings
from rich.console import Console

from migrations_ops.management.demo.lock import interruptible, one_at_a_time
from migrations_ops.management.demo.narrator import log_file
from migrations_ops.management.demo.story import Story
from vital import private_files
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, STOPPED, USAGE, Answer
from vital.port import ensure_free

FOLDERS = "Set VITAL_HOME and VITAL_LOG_DIR to folders that this user may write."


class Command(VitalCommand):
    help = "Show the whole migration on sample data in an embedded PostgreSQL, then serve it."
    examples = "examples:\n  make demo\n  DEMO_SERVE=0 make demo    leave after the migration"
    exit_codes = """exit codes: 0 done, or the service was stopped by Ctrl-C; 1 a step failed, as it says;
            2 not in demo mode, the port is taken, another demo runs, or a folder cannot be written;
            3 stopped by Ctrl-C before it was through"""

    def act(self, options: Options, console: Console) -> Answer:
        port = "" if os.environ.get("DEMO_SERVE") == "0" else os.environ.get("PORT", "3000")
        if not settings.DEMO:
            return {"error": "The demo runs in demo mode only: VITAL_DEMO=1, as `make demo` sets it."}, USAGE
        said = Console(highlight=False, soft_wrap=True)
        try:
            if port:
                ensure_free("localhost", port)
            with (
                one_at_a_time(settings.HOME / "demo.lock") as lock,
                private_files.log(log_file(), again=True) as log,
                interruptible(),
            ):
                Story(said, log, lock).tell(port)
        except OSError as error:
            return {"error": f"{f'{error.filename}: ' * bool(error.filename)}{error.strerror}. {FOLDERS}"}, USAGE
        except KeyboardInterrupt:
            said.print("\nStopped before it was through. The next `make demo` starts over.")
            return {}, STOPPED
        return {}, DONE
