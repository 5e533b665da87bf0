"""The named data sets: what each is, which files it needs, where they are looked for. Loads no library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from latentia.data.shapes import Shape
from latentia.registry import Registry


@dataclass(frozen=True)
class DataSource:
    """A named data set.

    Attributes:
        name: what `load` calls it.
        summary: what it is, in a line.
        reader: how its files are read: "bundled" or "drawn" (no files), "idx", "parquet", "npz", "lines", "pairs", "anonymous-pairs", "drawn-sequences" or
            "drawn-videos".
        n: rows over all parts, of the full set.
        shape: shape of an item as loaded.
        files: what is needed below the folder of its name; none if it comes with scikit-learn or is drawn.
        licence: what its publisher states.
        origin: where the files come from.
        hub: its name on the Hugging Face hub, if it is there.
        image_size: side to which images are cropped and resized unless told otherwise.
        class_names: what the files do not say themselves.
        folder: of its files, below those that are searched; "": `name`.
    """

    name: str
    summary: str
    reader: str
    n: int
    shape: tuple[int, ...]
    licence: str
    origin: str
    files: tuple[str, ...] = ()
    hub: str | None = None
    image_size: int | None = None
    class_names: tuple[str, ...] | None = None
    folder: str = ""

    @property
    def place(self) -> str:
        """The folder of its files, below those that are searched."""
        return self.folder or self.name

    def missing(self, folder: Path) -> list[str]:
        """Return the files of this set that `folder` lacks."""
        return [file for file in self.files if not (folder / file).is_file()]


@dataclass(frozen=True)
class DatasetRow:
    """A line of `latentia datasets`: `found` is the folder (or package) it would be read from, or None."""

    name: str
    summary: str
    n: int
    shape: tuple[int, ...]
    found: str | None
    looked_for: tuple[str, ...]
    licence: str
    how_to_get: str


_IDX = tuple(
    f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)
_PARQUET = ("train.parquet", "test.parquet")
_GEOQUERY = ("lambda.train.tsv", "lambda.test.tsv")
_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

READER_SHAPES = {
    "lines": Shape.TOKENS,
    "drawn-sequences": Shape.TOKENS,
    "drawn-videos": Shape.FRAMES,
    "pairs": Shape.PAIRS,
    "anonymous-pairs": Shape.PAIRS,
}
"""What readers give that do not give tables or images."""


def _drawn(name: str, summary: str, n: int, shape: tuple[int, ...], reader: str = "drawn") -> DataSource:
    return DataSource(
        name,
        summary,
        reader,
        n,
        shape,
        licence="MIT, with latentia",
        origin="part of latentia",
        image_size=shape[-1],
    )


SOURCES: Registry[DataSource] = Registry("data set")
for _source in (
    DataSource(
        "digits", "handwritten digits, 8x8, 17 grey levels", "bundled", 1797, (1, 8, 8),
        licence="CC BY 4.0 (UCI)", origin="part of scikit-learn", class_names=_DIGITS,
    ),
    DataSource(
        "mnist", "handwritten digits", "idx", 70000, (1, 28, 28),
        licence="none stated by LeCun, Cortes and Burges", origin="the four IDX files of MNIST",
        files=_IDX, hub="ylecun/mnist", class_names=_DIGITS,
    ),
    DataSource(
        "fashion-mnist", "articles of clothing", "idx", 70000, (1, 28, 28),
        licence="MIT (Zalando SE)", origin="the four IDX files of github.com/zalandoresearch/fashion-mnist",
        files=_IDX, hub="zalando-datasets/fashion_mnist", class_names=_CLOTHES,
    ),
    DataSource(
        "cifar10", "colour photographs of 10 kinds of object", "parquet", 60000, (3, 32, 32),
        licence="none stated; cite Krizhevsky 2009", origin="parquet files with an image and a label column",
        files=_PARQUET, hub="uoft-cs/cifar10",
    ),
    DataSource(
        "cifar100", "colour photographs of 100 kinds of object", "parquet", 60000, (3, 32, 32),
        licence="none stated; cite Krizhevsky 2009", origin="parquet files with an image and a label column",
        files=_PARQUET, hub="uoft-cs/cifar100",
    ),
    DataSource(
        "celeba", "aligned faces, cropped to their middle square", "parquet", 202599, (3, 64, 64),
        licence="non-commercial research only (CUHK MMLab)", origin="a parquet file with an image column",
        files=("train.parquet",), hub="flwrlabs/celeba", image_size=64,
    ),
    DataSource(
        "binarized-mnist", "MNIST with each pixel drawn once as 0 or 1", "npz", 70000, (1, 28, 28),
        licence="MIT (files of mingzhang-yin/ARM-gradient)", origin="an .npz with train, valid and test, [n, 784] of 0 and 1",
        files=("binarized_mnist.npz",),
    ),
    DataSource(
        "sprites", "squares, ellipses and hearts of known scale, rotation and place", "drawn", 20000, (1, 32, 32),
        licence="MIT, with latentia", origin="part of latentia", image_size=32,
        class_names=("square", "ellipse", "heart"),
    ),
    _drawn("multi-dsprites", "1 to 4 coloured shapes on a coloured ground, with masks", 20_000, (3, 64, 64)),
    _drawn("multi-dsprites-grey", "2 to 5 bright shapes on a grey ground, with masks", 20_000, (3, 64, 64)),
    _drawn("multi-dsprites-binary", "2 or 3 white shapes on black, with masks", 20_000, (1, 64, 64)),
    _drawn("multi-dsprites-32", "multi-dsprites of 32 x 32 pixels", 20_000, (3, 32, 32)),
    _drawn("multi-dsprites-same", "multi-dsprites whose shapes share one colour in each picture", 20_000, (3, 64, 64)),
    _drawn("multi-dsprites-grey-same", "multi-dsprites-grey whose shapes share one colour in each picture", 20_000, (3, 64, 64)),
    _drawn("tetrominoes", "3 tetrominoes out of 17 shapes and 6 colours, with masks", 20_000, (3, 35, 35)),
    _drawn("multi-digits", "0 to 2 digits (of MNIST, or of scikit-learn) in a picture, with masks", 24_000, (1, 50, 50)),
    _drawn("billiards", "videos of three balls that collide, with all states", 1300, (1, 32, 32), "drawn-videos"),
    _drawn("gravity", "videos of three balls that draw each other, with all states", 1300, (1, 50, 50), "drawn-videos"),
    _drawn("drift", "videos of three balls that bounce off the walls alone, with all states", 1300, (1, 32, 32), "drawn-videos"),
    DataSource(
        "ptb", "sentences of the Wall Street Journal, 10,000 words (Mikolov's form of the Penn Treebank)", "lines", 49199, (),
        licence="none stated; text of the LDC's Penn Treebank", origin="the three files of Mikolov's PTB, gzipped",
        files=("ptb.train.txt.gz", "ptb.valid.txt.gz", "ptb.test.txt.gz"), folder="text/ptb",
    ),
    DataSource(
        "lstm-sequences", "sequences of 10 tokens that a random LSTM draws from a code of known kind", "drawn-sequences", 20000, (),
        licence="MIT, with latentia", origin="part of latentia",
        class_names=("-2 -2", "-2 2", "2 -2", "2 2"),
    ),
    DataSource(
        "geoquery", "questions on the geography of the USA with their logical forms (split of Zettlemoyer and Collins 2005)", "pairs", 880, (),
        licence="none stated", origin="two .tsv files, question and logical form",
        files=_GEOQUERY, folder="text/geoquery",
    ),
    DataSource(
        "geoquery-anonymised", "the same, constants that stand on both sides as kind and number", "anonymous-pairs", 880, (),
        licence="none stated", origin="two .tsv files, question and logical form",
        files=_GEOQUERY, folder="text/geoquery",
    ),
):  # fmt: skip
    SOURCES.add(_source.name, _source)


def cache_folder() -> Path:
    """Return the user's cache: `$XDG_CACHE_HOME/latentia`, or `~/.cache/latentia`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "latentia"


