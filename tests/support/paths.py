"""Where things are on disk."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACK = Path(os.environ.get("VITAL_LEGACY_PACK", ROOT.parent / "shared" / "legacy"))
