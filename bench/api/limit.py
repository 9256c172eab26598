"""pgbench with the same statement: what the server could answer if nothing but the query were done."""

import shutil
import subprocess
from pathlib import Path

from bench.api.load import Figures, of_times
from vital.db.embedded import client_bin_dir


def measure(url: str, script: Path, folder: Path, *, clients: int, seconds: float) -> Figures:
    """So many clients for so long, with a prepared statement."""
    program = shutil.which("pgbench") or str(client_bin_dir() / "pgbench")
    for old in folder.glob("times.*"):
        old.unlink()
    options = ["-n", "-M", "prepared", "-f", str(script), "-c", str(clients), "-T", str(max(1, round(seconds)))]
    done = subprocess.run(
        [program, *options, "-l", f"--log-prefix={folder / 'times'}", url], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"pgbench ended with {done.returncode}: {done.stderr}")
    # A line's third column is the transaction's time in microseconds.
    lines = (line for file in folder.glob("times.*") for line in file.read_text().splitlines())
    return of_times([int(line.split()[2]) / 1000 for line in lines], seconds)
