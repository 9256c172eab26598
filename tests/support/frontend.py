"""The stand-in for the platform's frontend, which sends three addresses on to VITAL, as a process of node's."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.paths import ROOT

SCRIPT = Path(__file__).with_suffix(".mjs")
PAGE = ROOT / "docs" / "how-to" / "switch-the-frontend.md"


def shown(kind: str) -> str:
    """The block of this kind on the page that says how a frontend is switched over."""
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return str(block)


@contextmanager
def served(vital_port: int, platform: str, port: int = 0, built_with: Mapping[str, str] = {}) -> Iterator[int]:
    """Its port, which may be any. `platform` is the id by which its middleware knows the Platform; its rewrites are
    those that the documentation gives, built with VITAL's address and these variables."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    variables = {"PATH": os.environ["PATH"], "VITAL_URL": f"http://127.0.0.1:{vital_port}", **built_with}
    with tempfile.TemporaryDirectory(prefix="vital-frontend-") as folder:
        config = Path(folder) / "next.config.mjs"
        config.write_text(shown("js"), encoding="utf-8")
        command = [node, str(SCRIPT), str(config), platform, str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables) as process:
            try:
                assert process.stdout is not None
                yield int(process.stdout.readline())
            finally:
                process.kill()
