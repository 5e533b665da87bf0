"""What a run knows of its data: which file, which rows in which part, which columns; and data of another day held against it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from latentia.data import Dataset, Split
from latentia.data.column import Column
from latentia.data.dataset import Raw
from latentia.data.identity import checksum, digest_of, name_identities, row_identities
from latentia.data.items import Mixed
from latentia.data.loading import path_of, read
from latentia.data.shapes import Shape
from latentia.data.sources import is_fetched
from latentia.errors import DataError, RunFolderError
from latentia.files import write_atomically
from latentia.guard import read_plain
from latentia.kinds.matching import PARTS, assigned
from latentia.kinds.spec import DataSpec, in_numbers

logger = logging.getLogger("latentia")

__all__ = ["KNOWN", "ROWS", "DataSpec", "RunData", "in_numbers", "knowledge_of"]

KNOWN, ROWS = "known", "rows.safetensors"
"""Entry of `config.json`; the file in which the identities of the rows stand."""


def knowledge_of(spec: DataSpec, dataset: Dataset, folder: Path) -> dict[str, Any]:
    """What `config.json` keeps of the data; the identities of the rows go to a file of the folder.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    path = path_of(spec.name)
    parts = ("train",) if not spec.hold_out else PARTS
    arrays: dict[str, NDArray[np.int64]] = {}
    for name in parts:
        part: Split = getattr(dataset, name)
        arrays[name] = row_identities(part.x)
        names = name_identities(part.names)
        if names is not None:
            arrays[f"{name}.names"] = names
    write_atomically(folder / ROWS, save_arrays(arrays))
    file: dict[str, Any] = {"path": None, "relative": None, "size": None, "sha256": None}
    if path is not None:
        file = {
            "path": str(path.absolute()),
            "relative": os.path.relpath(path.absolute(), folder.absolute()),
            "size": path.stat().st_size if path.is_file() else None,
            "sha256": checksum(path),
        }
    columns = None
    if isinstance(dataset.train.x, Mixed):
        columns = [column.describe() for column in dataset.train.x.columns]
    elif dataset.feature_names is not None:
        kind = "whole" if dataset.shape is Shape.COUNTS else "number"
        columns = [{"name": n, "kind": kind} for n in dataset.feature_names]
    return {
        **file,
        "n": {name: len(getattr(dataset, name)) for name in parts},
        "columns": columns,
        "mixed": isinstance(dataset.train.x, Mixed),
        "label_column": spec.label_column,
        "classes": None if dataset.class_names is None else list(dataset.class_names),
        "event_shape": list(dataset.event_shape),
        "rows": {"file": ROWS, "digest": {name: digest_of(arrays[name]) for name in parts}},
    }


