"""Where the project and the legacy pack are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACK = Path(os.environ.get("VITAL_LEGACY_PACK", ROOT.parent / "shared" / "legacy"))
