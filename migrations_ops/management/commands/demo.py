"""`./manage.py demo`: a sample legacy database, migrated before your eyes, then served. What `make demo` runs."""

import os
import sys
from typing import Any

from django.conf import settings
from rich.console import Console

from migrations_ops.management.alone import AnotherRuns, interruptible, one_at_a_time
from migrations_ops.management.narrator import log_file
from migrations_ops.management.story import Story
from tenants.exits import fail
from tenants.management.base_command import Documented
from vital import private_files
from vital.port import PortError, ensure_free


class Command(Documented):
    help = "Show the whole migration on sample data in an embedded PostgreSQL, then serve it."
    examples = "examples:\n  make demo\n  DEMO_SERVE=0 make demo    leave after the migration"
    exit_codes = """exit codes: 0 done, or the service was stopped by Ctrl-C; 1 a step failed, as it says;
            2 not in demo mode, the port is taken, another demo runs, or a folder cannot be written;
            3 stopped by Ctrl-C before it was through"""

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False, soft_wrap=True)
        port = "" if os.environ.get("DEMO_SERVE") == "0" else os.environ.get("PORT", "3000")
        if not settings.DEMO:
            fail("The demo runs in demo mode only: VITAL_DEMO=1, as `make demo` sets it.", 2)
        try:
            if port:
                ensure_free("localhost", port)
            with (
                one_at_a_time(settings.HOME / "demo.lock") as lock,
                private_files.log(log_file(), again=True) as log,
                interruptible(),
            ):
                Story(console, log, lock).tell(port)
        except (AnotherRuns, PortError) as error:
            fail(error, 2)
        except OSError as error:
            where = f"{error.filename}: " * bool(error.filename)
            fail(f"{where}{error.strerror}. Set VITAL_HOME and VITAL_LOG_DIR to folders that this user may write.", 2)
        except KeyboardInterrupt:
            console.print("\nStopped before it was through. The next `make demo` begins anew.")
            sys.exit(3)
