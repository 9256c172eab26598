"""Load on one address: wrk where it is installed, else a small client of our own (its cost draws ratios to 1)."""

import asyncio
import math
import re
import shutil
import statistics
import subprocess
import time
from dataclasses import astuple, dataclass

LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m|h) *$", re.MULTILINE)
PER_SECOND = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}


class BadAnswers(Exception):
    """Answers other than 2xx, or none: the figures would be of refusals."""


@dataclass(frozen=True)
class Figures:
    """Milliseconds, requests in a second, and milliseconds of processor time that a request takes."""

    p50: float
    p99: float
    per_second: float
    server_cpu: float = math.nan
    database_cpu: float = math.nan

    @property
    def cpu(self) -> float:
        return self.server_cpu + self.database_cpu


def middle(figures: list[Figures]) -> Figures:
    """The median of several rounds, figure by figure."""
    return Figures(*(statistics.median(column) for column in zip(*map(astuple, figures), strict=True)))


def on(port: int, path: str, headers: dict[str, str], *, clients: int, seconds: float) -> Figures:
    """So many clients, each on a connection that is kept, for so long. Raises BadAnswers."""
    program = shutil.which("wrk")
    if program is None:
        return asyncio.run(_by_ourselves(port, path, headers, clients, seconds))
    options = [f"-H{name}: {value}" for name, value in headers.items()]
    command = [
        program,
        "-t1",
        f"-c{clients}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "60s",
        "--latency",
        *options,
    ]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True)
    if "Non-2xx" in said.stdout or "Socket errors" in said.stdout:
        raise BadAnswers(said.stdout)
    latency = {share: float(number) * MILLISECONDS[unit] for share, number, unit in LATENCY.findall(said.stdout)}
    found = PER_SECOND.search(said.stdout)
    assert found, said.stdout
    return Figures(latency.get("50", math.inf), latency.get("99", math.inf), float(found[1]))  # inf: no answer in time


async def _by_ourselves(port: int, path: str, headers: dict[str, str], clients: int, seconds: float) -> Figures:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n".encode()
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        while (began := time.perf_counter()) < end:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 2"):
                raise BadAnswers(head.decode(errors="replace"))
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            assert length, head
            await reader.readexactly(int(length[1]))
            took.append((time.perf_counter() - began) * 1000)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return of_times(took, seconds)


def of_times(took: list[float], seconds: float) -> Figures:
    """The figures of single times in milliseconds."""
    ordered = sorted(took) or [math.inf]
    return Figures(
        ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], len(took) / seconds
    )
