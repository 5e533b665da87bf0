from __future__ import annotations

import sys
from pathlib import Path

# the stand-in model is imported by name here and by the subprocesses that the tests kill
sys.path.insert(0, str(Path(__file__).parent))
