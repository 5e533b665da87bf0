"""Items of text as the page shows them: escaped, with what differs or costs most marked."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

LONGEST = 400
"""Characters of an item that are shown."""


def shown(text: str, most: int = LONGEST) -> Markup:
    r"""A text, escaped and cut; characters that cannot be seen by their numbers.

    >>> str(shown("a < b")), str(shown("a\x07b"))
    ('a &lt; b', 'a\\x07b')
    """
    cut = text if len(text) <= most else f"{text[:most]}…"
    plain = "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape", "surrogatepass").decode()
        for c in cut
    )
    return escape(plain) if plain else Markup('<span class="empty">(empty)</span>')


def changed(tokens: Sequence[str], others: Sequence[str], joint: str) -> Markup:
    """`others` with those of its tokens marked that `tokens` does not have at their place.

    >>> str(changed(["a", "b"], ["a", "c"], " "))
    'a <mark>c</mark>'
    """
    if not others:
        return shown("")
    keep = np.zeros(len(others), dtype=bool)
    for block in SequenceMatcher(None, tokens, others, autojunk=False).get_matching_blocks():
        keep[block.b : block.b + block.size] = True
    return _joined(others, ~keep, joint, "mark")


def costly(tokens: Sequence[str], scores: NDArray[np.float64], joint: str, most: int = 3) -> Markup:
    """Tokens with the few of the lowest log-probability underlined.

    >>> str(costly(["a", "b"], np.array([-0.1, -9.0]), " ", 1))
    'a <u>b</u>'
    """
    if not len(tokens):
        return shown("")
    worst = np.zeros(len(tokens), dtype=bool)
    worst[np.argsort(scores[: len(tokens)])[:most]] = True
    return _joined(tokens, worst, joint, "u")


def _joined(tokens: Sequence[Any], flagged: NDArray[np.bool_], joint: str, tag: str) -> Markup:
    """Tokens with neighbours that are flagged put into one tag."""
    parts: list[Markup] = []
    start, used = 0, 0
    while start < len(tokens) and used < LONGEST:
        end = start + 1
        while end < len(tokens) and flagged[end] == flagged[start]:
            end += 1
        text = joint.join(map(str, tokens[start:end]))[: LONGEST - used]
        used += len(text)
        parts.append(
            Markup("<{0}>{1}</{0}>").format(Markup(tag), shown(text)) if flagged[start] else shown(text)
        )
        start = end
    more = "…" if start < len(tokens) else ""
    return Markup(joint).join(parts) + more
