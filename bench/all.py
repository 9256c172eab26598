"""`make bench`: every measurement at sizes for two cores and about ten minutes, then each ratio beside its target.

`--full` (`make bench-full`) is with ten million chunks, a million tools and every table of the admin; it takes hours.
Each bench can be run alone; its README says what it measures.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from bench.backfill.run import embedded

ROOT = Path(__file__).resolve().parents[1]
BRIEF = {
    "backfill": "--chunks 100000 300000 --workers 1 2 --no-variants",
    "commands": "",
    "writes": "",
    "api": "--rows 1000 30000 --workers 1 --rounds 2 --seconds 2",
    "isolation": "",
    "restore": "--rows 30000",
}
FULL = {
    "backfill": "--chunks 100000 1000000 10000000 --workers 1 2",
    "commands": "",
    "writes": "",
    "api": "",
    "isolation": "",
    "vectors": "",
    "preview": "",
    "tenants": "",
    "admin": "",
    "restore": "--rows 100000 1000000",
}
TARGET = re.compile(r"wanted|holds|MISSED|[≤≥]")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="at every size")
    sizes = FULL if parser.parse_args().full else BRIEF
    os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or embedded()
    began = time.monotonic()
    targets: dict[str, list[str]] = {}
    failed = [name for name, arguments in sizes.items() if not carried_out(name, arguments, targets)]
    print(f"\n# Ratios and targets, after {(time.monotonic() - began) / 60:.0f} minutes\n")
    for name, lines in targets.items():
        print(f"## {name}\n\n" + "\n".join(lines) + "\n")
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def carried_out(name: str, arguments: str, targets: dict[str, list[str]]) -> bool:
    """Run one bench before one's eyes, and keep the lines that name a target."""
    print(f"\n# bench/{name} {arguments}", flush=True)
    targets[name] = []
    command = [sys.executable, "-m", f"bench.{name}.run", *arguments.split()]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if TARGET.search(line):
                targets[name].append(line.rstrip())
    return process.returncode == 0


if __name__ == "__main__":
    main()
