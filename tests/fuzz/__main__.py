"""`python -m fuzz [PART ...]`: data, lines, folders, injections; prints what was tried and what was found, and ends with status 1 if anything was."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from fuzz import command_lines, data_files, folder_changes, injections
from fuzz.warm import Runs

PARTS = {
    "data": data_files.tried,
    "lines": command_lines.tried,
    "folders": folder_changes.tried,
    "injections": injections.tried,
}


def main(parts: list[str]) -> int:
    """Try all inputs of some parts."""
    base = Path(tempfile.mkdtemp(prefix="fuzz-"))
    found = 0
    try:
        runs = Runs(base)
        for part in parts or PARTS:
            began, tried, faults, slowest = time.monotonic(), 0, 0, (0.0, "")
            for name, seconds, fault in PARTS[part](base / part, runs):
                tried += 1
                slowest = max(slowest, (seconds, name))
                if fault:
                    faults += 1
                    print(f"  {part}: {name}: {fault}", flush=True)
            most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
            print(
                f"{part}: {tried} inputs, {faults} faults, {time.monotonic() - began:.0f} s; slowest {slowest[0]:.1f} s ({slowest[1]}); "
                f"most memory so far {most:.2f} GB",
                flush=True,
            )
            found += faults
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
