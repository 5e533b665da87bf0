"""What README and docs show in blocks, to be run as it stands: commands, Python, and what a block needs that is not bundled."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>needs|not run:) (?P<what>[^\n]*) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```",
    re.S | re.M,
)
_SHELL = ("", "bash", "sh", "console")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    Attributes:
        language: behind the fence; "" for commands and what they print.
        text: between the fences.
        needs: files below `$LATENTIA_DATA` without which it cannot run.
        reason: why it is never run; "" if it is.
    """

    language: str
    text: str
    needs: tuple[str, ...] = ()
    reason: str = ""

    @property
    def commands(self) -> list[str]:
        """The lines that call latentia; what they print, and installations, are left out."""
        if self.language not in _SHELL:
            return []
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.startswith("latentia ")]


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a document, in its order."""
    for found in _BLOCK.finditer(path.read_text(encoding="utf-8")):
        what, noted = found["what"] or "", found["note"]
        yield Block(
            found["language"],
            found["text"],
            tuple(what.split()) if noted == "needs" else (),
            what if noted == "not run:" else "",
        )


def words(line: str) -> list[str]:
    """The arguments of a command, without its comment; patterns of files put in full."""
    given: list[str] = []
    for word in shlex.split(line, comments=True)[1:]:
        matches = sorted(str(path) for path in Path().glob(word)) if "*" in word and "/" in word else []
        given += matches or [word]
    return given
