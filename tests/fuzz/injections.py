"""Names that would be code, markup or formulas elsewhere: text wherever they go."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fuzz.child import command, fault
from fuzz.warm import Runs, fresh

PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><script>x</script>", "javascript:alert(1)", "{{7*7}}", "{% include 'x' %}",
    "=1+1", "+cmd|'/c calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "[bold]x[/bold]", "[/b]", "[link=file:///etc/passwd]x[/link]", "\x1b]0;x\x07",
    "\x1b[31mred", "\u202egnp.exe", "$(touch pwned)", "`touch pwned`", "; touch pwned", "${jndi:ldap://x}", "%s%n%s", "../../x", "&lt;b&gt;", "--></script>", "]]>", ":smile:", "\\x1b[2J", "'; DROP TABLE x;--",
    "<svg/onload=alert(1)>", "<iframe>", "&amp;<i>",
)  # fmt: skip


def tried(base: Path, runs: Runs) -> Iterator[tuple[str, float, str | None]]:
    """Fit a table whose columns, classes, rows and file have such names; look at page, tables and terminal."""
    random = np.random.default_rng(0)
    for number, payload in enumerate(PAYLOADS):
        folder = fresh(base, number)
        name = re.sub(r"[/\0]", "", payload) + ".csv"
        with (folder / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", f"{payload}", "b", "species"])
            for i in range(40):
                writer.writerow([f"{payload}{i}", *random.normal(size=2).round(3), f"{payload}{i % 2}"])
        ended = command(
            ["fit", f"./{name}", "--model", "gaussian-mixture", "--n-components", "2", "--out", "r"], folder
        )
        found = fault(ended, None, may_leave=True)
        seconds = ended.seconds
        if found is None and ended.status == 0:
            predicted = command(["predict", "r", "--out", "p.csv"], folder)
            found = fault(predicted, False) or harm(folder, payload, ended.out + ended.err)
        yield repr(payload), seconds, found
        shutil.rmtree(folder, ignore_errors=True)


def harm(folder: Path, payload: str, said: str) -> str | None:
    """Where a name is more than text; None: nowhere."""
    page = (folder / "r" / "report.html").read_text()
    if "<" in payload and payload in page:
        return "stands raw in the page"
    if "49" in re.findall(r">\s*(49)\d?\s*<", page) and "7*7" in payload:
        return "was worked out in the page"
    for row in csv.reader((folder / "p.csv").read_text().splitlines()):
        if any(cell[:1] in "=+-@\t\r" and cell and not _number(cell) for cell in row):
            return f"a formula in the table: {row[:2]}"
    if "\x1b" in said or "\u202e" in said:
        return "moves the terminal"
    if "[" in payload and "\x1b" not in payload and payload.replace("/", "") not in said:
        return "vanishes from the terminal"
    return "ran a command" if (folder / "pwned").exists() else None


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