def search_folders(data_dir: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """Yield where the folders of named sets may lie: `data_dir`, `$LATENTIA_DATA`, the user's cache, in this order."""
    for place in (data_dir, os.environ.get("LATENTIA_DATA")):
        if place:
            yield Path(place).expanduser()
    yield cache_folder() / "data"


def find(source: DataSource, data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """Return the first folder that holds all files of `source`."""
    for folder in search_folders(data_dir):
        if not source.missing(folder / source.place):
            return folder / source.place
    return None


def is_fetched(name: str) -> bool:
    """Whether data of such a name come from the network: of the hub, or a named set whose files are not here.

    Example:
        >>> is_fetched("hf://owner/name"), is_fetched("digits"), is_fetched("table.csv")
        (True, False, False)
    """
    if name.startswith("hf://"):
        return True
    if name not in SOURCES:
        return False
    source = SOURCES[name]
    return source.hub is not None and bool(source.files) and find(source) is None


def how_to_get(source: DataSource, data_dir: str | os.PathLike[str] | None = None) -> str:
    """Say in words which files to put where."""
    if not source.files:
        return source.origin
    first = next(search_folders(data_dir)) / source.place
    hub = f", or `pip install 'latentia[hub]'` to fetch hf://{source.hub}" if source.hub else ""
    return f"put {', '.join(source.files)} ({source.origin}) into {first} or set LATENTIA_DATA{hub}"


def datasets_table(data_dir: str | os.PathLike[str] | None = None) -> list[DatasetRow]:
    """Return one row for each named set, with where it was found or looked for.

    Example:
        >>> [row.name for row in datasets_table()][:2]
        ['digits', 'mnist']
        >>> datasets_table()[0].found
        'scikit-learn'
    """
    rows = []
    for source in SOURCES.values():
        place = find(source, data_dir) if source.files else source.origin.removeprefix("part of ")
        looked = [
            folder / source.place / file for folder in search_folders(data_dir) for file in source.files
        ]
        rows.append(
            DatasetRow(
                name=source.name,
                summary=source.summary,
                n=source.n,
                shape=source.shape,
                found=None if place is None else str(place),
                looked_for=tuple(str(path) for path in looked),
                licence=source.licence,
                how_to_get=how_to_get(source, data_dir),
            )
        )
    return rows
