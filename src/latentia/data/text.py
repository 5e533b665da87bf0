"""Text as a person has it: `.txt` with an item a line, a folder of its parts, `.jsonl`, a column of a table."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentia.data.checks import encode_labels, one_line, reading
from latentia.data.dataset import Raw, Split
from latentia.data.items import Strings
from latentia.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEXT_SUFFIXES = (".txt", ".jsonl")
TEXT_COLUMNS = ("text", "sentence", "review", "content", "body", "comment", "message")
"""Names by which the text of an item is known where nobody says which column or key it is."""
_LABEL_KEYS = ("label", "class", "target")
_PARTS = {"train": "train", "valid": "validation", "validation": "validation", "val": "validation", "dev": "validation", "test": "test"}  # fmt: skip
_PART_FILE = re.compile(r"(?:.*[._-])?(train|valid|validation|val|dev|test)\.txt(?:\.gz)?", re.IGNORECASE)


def read_lines(path: Path) -> Raw:
    r"""Read a text file with an item a line: UTF-8, byte-order mark and carriage returns taken off, blank lines skipped.

    White space at the ends of a line is taken off as well; nothing else is touched.

    Raises:
        DataError: bytes that are no UTF-8, named by line; no line with anything on it.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "two.txt")
        ...     _ = file.write_bytes(b"one line\r\n\r\nand another\r\n")
        ...     read_lines(file).train.x.lists()
        ['one line', 'and another']
    """
    lines, blank = _lines(path)
    skipped = f", {blank} blank ones skipped" if blank else ""
    return Raw(Split(Strings.of_texts(lines)), source=f"{len(lines)} lines from {path}{skipped}")


def text_parts(folder: Path) -> dict[str, Path]:
    """The text files of a folder that are parts of a data set, by part: `train.txt`, `valid.txt`, `test.txt`, also `ptb.train.txt` and gzipped.

    Empty where there is no training part.
    """
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        match = _PART_FILE.fullmatch(file.name)
        if match is not None and file.is_file():
            found.setdefault(_PARTS[match[1].lower()], file)
    return found if "train" in found else {}


def read_parts(files: Mapping[str, Path], where: Path) -> Raw:
    """Read a text file for each part."""
    parts = {name: read_lines(file).train for name, file in files.items()}
    counts = ", ".join(f"{len(part)} {name}" for name, part in parts.items())
    return Raw.of_parts(parts, f"lines ({counts}) from {where}")


def read_jsonl(path: Path, text: str | None = None, label: str | None = None) -> Raw:
    """Read a file with a JSON value a line: a string, a list of labels, or an object with a key that holds one of them.

    Args:
        path: the file, also gzipped.
        text: the key; None: the first of `TEXT_COLUMNS` that all objects have, or the only one that holds text.
        label: the key of the class, which is not fitted.

    Raises:
        DataError: a line that is no JSON, lacks the key, or holds something else; named by line.
    """
    lines, _ = _lines(path)
    values = [_json(line, f"{path}, line {i + 1}") for i, line in enumerate(lines)]
    if isinstance(values[0], dict):
        key = text or _text_key(values[0], f"{path}, line 1")
        items = [_of_key(value, key, f"{path}, line {i + 1}") for i, value in enumerate(values)]
        label = label or next((name for name in _LABEL_KEYS if all(name in value for value in values)), None)
    else:
        key, items = None, values
        if text is not None:
            raise DataError(f"{path} holds no objects, so there is no key {text!r}: leave it out")
    y, names = None, None
    if label is not None and key is not None:
        found = [str(_of_key(value, label, f"{path}, line {i + 1}")) for i, value in enumerate(values)]
        y, names = encode_labels(np.array(found), f"{path}, key {label!r}")
    what = "lines" if key is None else f"texts under the key {key!r}"
    return Raw(
        Split(_strings(items, str(path)), y), class_names=names, source=f"{len(items)} {what} from {path}"
    )


def text_of_frame(frame: pd.DataFrame, where: str, text: str, label: str | int | None) -> Raw:
    """The texts of a column, and perhaps the classes of another; rows without text are skipped.

    Raises:
        DataError: no such column, or something in it that is no text.
    """
    titles = [str(name) for name in frame.columns]
    column = frame.iloc[:, place_of(titles, text, where)]
    for row, (value, missing) in enumerate(zip(column, column.isna(), strict=True)):
        if not isinstance(value, str) and not missing:
            raise DataError(
                f"{where}: row {row + 1}, column {text!r} holds {str(value)[:40]!r}, which is no text"
            )
    there = column.notna() & (column.fillna("").str.strip() != "")
    if not there.any():
        raise DataError(f"{where}: the column {text!r} holds no text")
    texts = [str(value).strip() for value in column[there]]
    y, names = None, None
    if label is not None:
        place = int(label) if isinstance(label, int) else place_of(titles, label, where)
        y, names = encode_labels(
            frame.iloc[:, place][there].to_numpy(dtype=object), f"{where}, column {titles[place]!r}"
        )
    skipped = f", {int((~there).sum())} rows without text skipped" if not there.all() else ""
    classes = "" if names is None else f", classes from column {titles[place]!r}"
    return Raw(
        Split(Strings.of_texts(texts), y), class_names=names,
        source=f"{len(texts)} texts from column {text!r} of {where}{skipped}{classes}",
    )  # fmt: skip


def place_of(titles: list[str], name: str, where: str) -> int:
    """The place of a column; raises `DataError` with those that there are if there is none."""
    if name not in titles:
        have = ", ".join(titles[:12]) + (", ..." if len(titles) > 12 else "")
        raise DataError(f"{where} has no column {name!r}; its columns: {have}")
    return titles.index(name)


def _lines(path: Path) -> tuple[list[str], int]:
    """Lines that are not blank, and how many are."""
    with reading(path, "text file"):
        content = path.read_bytes()
        if path.suffix.lower() == ".gz":
            content = gzip.decompress(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, place = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1)
        utf16 = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        hint = "it begins as UTF-16 does: save it as UTF-8" if utf16 else "save the file as UTF-8"
        raise DataError(
            f"{path}: line {line}, byte {place + 1} is 0x{content[error.start]:02x}, which is no UTF-8; {hint}"
        ) from None
    lines = [
        line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    ]
    kept = [line for line in lines if line]
    if not kept:
        raise DataError(f"{path} holds no line with anything on it; expected an item a line")
    return kept, len(lines) - len(kept)


def _json(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"{where} is no JSON: {one_line(error)}") from None


def _text_key(value: Mapping[str, Any], where: str) -> str:
    named = next((name for name in TEXT_COLUMNS if name in value), None)
    holding = [name for name, item in value.items() if isinstance(item, str | list)]
    if named is None and len(holding) != 1:
        raise DataError(
            f"{where}: which of the keys {', '.join(map(repr, value))} holds the text? Give text_column"
        )
    return named or holding[0]


def _of_key(value: Any, key: str, where: str) -> Any:
    if not isinstance(value, dict) or key not in value:
        have = (
            ", ".join(map(repr, value)) if isinstance(value, dict) else f"no object but {str(value)[:40]!r}"
        )
        raise DataError(f"{where}: the key {key!r} is not there; there is {have}")
    return value[key]


def _strings(items: list[Any], where: str) -> Strings:
    """Strings of texts, or of lists of labels if all items are lists."""
    if all(isinstance(item, list) for item in items):
        return Strings.of_labels([[str(label) for label in item] for item in items])
    for i, item in enumerate(items):
        if not isinstance(item, str):
            raise DataError(
                f"{where}, line {i + 1} holds {str(item)[:40]!r}; text, or a list of labels, is expected"
            )
    return Strings.of_texts(items)