class RunData:
    """The data of a run, as the run knows them.

    Args:
        spec: which data they were; None for a model that was saved from Python.
        known: the entry of `config.json`; None in folders of an earlier version.
        folder: the run folder.
        event_shape: shape of an item, as the model has it.
        columns: what the features are, if they have names.
        path: where the data are now, if not where they were.
        say: told of what is not as it was.
    """

    def __init__(
        self,
        spec: DataSpec | None,
        known: dict[str, Any] | None,
        folder: Path,
        event_shape: tuple[int, ...],
        columns: Sequence[Column] | None,
        path: str | None = None,
        say: Callable[[str], None] = lambda text: logger.warning("%s", text),
    ) -> None:
        self.spec, self.known, self.folder, self.path, self.say = spec, known, folder, path, say
        self.event_shape, self.columns = event_shape, columns

    def found(self) -> tuple[Dataset, Split | None]:
        """The data in their parts, each row in that which it was in when the model was fitted; and rows that are new.

        Raises:
            RunFolderError: if the run names no data and none are given.
            DataError: if the data are gone, or have other columns.
        """
        name = self.where()
        spec = replace(self.spec, name=name) if self.spec is not None else DataSpec(name)
        path = path_of(name)
        if self.known is None:
            if self.path is not None and self.spec is not None:
                self.say(
                    f"note: {self.folder} does not say which rows it was fitted to: {name} is split anew by its seed"
                )
            if self.spec is None:
                return self._all_new(name)
            return self._named(spec.load()), None
        if path is None or (self.known["sha256"] is not None and checksum(path) == self.known["sha256"]):
            dataset = spec.load() if self.known.get("mixed") else in_numbers(spec.load())
            if self._same(dataset):
                return self._named(dataset), None
        return self._matched(name)

    def items(self, name: str) -> Split:
        """All items of other data in their order, with names and labels where there are some: columns by name, pictures in
        the size of the run.

        Raises:
            DataError: if they lack columns, or are of another shape.
        """
        raw = self._aligned(name)
        return self._relabelled(raw)

    # ------------------------------------------------------------------ where, and what

    def where(self) -> str:
        """Name or path of the data, where they are now."""
        if self.path is not None:
            return self.path
        if self.spec is None:
            raise RunFolderError(
                f"{self.folder} was saved from Python and names no data: say which by --data PATH, or use "
                f"latentia.load({str(self.folder)!r}) there"
            )
        if path_of(self.spec.name) is None:
            if is_fetched(self.spec.name):
                raise DataError(
                    f"the data of {self.folder} are {self.spec.name}, which would be fetched from the network: a run folder does not "
                    f"decide that; say so by --data {self.spec.name}"
                )
            return self.spec.name
        tried = [self.spec.name]
        if self.known is not None and self.known["path"] is not None:
            tried = [self.known["path"], str(self.folder / self.known["relative"]), self.spec.name]
        for place in tried:
            if Path(place).expanduser().exists():
                return self.spec.name if Path(place).absolute() == Path(self.spec.name).absolute() else place
        looked = ", ".join(dict.fromkeys(str(Path(os.path.normpath(place))) for place in tried))
        raise DataError(
            f"the data of {self.folder} are gone (looked for {looked}): say where they are by --data PATH"
        )

    def _aligned(self, name: str) -> Raw:
        """Data read as the model needs them."""
        label = None if self.spec is None else self.spec.label_column
        size = None if self.spec is None else self.spec.image_size
        columns = None if self.columns is None else tuple(self.columns)
        images = len(self.event_shape) == 3
        channels = "auto" if self.spec is None else self.spec.channels
        path = path_of(name)
        is_table = path is not None and path.suffixes[-1:] != [] and not path.is_dir() and not images
        try:
            raw = read(
                name,
                image_size=size if images else None,
                label_column=label if is_table else None,
                columns=columns,
                channels=channels,
                roles=None if self.spec is None else self.spec.roles,
            )
        except DataError as error:
            side = self.event_shape[-1] if images and self.event_shape[1] == self.event_shape[2] else None
            if side is None or "different sizes" not in str(error):
                raise
            raw = read(name, image_size=side, channels=channels)
        shape = tuple(int(size) for size in raw.train.x.shape[1:])
        if images and shape != self.event_shape and shape[:1] == self.event_shape[:1]:
            if self.event_shape[1] != self.event_shape[2]:
                raise DataError(
                    f"{name}: pictures of shape {shape}, but the model's are {self.event_shape}; resize them"
                )
            raw = read(name, image_size=self.event_shape[1], channels=channels)
            shape = tuple(int(size) for size in raw.train.x.shape[1:])
        if shape != self.event_shape:
            raise DataError(_other_shape(name, shape, self.event_shape, self.columns))
        left_out = next((part for part in raw.source.split("; ") if part.startswith("left out, for")), "")
        for text in (left_out, *raw.notes):
            if text:
                self.say(f"note: {name}: {text}")
        return raw

    def _relabelled(self, raw: Raw) -> Split:
        """All rows, their classes numbered as in the fit; a class that it did not have comes after them."""
        whole = raw.whole()
        if self.known is None or self.known["classes"] is None or whole.y is None or raw.class_names is None:
            return whole
        names = list(self.known["classes"])
        names += [name for name in raw.class_names if name not in names]
        numbers = np.array([names.index(name) for name in raw.class_names], dtype=np.int64)
        y = np.where(whole.y >= 0, numbers[np.clip(whole.y, 0, None)], whole.y)
        return replace(whole, y=y)

    # ------------------------------------------------------------------ rows that are known

    def _same(self, dataset: Dataset) -> bool:
        assert self.known is not None
        digests = self.known["rows"]["digest"]
        return all(digest_of(row_identities(getattr(dataset, name).x)) == digests[name] for name in digests)

    def _matched(self, name: str) -> tuple[Dataset, Split | None]:
        """The parts, row by row as the fit had them, from data that have changed; and the rows that it did not have."""
        assert self.known is not None
        assert self.spec is not None
        raw = self._aligned(name)
        items = self._relabelled(raw)
        kept = self._identities()
        part, renamed = assigned(items, kept)
        counts = {each: int((part == i).sum()) for i, each in enumerate(PARTS)}
        new = np.flatnonzero(part == len(PARTS))
        if not any(counts.values()):
            self.say(
                f"note: no row of {name} is one that {self.folder} was fitted to or judged by: all {len(items)} are new"
            )
            return self._all_new(name, items, raw)
        sizes = ", ".join(f"{counts[each]} of {self.known['n'][each]} {each}" for each in self.known["n"])
        text = f"note: {name} is not as it was when the model was fitted: {sizes} rows are known again, {len(new)} are new"
        if renamed:
            text += f"; {renamed} have the name of a row that was there, and other values"
        self.say(text)
        parts = {each: items.subset(np.flatnonzero(part == i)) for i, each in enumerate(PARTS)}
        if not self.spec.hold_out:
            parts = dict.fromkeys(PARTS, parts["train"])
        dataset = Dataset(
            self.spec.name, parts["train"], parts["validation"], parts["test"], raw.feature_names,
            self._class_names(raw), f"{raw.source}; {sizes} rows as in the fit, {len(new)} new",
        )  # fmt: skip
        return dataset, items.subset(new) if len(new) else None

    def _all_new(
        self, name: str, items: Split | None = None, raw: Raw | None = None
    ) -> tuple[Dataset, Split]:
        if raw is None or items is None:
            raw = self._aligned(name)
            items = self._relabelled(raw)
        none = items.subset(np.empty(0, np.int64))
        source = f"{raw.source}; {len(items)} rows, all new to the model"
        return Dataset(name, none, none, none, raw.feature_names, self._class_names(raw), source), items

    def _class_names(self, raw: Raw) -> tuple[str, ...] | None:
        known = None if self.known is None else self.known["classes"]
        if raw.class_names is None or known is None:
            return raw.class_names
        return (*known, *(name for name in raw.class_names if name not in known))

    def _named(self, dataset: Dataset) -> Dataset:
        """The data under the name that the run knows them by."""
        return dataset if self.spec is None else replace(dataset, name=self.spec.name)

    def _identities(self) -> dict[str, NDArray[np.int64]]:
        path = self.folder / ROWS
        assert self.known is not None
        try:
            kept = load_arrays(read_plain(path))
            digests = self.known["rows"]["digest"]
            if any(digest_of(kept[name]) != digest for name, digest in digests.items()):
                raise ValueError("it was altered")
            return kept
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise RunFolderError(
                f"{path} cannot be read ({error}): without it the rows that the model was fitted to are not known; restore it, "
                "or fit again"
            ) from error


def _other_shape(
    name: str, shape: tuple[int, ...], wanted: tuple[int, ...], columns: Sequence[Column] | None
) -> str:
    if len(shape) == len(wanted) == 1:
        names = [column.name for column in columns or ()]
        named = f" ({', '.join(names[:8])}{', ...' if len(names) > 8 else ''})" if columns else ""
        return f"{name} has {shape[0]} columns, the model was fitted to {wanted[0]}{named}"
    return f"{name} has items of shape {list(shape)}, the model was fitted to {list(wanted)}"
