"""Run folders, checkpoints and containers that were changed: noticed, or without effect on what comes out."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.child import command, fault
from fuzz.warm import Runs, fresh

VALUES: tuple[Any, ...] = (None, 5, -1, "x", [], {}, [[[1]]], 1e300, True, "../../etc/passwd", 10**12)
COMMANDS = {"mixture": "predict", "vae": "encode", "vq": "encode", "pixelcnn": "evaluate"}


def changes(seed: int = 0) -> Iterator[tuple[str, str, Callable[[Path], None]]]:
    """Name of the change, kind of run, what makes it."""
    random = np.random.default_rng(seed)
    for kind in ("mixture", "vae"):
        for signed in (False, True):
            for name in (
                "estimator",
                "params",
                "weights",
                "features",
                "data",
                "known",
                "format",
                "state",
                "fit",
                "composition",
                "form",
                "words",
                "layout",
                "columns",
                "plugins",
                "choices",
                "model",
            ):
                value = VALUES[int(random.integers(len(VALUES)))]
                yield (
                    f"{name}={value!r} {'without digest' if signed else ''}",
                    kind,
                    edited(name, value, signed),
                )
    for kind in COMMANDS:
        for name in (
            "model.safetensors",
            "config.json",
            "metrics.jsonl",
            "rows.safetensors",
            "evaluation.json",
        ):
            for _ in range(3):
                yield f"a bit of {name}", kind, flipped(name, int(random.integers(1 << 30)))
            yield f"{name} cut", kind, lambda folder, name=name: shorten(folder / name)
            yield f"{name} empty", kind, lambda folder, name=name: (folder / name).write_bytes(b"") and None
    for text in (
        "[" * 100_000,
        "null",
        "[]",
        '"x"',
        "{" * 9,
        '{"format": 1e999}',
        "\0" * 50,
        '{"format": ' + "9" * 5000 + "}",
    ):
        yield (
            f"config.json of {text[:12]!r}",
            "vae",
            lambda folder, text=text: (folder / "config.json").write_text(text) and None,
        )
    for what in ("dir", "pipe", "zero"):
        for name in ("config.json", "model.safetensors", "metrics.jsonl", "rows.safetensors"):
            yield f"{what} as {name}", "mixture", replaced(name, what)
    for name, value in (
        ("latent_dim", 10**6),
        ("latent_dim", 3),
        ("event_shape", [10**6]),
        ("event_shape", [4]),
        ("network", "conv"),
        ("likelihood", "bernoulli"),
        ("model", "vq-vae"),
    ):
        yield f"composition.{name}={value}", "vae", within("composition", name, value)
    for fill in (np.nan, np.inf):
        yield f"weights of {fill}", "vae", weights_of(fill)
        yield f"weights of {fill}, mixture", "mixture", weights_of(fill)


def edited(name: str, value: Any, unsigned: bool) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config[name] = value
        if unsigned:
            config.pop("digest", None)
        path.write_text(json.dumps(config))

    return change


def within(part: str, name: str, value: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config.pop("digest")
        config[part][name] = value
        path.write_text(json.dumps(config))

    return change


def weights_of(fill: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        import hashlib

        from safetensors.numpy import load, save

        path = folder / "model.safetensors"
        tensors = {
            n: np.full_like(t, fill) if t.dtype.kind == "f" else t for n, t in load(path.read_bytes()).items()
        }
        path.write_bytes(save(tensors))
        config = json.loads((folder / "config.json").read_text())
        config.pop("digest")
        config["weights"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "config.json").write_text(json.dumps(config))

    return change


def flipped(name: str, place: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[place % len(content)] ^= 1 << place % 7
        (folder / name).write_bytes(content)

    return change


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def replaced(name: str, what: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        import os

        (folder / name).unlink()
        {
            "dir": lambda: (folder / name).mkdir(),
            "pipe": lambda: os.mkfifo(folder / name),
            "zero": lambda: (folder / name).symlink_to("/dev/zero"),
        }[what]()

    return change


def containers(run: Path) -> Iterator[tuple[str, bytes]]:
    """Files of `latentia compress` with a right checksum and wrong content."""
    import latentia
    from latentia.explore.compression import fingerprint
    from latentia.explore.container import MAGIC, _varint, checksum

    made_with = fingerprint(latentia.load(run))

    def whole(n: int, precision: int = 3, flags: int = 0, middle: bytes = b"\0", words: int = 4) -> bytes:
        body = (
            MAGIC + struct.pack("<B16s8sbB", 1, made_with, bytes(8), precision, flags) + _varint(n) + middle
        )
        body += _varint(words) + bytes(4 * words)
        return body + checksum(body)

    for n in (0, 1, 10**3, 10**6, 10**9, 10**12, 2**31, 2**32, 2**62, 2**63 - 1):
        yield f"n = {n}", whole(n)
        packed = zlib.compress(b"\n" * min(n, 50_000_000), 9)
        yield f"n = {n} with names", whole(n, middle=_varint(len(packed)) + packed)
    for precision in (-128, -3, 17, 127):
        yield f"precision {precision}", whole(1, precision)
    for scale in (-128, 127):
        yield f"scale {scale}", whole(10**6, flags=2, middle=b"\0" + struct.pack("<hb", 0, scale) * 2)
    for counts in ((1, 0, 0), (10**9, 0, 0), (2**62, 2**62, 2**62)):
        yield f"corrections {counts}", whole(1, flags=1, middle=b"\0" + b"".join(map(_varint, counts)))
    for name in (b"../x", b"a/b", b"", b"..", b"\xff\xfe", b"x" * 5000, b"a\0b", b"CON", b"\x1b[2J"):
        packed = zlib.compress(name)
        yield f"name {name[:8]!r}", whole(1, middle=_varint(len(packed)) + packed)
    yield "flags", whole(1, flags=255)
    yield "names beyond the file", whole(1, middle=_varint(10**9))
    yield "no words", whole(5, words=0)


def tried(base: Path, runs: Runs) -> Iterator[tuple[str, float, str | None]]:
    """Use each changed folder: name, seconds, fault. What is taken must give what the whole folder gives."""
    number = 0
    expected = {}
    for kind, name in COMMANDS.items():
        folder = fresh(base, number)
        number += 1
        command([name, str(runs[kind]), *told(name)], folder)
        expected[kind] = outcome(folder)
    for what, kind, change in changes():
        folder = fresh(base, number)
        number += 1
        shutil.copytree(runs[kind], folder / "run")
        change(folder / "run")
        ended = command([COMMANDS[kind], "run", *told(COMMANDS[kind])], folder)
        found = fault(ended, None, may_leave=True)
        if found is None and ended.status == 0 and outcome(folder) != expected[kind]:
            found = "taken, and gives another result"
        yield f"{kind}, {what}", ended.seconds, found
        shutil.rmtree(folder, ignore_errors=True)
    for what, content in containers(runs["image-vae"]):
        folder = fresh(base, number)
        number += 1
        (folder / "x.ltnc").write_bytes(content)
        ended = command(["decompress", "x.ltnc", "--run", str(runs["image-vae"]), "--out", "o"], folder)
        yield f"container, {what}", ended.seconds, fault(ended, True)
        shutil.rmtree(folder, ignore_errors=True)


def told(name: str) -> list[str]:
    return ["--json", "--n-importance", "2"] if name == "evaluate" else ["--out", "out.csv"]


def outcome(folder: Path) -> str | None:
    """What a command gave: its file, or what it printed without the time."""
    path = folder / "out.csv"
    if path.exists():
        return path.read_text()
    said = (folder.parent / f"{folder.name}.out").read_text()
    return (
        json.dumps({n: v for n, v in json.loads(said).items() if n != "seconds"})
        if said.startswith("{")
        else said
    )
