from __future__ import annotations

import sys
from pathlib import Path

# what several test files share is imported by name
sys.path.insert(0, str(Path(__file__).parent))
