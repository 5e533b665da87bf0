"""Pairs of texts, an input and an output, of which the input may be missing; the pairs of GeoQuery."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from latentia.data.checks import reading
from latentia.data.dataset import Raw, Split
from latentia.data.items import Strings
from latentia.data.shapes import Shape
from latentia.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Pairs(Strings):
    """Texts with the texts that they are to become.

    Each item is a list of the output and, where there is one, the input.

    Example:
        >>> pairs = Pairs.of_pairs(["eins", None], ["one", "two"])
        >>> pairs.inputs(), pairs[[1, 0]].outputs()
        (['eins', None], ['two', 'one'])
    """

    shape_of_items: ClassVar[Shape] = Shape.PAIRS

    @classmethod
    def of_pairs(cls, inputs: Iterable[str | None], outputs: Iterable[str]) -> Self:
        """From inputs, None where there is none, and outputs.

        Raises:
            DataError: if there are not as many of each, or an output is no text.
        """
        inputs, outputs = list(inputs), list(outputs)
        if len(inputs) != len(outputs):
            raise DataError(f"{len(inputs)} inputs for {len(outputs)} outputs: expected as many of each")
        for i, (given, wanted) in enumerate(zip(inputs, outputs, strict=True)):
            if not isinstance(wanted, str):
                raise DataError(f"output {i} is {str(wanted)[:40]!r}, which is no text")
            if given is not None and not isinstance(given, str):
                raise DataError(
                    f"input {i} is {str(given)[:40]!r}, which is no text; None says that there is none"
                )
        return cls.of_labels(
            [wanted] if given is None else [wanted, given]
            for given, wanted in zip(inputs, outputs, strict=True)
        )

    def inputs(self) -> list[str | None]:
        """The inputs; None where there is none."""
        return [labels[1] if len(labels) > 1 else None for labels in self.lists()]

    def outputs(self) -> list[str]:
        """The outputs."""
        return [labels[0] for labels in self.lists()]


def pairs_of_frame(frame: pd.DataFrame, where: str, given: str, wanted: str) -> Raw:
    """The pairs of two columns of a table; where the input is empty, there is none.

    Raises:
        DataError: no such column, or an empty output.
    """
    titles = [str(name) for name in frame.columns]
    for name in (given, wanted):
        if name not in titles:
            raise DataError(f"{where} has no column {name!r}; its columns: {', '.join(titles[:12])}")
    inputs, outputs = (frame.iloc[:, titles.index(name)] for name in (given, wanted))
    empty = (outputs.isna() | (outputs.fillna("").astype(str).str.strip() == "")).to_numpy()
    if empty.any():
        raise DataError(
            f"{where}: row {int(empty.argmax()) + 1}, column {wanted!r} is empty: there is nothing to learn"
        )
    if not len(frame):
        raise DataError(f"{where} holds no pair")
    missing = inputs.isna()
    found = Pairs.of_pairs(
        [None if gone else str(text).strip() for text, gone in zip(inputs, missing, strict=True)],
        [str(text).strip() for text in outputs],
    )
    without = f", {int(missing.sum())} of them outputs alone" if missing.any() else ""
    return Raw(Split(found), source=f"{len(found)} pairs from {where}{without}")


def read_pair_files(files: dict[str, Path], anonymise: bool) -> Raw:
    """Files of pairs, a tab between input and output and a line of names at the top, a file for each part.

    Args:
        files: by the name of their part.
        anonymise: whether constants stand as their kind and a number; see `anonymised`.
    """
    parts = {}
    for name, path in files.items():
        with reading(path, "file of pairs"):
            lines = path.read_text(encoding="utf-8").splitlines()[1:]
        pairs = [line.split("\t") for line in lines if line.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise DataError(f"{path}: expected an input, a tab and an output in each line")
        if anonymise:
            pairs = [list(anonymised(given, wanted)) for given, wanted in pairs]
        parts[name] = Split(Pairs.of_pairs(*zip(*pairs, strict=True)))
    how = ", constants that stand on both sides as kind and number" if anonymise else ""
    counts = " and ".join(f"{len(part)} {name}" for name, part in parts.items())
    return Raw.of_parts(parts, f"{counts} pairs{how}")


_CONSTANT = re.compile(r"([a-z0-9_.']+):(s|r|c|n|m|lo|co)$")


def anonymised(given: str, wanted: str) -> tuple[str, str]:
    """A question and its logical form with each constant that stands in both as its kind and a number, in the question's order.

    A constant is a typed token (`new_york:s`) that is not applied to anything. What is to be replaced is read off the form: at use
    this is the task of argument identification, which is usual for these data and not part of the model.

    Example:
        >>> anonymised("what rivers run through new york", "lambda $0 e ( loc:t $0 new_york:s )")
        ('what rivers run through s0', 'lambda $0 e ( loc:t $0 s0 )')
    """
    tokens = wanted.split()
    words = given.split()
    spans: dict[str, tuple[int, int]] = {}
    for place, token in enumerate(tokens):
        match = _CONSTANT.match(token)
        applied = tokens[place - 1] == "(" if place else len(tokens) > 1
        if match is None or applied:
            continue
        for name in _spellings(match[1]):
            start = _find(words, name)
            if start is not None:
                spans[token] = (start, start + len(name))
                break
    numbers: dict[str, int] = {}
    names: dict[str, str] = {}
    at: dict[tuple[int, int], str] = {}
    for token, span in sorted(spans.items(), key=lambda item: (item[1][0], -item[1][1], item[0])):
        if any(span[0] < end and begin < span[1] for begin, end in at):
            continue
        kind = token.rpartition(":")[2]
        names[token] = at[span] = f"{kind}{numbers.setdefault(kind, 0)}"
        numbers[kind] += 1
    out, place = [], 0
    while place < len(words):
        here = next((each for each in at if each[0] == place), None)
        out.append(words[place] if here is None else at[here])
        place = place + 1 if here is None else here[1]
    return " ".join(out), " ".join(names.get(token, token) for token in tokens)


def _spellings(name: str) -> list[list[str]]:
    """What words a constant may have in a question, the longest first."""
    words = name.split("_")
    shorter = words[:-1] if words[-1] == "river" or len(words[-1]) == 2 else []
    return [words, shorter] if shorter else [words]


def _find(words: Sequence[str], name: Sequence[str]) -> int | None:
    """Where a run of words stands among others; None if it does not."""
    n = len(name)
    return next((i for i in range(len(words) - n + 1) if list(words[i : i + n]) == list(name)), None)
