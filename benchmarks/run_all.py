"""Run every benchmark, each in a process of its own; exit status 1 if one fails. Flags are passed on to all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = (
    "training_speed",
    "reslag_speed",
    "importance_speed",
    "memory",
    "monitoring",
    "quantizer_speed",
    "sampling_speed",
)  # these take longer: mixture_speed, mixture_classifier, tables, anytime


def main() -> int:
    failed = []
    for name in NAMES:
        print(f"== {name}", flush=True)
        done = subprocess.run([sys.executable, str(Path(__file__).parent / f"{name}.py"), *sys.argv[1:]])
        print(flush=True)
        if done.returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
