"""What a killed write leaves beside a file is removed before the next; nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys

from latentia.files import sweep_beside, write_atomically


def test_parts_of_dead_writers_of_that_file_alone(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    gone = tmp_path / f".c.ltnc.ab_c1234-{dead.stdout.strip()}.part"
    kept = [
        tmp_path / f".c.ltnc.abcd1234-{os.getppid()}.part",  # is being written
        tmp_path / f".other.abcd1234-{dead.stdout.strip()}.part",
        tmp_path / ".c.ltnc.part",
        tmp_path / "c.ltnc",
    ]
    for path in (gone, *kept):
        path.write_text("x")
    sweep_beside(tmp_path / "c.ltnc")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    write_atomically(tmp_path / "c.ltnc", b"y")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
