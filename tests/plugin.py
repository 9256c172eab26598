"""Loaded by pytest before Django's settings are read: finds or starts the test server and makes the suite's database.

DATABASE_URL names a server whose superuser the suite may use to make scratch databases; it never touches the database
that the URL itself names. Without it an embedded PostgreSQL is started for this run.
"""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

from tests.support import databases
from vital import embedded

# A shell ignores Ctrl-C in what it starts in the background, and so would everything the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


def _server() -> str:
    url = os.environ.get("DATABASE_URL", "")
    if url:
        return url
    home = Path(tempfile.mkdtemp(prefix="vital-tests-"))
    home.chmod(0o711)  # else the system user that runs the server for root keeps its data elsewhere, for good
    # Registered before the server's own handler, so that it runs after it: atexit is last in, first out.
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    server = embedded.ensure_running(home, durable=False)
    return server.superuser_url


SERVER_URL = _server()
SUITE = databases.create_empty(SERVER_URL)
atexit.register(databases.drop, SUITE)

# The suite's own process works as the restricted owner, as a user's would.
os.environ["DATABASE_URL"] = SUITE.owner_url
os.environ.pop("SUPABASE_DB_URL", None)
os.environ["VITAL_DEMO"] = "1"
os.environ.setdefault("VITAL_SECRET_KEY", "for-tests-only")
os.environ["VITAL_BACKUP"] = "0"  # hundreds of migrations of nobody's data; tests of it say otherwise
