"""Write the tables of settings.md anew from what the code declares: make settings."""

import sys
from pathlib import Path

PAGE = Path(__file__).with_name("settings.md")
sys.path.insert(0, str(PAGE.parents[2]))

from vital.env import renewed  # noqa: E402  # the project is no package that is installed

PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
