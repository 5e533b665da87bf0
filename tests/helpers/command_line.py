"""The command line as the tests call it."""

from __future__ import annotations

import pytest

from latentia import cli


def run(*argv: object) -> None:
    """`latentia ARGV`."""
    cli.main([str(a) for a in argv])


def said(err: str) -> list[str]:
    """Lines of standard error, without those that a slow machine adds to say that it is still at work."""
    return [line for line in err.splitlines() if line.strip() and not line.startswith("  ... ")]


def fails(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """The one line that a failing command prints; it must exit with status 2."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as exit_:
        run(*argv)
    assert exit_.value.code == 2
    err = capsys.readouterr().err
    lines = said(err)
    assert len(lines) == 1, err
    assert lines[0].startswith("latentia: error: ")
    return lines[0]
