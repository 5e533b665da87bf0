"""Data files that are broken, huge, or no files: `(name, what writes it and gives DATA, whether it must be refused)`."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from fuzz.child import command, fault
from fuzz.warm import Runs, fresh

Case = tuple[str, Callable[[Path], str], bool | None]
TABLE = "a,b\n" + "".join(f"{i},{i * i % 7}\n" for i in range(30))


def cases(seed: int = 0) -> Iterator[Case]:
    """All data files."""
    yield from names()
    yield from no_files()
    yield from bombs()
    yield from sparse()
    yield from arrays()
    yield from texts()
    yield from pictures()
    yield from tables_of_arrow()
    yield from damaged(seed)


def write(name: str, content: bytes | str) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    return make


def names() -> Iterator[Case]:
    long = "x" * 300
    for text in (
        long, f"{long}.csv", f"a/{long}/b.csv", "~nouser/x.csv", "~nouser", "a\nb.csv", "\x1b[2J.csv", "", " ", ".", "..", "/dev",
        "/proc/self/mem", "/proc/self/fd/0", "//", "a.csv/", "./", "hf://", "hf://../../etc", "nul\udcff.csv", "-", "digits.csv",
        "http://example.com/a.csv", "file:///etc/passwd", "/etc/passwd", "s3://x/y.parquet", "*.csv", "$(id).csv", "x" * 5000,
        "/".join(["d"] * 2500), "a.npz.gz", "a.tar.gz", "a.pkl", "a.npy.gz", ".csv", ".gz", "[bold]x[/nope].csv",
    ):  # fmt: skip
        yield f"name {text[:30]!r}", lambda folder, text=text: text, True


def no_files() -> Iterator[Case]:
    kinds = ("csv", "tsv", "csv.gz", "npy", "npz", "parquet")

    def fifo(folder: Path, name: str) -> str:
        os.mkfifo(folder / name)
        return name

    def link(folder: Path, name: str, to: str) -> str:
        (folder / name).symlink_to(to)
        return name

    def sock(folder: Path, name: str) -> str:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(os.path.relpath(folder / name))
        return name

    def inside(folder: Path, name: str, make: Any) -> str:
        (folder / "d").mkdir()
        make(folder / "d", name)
        return "d"

    for kind in kinds:
        yield f"pipe .{kind}", lambda folder, kind=kind: fifo(folder, f"f.{kind}"), True
        yield f"folder .{kind}", lambda folder, kind=kind: (folder / f"f.{kind}").mkdir() or f"f.{kind}", True
        for device in ("/dev/zero", "/dev/full", "/dev/null", "/dev/random", "/dev/tty", "loop"):
            name = f"f.{kind}"
            to = name if device == "loop" else device
            yield f"{device} as .{kind}", lambda folder, n=name, to=to: link(folder, n, to), True
        yield f"socket .{kind}", lambda folder, kind=kind: sock(folder, f"f.{kind}"), True
        yield f"empty .{kind}", write(f"f.{kind}", b""), True
    for name in ("a.png", "a.jpg", "a.webp", "a.bmp"):
        yield f"pipe {name} in a folder", lambda folder, name=name: inside(folder, name, fifo), True
        yield (
            f"/dev/zero {name} in a folder",
            lambda folder, name=name: inside(folder, name, lambda f, n: link(f, n, "/dev/zero")),
            True,
        )
        yield (
            f"dangling {name}",
            lambda folder, name=name: inside(folder, name, lambda f, n: link(f, n, "/nowhere")),
            True,
        )

    def circle(folder: Path) -> str:
        (folder / "d" / "e").mkdir(parents=True)
        (folder / "d" / "e" / "back").symlink_to(folder / "d")
        return "d"

    yield "folder that holds itself", circle, True
    yield "empty folder", lambda folder: (folder / "d").mkdir() or "d", True


def header(shape: tuple[int, ...], kind: str = "|u1", order: bool = False, version: int = 1) -> bytes:
    text = repr({"descr": kind, "fortran_order": order, "shape": shape}).encode()
    text += b" " * (64 - (10 + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text


def zipped(
    folder: Path, name: str, rows: int, blocks: int, method: int = zipfile.ZIP_DEFLATED, members: int = 1
) -> str:
    with zipfile.ZipFile(folder / name, "w", method) as archive:
        for i in range(members):
            member = "x.npy" if i == 0 else f"y{i}.npy"
            with archive.open(member, "w", force_zip64=True) as file:
                file.write(header((rows, 1024)))
                for _ in range(blocks):
                    file.write(bytes(1 << 24))
    return name


def bombs() -> Iterator[Case]:
    for blocks in (20, 64):
        yield (
            f"npz of {blocks * 16} MB zeros",
            lambda folder, b=blocks: zipped(folder, "b.npz", b << 14, b),
            True,
        )
    yield "npz of lzma zeros", lambda folder: zipped(folder, "b.npz", 32 << 14, 32, zipfile.ZIP_LZMA), True
    yield "npz of bzip2 zeros", lambda folder: zipped(folder, "b.npz", 32 << 14, 32, zipfile.ZIP_BZIP2), True
    yield "npz of many members", lambda folder: zipped(folder, "b.npz", 4 << 14, 4, members=10), True

    def gz(folder: Path, name: str, line: bytes, times: int, head: bytes = b"a,b,c\n") -> str:
        with gzip.open(folder / name, "wb", 1) as file:
            file.write(head)
            for _ in range(times):
                file.write(line * (1 << 20))
        return name

    yield "csv.gz of 450 MB", lambda folder: gz(folder, "b.csv.gz", b"1,2,3\n", 75), True
    yield "csv.gz of one line", lambda folder: gz(folder, "b.csv.gz", b"11111111", 50, b""), True
    yield "tsv.gz of zeros", lambda folder: gz(folder, "b.tsv.gz", bytes(8), 50, b""), True
    yield "csv.gz of quotes", lambda folder: gz(folder, "b.csv.gz", b'"' + b"1," * 4, 40), True
    yield "gzip named .csv", lambda folder: gz(folder, "b.csv", b"1,2,3\n", 75), True
    yield "gzip named .npy", lambda folder: gz(folder, "b.npy", bytes(8), 50), True

    def nested(folder: Path) -> str:
        inner = gzip.compress(gzip.compress(TABLE.encode()))
        (folder / "b.csv.gz").write_bytes(inner)
        return "b.csv.gz"

    yield "gzip in gzip", nested, True
    several = b"".join(gzip.compress(part.encode()) for part in TABLE.splitlines(True))
    yield "gzip in several parts", write("b.csv.gz", several), False
    yield "gzip with zeros behind it", write("b.csv.gz", gzip.compress(TABLE.encode()) + bytes(512)), None

    def hole(folder: Path, name: str, content: bytes, size: int) -> str:
        with (folder / name).open("wb") as file:
            file.write(content)
            file.truncate(size)
        return name

    for name, content in (
        ("h.csv", TABLE.encode()),
        ("h.npy", header((60_000_000, 1024))),
        ("h.npz", b"PK\3\4"),
        ("h.parquet", b"PAR1"),
    ):
        yield f"file of 60 GB: {name}", lambda folder, n=name, c=content: hole(folder, n, c, 60 << 30), True
    yield "npz that says less than it holds", lambda folder: shrunk(folder), None

    def picture(folder: Path, side: int) -> str:
        (folder / "d").mkdir()
        raw = zlib.compress(bytes((side // 8 + 1) * side), 9) if side < 60_000 else b""
        chunks = [
            (b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)),
            (b"IDAT", raw),
            (b"IEND", b""),
        ]
        body = b"".join(
            struct.pack(">I", len(c)) + t + c + struct.pack(">I", zlib.crc32(t + c)) for t, c in chunks
        )
        (folder / "d" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
        return "d"

    for side in (20_000, 40_000, 2**30):
        yield f"picture of {side} x {side}", lambda folder, s=side: picture(folder, s), True


def shrunk(folder: Path) -> str:
    zipped(folder, "s.npz", 1 << 14, 1)
    content = bytearray((folder / "s.npz").read_bytes())
    place = content.rindex(b"PK\1\2")
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    (folder / "s.npz").write_bytes(content)
    return "s.npz"


def npz(**arrays: Any) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        np.savez(folder / "s.npz", **arrays)
        return "s.npz"

    return make


def sparse() -> Iterator[Case]:
    def of(**changes: Any) -> Callable[[Path], str]:
        whole: dict[str, Any] = {
            "format": np.array(b"csr"), "shape": np.array([30, 5]), "data": np.ones(30), "indices": np.arange(30) % 5,
            "indptr": np.arange(31),
        }  # fmt: skip
        kept = {**whole, **changes}
        return npz(**{name: value for name, value in kept.items() if value is not None})

    jump = np.arange(31)
    jump[1] = 10**9
    yield "sparse, whole", of(), False
    for what, changes in (
        ("jump", {"indptr": jump}), ("falling", {"indptr": np.arange(31)[::-1]}), ("negative start", {"indptr": np.arange(31) - 1}),
        ("short indptr", {"indptr": np.arange(20)}), ("long indptr", {"indptr": np.arange(50)}), ("no indices", {"indices": None}),
        ("negative index", {"indices": np.arange(30) % 5 - 1}), ("index beyond", {"indices": np.full(30, 5)}),
        ("huge index", {"indices": np.full(30, 2**62)}), ("complex", {"data": np.ones(30, complex)}), ("text", {"data": np.array(["a"] * 30)}),
        ("NaN", {"data": np.full(30, np.nan)}), ("float indices", {"indices": np.zeros(30)}), ("2-d data", {"data": np.ones((30, 1))}),
        ("wide", {"shape": np.array([30, 10**9])}), ("wider", {"shape": np.array([30, 2**62])}), ("negative", {"shape": np.array([-30, 5])}),
        ("one axis", {"shape": np.array([30])}), ("no rows", {"shape": np.array([0, 5]), "indptr": np.array([0])}), ("no columns", {"shape": np.array([30, 0])}),
        ("tall", {"shape": np.array([2**62, 5])}), ("float shape", {"shape": np.array([30.0, 5.0])}), ("short data", {"data": np.ones(29)}),
        ("unknown format", {"format": np.array(b"xyz")}), ("bsr", {"format": np.array(b"bsr")}), ("two formats", {"format": np.array([b"csr", b"csc"])}),
        ("object format", {"format": np.array([None], dtype=object)}), ("dates", {"data": np.zeros(30, "M8[s]")}),
    ):  # fmt: skip
        yield f"sparse, {what}", of(**changes), True
    yield "sparse, csc", of(format=np.array("csc"), shape=np.array([5, 30])), None
    yield "sparse, unsigned", of(indices=(np.arange(30) % 5).astype(np.uint8)), False
    yield "sparse, half floats", of(data=np.ones(30, np.float16)), False
    yield "sparse, big-endian", of(data=np.ones(30, ">f8")), False
    yield (
        "sparse, coo",
        npz(
            format=np.array("coo"),
            shape=np.array([30, 5]),
            data=np.ones(30),
            row=np.arange(30),
            col=np.arange(30) % 5,
        ),
        False,
    )
    yield (
        "sparse, coo beyond",
        npz(
            format=np.array("coo"),
            shape=np.array([30, 5]),
            data=np.ones(30),
            row=np.arange(30) + 1,
            col=np.arange(30) % 5,
        ),
        True,
    )


def arrays() -> Iterator[Case]:
    random = np.random.default_rng(0)

    def npy(value: Any) -> Callable[[Path], str]:
        def make(folder: Path) -> str:
            np.save(folder / "a.npy", value, allow_pickle=True)
            return "a.npy"

        return make

    good = random.normal(size=(30, 3))
    for what, value, refused in (
        ("whole", good, False), ("big-endian", good.astype(">f8"), False), ("longdouble", good.astype(np.longdouble), False),
        ("half", good.astype(np.float16), False), ("fortran", np.asfortranarray(good), False), ("bool", good > 0, None), ("int8", (9 * good).astype(np.int8), None),
        ("uint64 large", np.full((30, 3), 2**64 - 1, np.uint64), None), ("int64 extremes", np.full((30, 3), -(2**63)), None), ("objects", np.array([[None]] * 30), True),
        ("text", np.array([["a"]] * 30), True), ("bytes", np.array([[b"a"]] * 30), True), ("complex", good.astype(complex), True), ("NaN", good * np.nan, True),
        ("infinite", good / 0.0 if False else np.where(good > 0, np.inf, good), True), ("dates", np.zeros((30, 2), "M8[s]"), True), ("records", np.zeros(30, "f8,i4"), True),
        ("no axes", np.array(3.0), True), ("one axis", good[:, 0], True), ("six axes", np.zeros((2,) * 6), True), ("no rows", np.zeros((0, 3)), True), ("one row", good[:1], True),
        ("two rows", good[:2], True), ("no columns", np.zeros((30, 0)), True), ("constant", np.ones((30, 3)), None), ("1e300", good * 1e300, None), ("1e-300", good * 1e-300, None),
        ("denormal", good * 5e-324, None), ("float images beyond 1", np.full((30, 4, 4), 2.0), True), ("negative pixels", np.full((30, 4, 4), -1), True),
        ("300 as a pixel", np.full((30, 4, 4), 300), True), ("five channels", np.zeros((30, 5, 4, 4), np.uint8), True), ("image of one pixel", np.zeros((30, 1, 1), np.uint8), None),
    ):  # fmt: skip
        yield f"npy, {what}", npy(value), refused
    rows = good.tobytes()
    for what, content in (
        ("shape beyond the file", header((10**6, 3), "<f8") + rows), ("shape of 10^18", header((10**18, 3), "<f8") + rows), ("negative shape", header((-30, 3), "<f8") + rows),
        ("pickled", header((30, 3), "|O") + b"\x80\x04K\x01."), ("version 9", header((30, 3), "<f8", version=9) + rows), ("header cut", header((30, 3), "<f8")[:40]),
        ("unknown type", header((30, 3), "<q9") + rows), ("code as header", b"\x93NUMPY\1\0" + struct.pack("<H", 20) + b"__import__('os')    "), ("no numbers at all", b"\x93NUMPY"),
        ("shape overflow", header((2**62, 2**62), "<f8") + rows), ("long header", b"\x93NUMPY\2\0" + struct.pack("<I", 2**31) + b"{" * 100), ("zip as npy", zip_of("x.npy")),
        ("text as npy", TABLE.encode()), ("nested header", b"\x93NUMPY\1\0" + struct.pack("<H", 4000) + b"(" * 4000),
    ):  # fmt: skip
        yield f"npy, {what}", write("a.npy", content), True
        yield f"npz, {what}", packed_member(content), True
    for what, given, refused in (
        ("with labels", {"x": good, "y": np.arange(30) % 2}, False), ("short labels", {"x": good, "y": np.arange(3)}, True), ("NaN labels", {"x": good, "y": np.full(30, np.nan)}, True),
        ("text labels", {"x": good, "y": np.array(["a", "b"] * 15)}, False), ("2-d labels", {"x": good, "y": np.zeros((30, 2))}, True), ("no array", {}, True),
        ("unknown names", {"foo": good, "bar": good}, True), ("scalar", {"x": np.array(1.0)}, True), ("train alone", {"train": good}, None), ("train and test unlike", {"train": good, "test": good[:, :2]}, True),
        ("empty test", {"train": good, "test": good[:0]}, True), ("odd names", {"../../x": good}, None), ("objects beside", {"x": good, "z": np.array([None])}, True),
    ):  # fmt: skip
        yield f"npz, {what}", npz(**given), refused
    yield "npz, empty zip", write("s.npz", b"PK\5\6" + bytes(18)), True
    yield "npz, doubled members", doubled, None
    yield "npz, encrypted flag", flagged(0x1), True
    yield "npz, unknown method", flagged_method(99), True


def zip_of(name: str, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def packed_member(content: bytes) -> Callable[[Path], str]:
    return write("s.npz", zip_of("x.npy", content))


def doubled(folder: Path) -> str:
    import warnings

    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(0).normal(size=(30, 3)))
    with warnings.catch_warnings(), zipfile.ZipFile(folder / "s.npz", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("x.npy", buffer.getvalue())
        archive.writestr("x.npy", buffer.getvalue())
    return "s.npz"


def flagged(bit: int) -> Callable[[Path], str]:
    content = bytearray(zip_of("x.npy", header((2, 2), "<f8") + bytes(32)))
    content[6] |= bit
    content[content.rindex(b"PK\1\2") + 8] |= bit
    return write("s.npz", bytes(content))


def flagged_method(method: int) -> Callable[[Path], str]:
    content = bytearray(zip_of("x.npy", header((2, 2), "<f8") + bytes(32)))
    content[8] = method
    content[content.rindex(b"PK\1\2") + 10] = method
    return write("s.npz", bytes(content))


def texts() -> Iterator[Case]:
    for what, text, refused in (
        ("whole", TABLE, False), ("semicolons", TABLE.replace(",", ";"), False), ("CRLF", TABLE.replace("\n", "\r\n"), False), ("CR alone", TABLE.replace("\n", "\r"), None), ("no end of line", TABLE.rstrip(), False),
        ("header alone", "a,b\n", True), ("one cell", "a", True), ("blank lines", "\n" * 1000, True), ("commas alone", ",,,\n" * 30, True), ("NUL bytes", TABLE.replace("1", "\0"), True), ("a quote that never ends", 'a,b\n"1,2\n' + TABLE, True),
        ("ragged", TABLE + "1,2,3,4\n", True), ("text", "a,b\n" + "x y,z\n" * 30, None), ("nan", "a,b\n" + "nan,1\n" * 30, True), ("inf", "a,b\n" + "inf,1\n" * 30, True), ("1e999", "a,b\n" + "1e999,1\n" * 30, True),
        ("huge whole numbers", "a,b\n" + "".join(f"{10**40 + i},1\n" for i in range(30)), None), ("1e308", "a,b\n" + "".join(f"{i}e307,-{i}e307\n" for i in range(30)), None), ("formulas", "=cmd|'/c calc'!A0,b\n" + TABLE[4:], None),
        ("markup", "[/b],[bold]x\n" + TABLE[4:], None), ("HTML", "<script>alert(1)</script>,b\n" + TABLE[4:], None), ("doubled names", "a,a\n" + TABLE[4:], None), ("empty names", ",\n" + TABLE[4:], None),
        ("a name of a megabyte", "a" * (1 << 20) + ",b\n" + TABLE[4:], None), ("escapes", "\x1b[31ma,b\n" + TABLE[4:], None), ("right to left", "\u202ea,b\n" + TABLE[4:], None), ("decimal commas", "a;b\n" + "".join(f"{i},5;{i},25\n" for i in range(30)), None),
        ("dates", "a,b\n" + "2020-01-01,1\n" * 30, None), ("thousands", 'a,b\n' + '"1,000","2,000"\n' * 30, None), ("hexadecimal", "a,b\n" + "0x1F,0x2F\n" * 30, None), ("complex", "a,b\n" + "1+2j,3\n" * 30, None),
        ("booleans", "a,b\n" + "True,False\n" * 15 + "False,True\n" * 15, None), ("all missing", "a,b\n" + ",\n" * 30, True), ("JSON", '{"a": [1, 2, 3]}', True), ("HTML page", "<html><body>404</body></html>", True), ("XML", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", True),
    ):  # fmt: skip
        yield f"csv, {what}", write("t.csv", text), refused
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-7", "cp037"):
        yield (
            f"csv in {encoding}",
            write("t.csv", TABLE.encode(encoding)),
            None if encoding == "utf-7" else True,
        )
    yield "csv in Latin-1", write("t.csv", ("größe,b\n" + TABLE[4:]).encode("latin-1")), True
    yield "csv with a mark of order", write("t.csv", b"\xef\xbb\xbf" + TABLE.encode()), False
    yield "csv of random bytes", write("t.csv", np.random.default_rng(0).bytes(20_000)), True
    for n in (2_000, 20_000):
        row = ",".join(map(str, range(n)))
        yield (
            f"csv of {n} columns",
            write("t.csv", "\n".join([",".join(f"c{i}" for i in range(n)), *[row] * 12])),
            None,
        )
    yield "csv of a line of 5 MB", write("t.csv", "1," * 2_500_000), None
    yield "csv of a cell of 5 MB", write("t.csv", "a,b\n" + "1" * 5_000_000 + ",2\n" + TABLE[4:]), None
    yield "tsv", write("t.tsv", TABLE.replace(",", "\t")), False
    yield "csv.gz that is none", write("t.csv.gz", TABLE), True
    yield "csv.gz cut", write("t.csv.gz", gzip.compress(TABLE.encode())[:-6]), True


def pictures() -> Iterator[Case]:
    random = np.random.default_rng(0)

    def folder_of(what: dict[str, bytes]) -> Callable[[Path], str]:
        def make(folder: Path) -> str:
            for name, content in what.items():
                (folder / "d" / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / "d" / name).write_bytes(content)
            return "d"

        return make

    def encoded(kind: str, size: tuple[int, int] = (8, 8), mode: str = "L") -> bytes:
        buffer = io.BytesIO()
        noise = random.integers(0, 256, (size[1], size[0], len(mode) if mode != "L" else 1), dtype=np.uint8)
        Image.fromarray(noise[..., 0] if mode == "L" else noise, mode if mode != "L" else None).save(
            buffer, kind
        )
        return buffer.getvalue()

    good = {f"{i}.png": encoded("PNG") for i in range(12)}
    yield "pictures, whole", folder_of(good), False
    for kind in ("GIF", "TIFF", "ICO", "PPM", "TGA", "PDF", "EPS", "JPEG2000", "PCX"):
        try:
            content = encoded(kind)
        except Exception:
            continue
        yield f"{kind} named png", folder_of({**good, "z.png": content}), True
    yield "pictures of two sizes", folder_of({**good, "z.png": encoded("PNG", (9, 8))}), True
    yield "an empty picture", folder_of({**good, "z.png": b""}), True
    yield "text as picture", folder_of({**good, "z.png": b"hello"}), True
    yield "SVG as picture", folder_of({**good, "z.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>"}), True
    yield "a picture cut", folder_of({**good, "z.png": good["0.png"][:-30]}), True
    yield (
        "classes",
        folder_of({f"{i % 2}/{name}": content for i, (name, content) in enumerate(good.items())}),
        False,
    )
    yield "pictures beside classes", folder_of({**good, "c/z.png": good["0.png"]}), True
    yield (
        "a class named as HTML",
        folder_of({f"<b>{i % 2}/{name}": content for i, (name, content) in enumerate(good.items())}),
        None,
    )
    yield "names with escapes", folder_of({f"\x1b[2J{name}": content for name, content in good.items()}), None
    yield "one picture", folder_of({"a.png": good["0.png"]}), True
    yield (
        "deep folders",
        folder_of({"/".join("abcdefghij" * 5) + f"/{name}": content for name, content in good.items()}),
        None,
    )
    yield "a lone picture", lambda folder: write("a.png", good["0.png"])(folder), True


def tables_of_arrow() -> Iterator[Case]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def parquet(table: Any, **options: Any) -> Callable[[Path], str]:
        def make(folder: Path) -> str:
            pq.write_table(table, folder / "p.parquet", **options)
            return "p.parquet"

        return make

    numbers = pa.table({"a": np.arange(30.0), "b": np.arange(30) % 7})
    yield "parquet, whole", parquet(numbers), False
    for what, column, refused in (
        ("lists", [[1, 2]] * 30, None), ("structs", [{"u": 1}] * 30, None), ("maps", pa.array([[("k", 1)]] * 30, pa.map_(pa.string(), pa.int32())), None), ("decimals", pa.array([1] * 30, pa.decimal128(20, 2)), None),
        ("nulls", pa.nulls(30), None), ("binary", [b"x"] * 30, None), ("times", pa.array([1] * 30, pa.timestamp("ns")), None), ("durations", pa.array([1] * 30, pa.duration("s")), None), ("text", ["x y"] * 30, None),
        ("dictionary", pa.array(["a", "b"] * 15).dictionary_encode(), None), ("image bytes that are none", [{"bytes": b"x", "path": ""}] * 30, True), ("missing image", [{"bytes": None, "path": "/etc/passwd"}] * 30, True),
    ):  # fmt: skip
        yield f"parquet, {what}", parquet(pa.table({"a": np.arange(30.0), "c": column})), refused
    yield "parquet, no rows", parquet(numbers[:0]), True
    yield "parquet, no columns", parquet(pa.table({})), True
    yield "parquet, doubled names", parquet(pa.table([np.arange(30.0), np.arange(30.0)], ["a", "a"])), None
    same = pa.array(np.zeros(40_000_000, np.int8)).dictionary_encode()
    yield (
        "parquet, 40 million equal rows",
        parquet(pa.table({f"c{i}": same for i in range(8)}), compression="zstd"),
        True,
    )
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3_000_000, np.int8)), pa.array(["x" * 1000]))
    yield "parquet, one long text 3 million times", parquet(pa.table({"c": text}), compression="zstd"), True
    bad = numbers.replace_schema_metadata({b"huggingface": b"{" * 10_000, b"pandas": b"[" * 10_000})
    yield "parquet, broken metadata", parquet(bad), None
    bad = numbers.replace_schema_metadata(
        {
            b"pandas": b'{"index_columns": [{"kind": "range", "start": 0, "stop": 9e99, "step": 0}], "columns": []}'
        }
    )
    yield "parquet, odd index", parquet(bad), None


def damaged(seed: int) -> Iterator[Case]:
    random = np.random.default_rng(seed)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=random.random((20, 3)))
    frame = pd.DataFrame({"a": random.random(20), "b": range(20)})
    single = io.BytesIO()
    np.save(single, random.random((20, 3)))
    whole = {
        "d.npz": buffer.getvalue(),
        "d.npy": single.getvalue(),
        "d.parquet": frame.to_parquet(),
        "d.csv.gz": gzip.compress(frame.to_csv(index=False).encode()),
    }
    for name, content in whole.items():
        for i in range(12):
            changed = bytearray(content)
            for place in random.integers(len(content), size=int(random.choice([1, 4, 40]))):
                changed[place] = random.integers(256)
            yield f"{name} damaged, {i}", write(name, bytes(changed)), None
        for share in (0.1, 0.5, 0.9):
            yield f"{name} cut at {share}", write(name, content[: int(share * len(content))]), None


FIT = ("--model", "gaussian-mixture", "--n-components", "1", "--out", "r", "--quiet", "--no-report")


def tried(base: Path, runs: Runs) -> Iterator[tuple[str, float, str | None]]:
    """Fit each file, and with every tenth score it in a run that is there: name, seconds, fault."""
    for number, (name, make, refused) in enumerate(cases()):
        folder = fresh(base, number)
        given = make(folder)
        ended = command(["fit", given, *FIT], folder)
        yield name, ended.seconds, fault(ended, refused)
        if number % 10 == 0:
            ended = command(["predict", str(runs["mixture"]), given, "--out", "p.csv"], folder)
            yield f"{name}, as new data", ended.seconds, fault(ended, None)
        shutil.rmtree(folder, ignore_errors=True)
