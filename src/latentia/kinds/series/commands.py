"""Commands in the form that runs of series have: tables with a row a step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError


def sample(run: str, n: int = 20, out: str = "samples.csv", mean: bool = False, seed: int = 0) -> None:
    """Draw series: z from the prior, then p(x|z); lengths are drawn from those of training.

    Args:
        run: run folder; its data are not needed.
        n: how many.
        out: a .csv or .parquet file, a row a step; or .npy, `[n, T, C]` with NaN behind each end (of reconstructions, these alone).
        mean: the mean of p(x|z) without its noise.
        seed: of the draw.
    """
    opened = _opened(run)
    path = _table_path(out, ".npy")
    found = opened.drawn(_at_least_one(n), seed=seed, mean=mean)
    _write(path, opened, [("series", list(range(len(found))))], [found], [""])


def reconstruct(
    run: str,
    file: str | None = None,
    n: int = 32,
    out: str = "reconstructions.csv",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Put series through their codes and back, gaps filled: each number beside its reconstruction.

    Args:
        run: run folder.
        file: other data, all of which are taken; those of the run's split if left out.
        n: how many series of the split, at random, in their order.
        out: a .csv or .parquet file, a row a step; or .npy, `[n, T, C]` with NaN behind each end (of reconstructions, these alone).
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    opened = _opened(run, data)
    path = _table_path(out, ".npy")
    if file is not None:
        part = opened.items(file)
    else:
        part = opened.split(opened.whole_or(split)).take(_at_least_one(n))
    names = list(range(len(part))) if part.names is None else part.names.tolist()
    items = [part.x.item(i) for i in range(len(part))]
    _write(path, opened, [("series", names)], [items, opened.rebuilt(part.x)], ["", " rebuilt"])


def neighbours(
    run: str,
    n: int = 8,
    k: int = 8,
    out: str = "neighbours.csv",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Find the training series whose codes are nearest to those of some series.

    Args:
        run: run folder.
        n: how many series of the split.
        k: neighbours of each.
        out: a .csv or .parquet file: names (or places, from 0), rank and distance.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    import pandas as pd

    from latentia import explore

    opened = _opened(run, data)
    path = _table_path(out)
    split = opened.whole_or(split)
    train, part = opened.split("train"), opened.split(split).take(_at_least_one(n))
    own = split == "train"  # then each series is its own nearest neighbour, and is left out
    found = explore.neighbours(opened.vectors(train.x), opened.vectors(part.x), min(k + own, len(train)))

    def name(of: Any, i: int) -> Any:
        return i if of.names is None else of.names[i]

    rows = [
        (
            name(part, i),
            rank + 1 - own,
            name(train, int(found.indices[i, rank])),
            float(found.distances[i, rank]),
        )
        for i in range(len(part))
        for rank in range(int(own), found.indices.shape[1])
    ]
    _save(path, pd.DataFrame(rows, columns=["series", "rank", "neighbour", "distance"]))


def interpolate(
    run: str,
    items: str = "0,1",
    steps: int = 8,
    method: Literal["linear", "spherical", "geodesic", "all"] = "all",
    out: str = "interpolation.csv",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Decode the way between the codes of two series.

    Args:
        run: run folder.
        items: places of two series in the split, as 0,1.
        steps: series on the way, both ends included.
        method: straight, on a great circle, along the training data, or each of them.
        out: a .csv or .parquet file, a row a step.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    from latentia import explore

    opened = _opened(run, data)
    path = _table_path(out)
    ends = _picked(opened, split, _places(items, "--items", 2))
    methods: tuple[Any, ...] = ("linear", "spherical", "geodesic") if method == "all" else (method,)
    known = None
    if "geodesic" in methods:
        known = opened.split("train").take(_CODED).x
    found: list[Any] = []
    named: list[tuple[str, int]] = []
    for name in methods:
        way = explore.interpolate(opened.estimator, ends[0], ends[1], steps=steps, method=name, data=known)
        found += list(way.items)
        named += [(name, place) for place in range(len(way.items))]
    titles: list[tuple[str, list[Any]]] = [
        ("method", [name for name, _ in named]),
        ("place", [place for _, place in named]),
    ]
    _write(path, opened, titles, [found], [""])


def traverse(
    run: str,
    item: int | None = None,
    dims: str | None = None,
    steps: int = 5,
    out: str = "traversal.csv",
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Change one dimension of a code after another over its range in the data.

    Args:
        run: run folder.
        item: place in the split of the series to start from; the median code if left out.
        dims: which dimensions, as 0,4,7; the five most varied if left out.
        steps: values of each.
        out: a .csv or .parquet file, a row a step.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    import numpy as np

    from latentia import explore

    opened = _opened(run, data)
    path = _table_path(out)
    codes = opened.coded(opened.split(opened.whole_or(split)).take(_CODED).x)
    start = None if item is None else opened.coded(_picked(opened, split, [item]))[0]
    chosen = codes.std(axis=0).argsort()[::-1][:5] if dims is None else _places(dims, "--dims")
    way = explore.traverse(opened.estimator, codes, start=start, dims=chosen, steps=steps)
    found = [each for row in way.items for each in row]
    values = np.asarray(way.values).ravel()
    titles: list[tuple[str, list[Any]]] = [
        ("dimension", np.repeat(np.asarray(way.dims), len(values) // len(way.dims)).tolist()),
        ("value", values.tolist()),
    ]
    _write(path, opened, titles, [found], [""])


COMMANDS = (sample, reconstruct, neighbours, interpolate, traverse)

_CODED = 2000


def _places(text: str, flag: str, n: int | None = None) -> list[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or (n is not None and len(found) != n):
        raise ConfigError(
            f"{flag} {text!r}: expected {n or 'some'} whole numbers with commas between, as 3,17"
        )
    return found


def _picked(opened: Any, split: Any, places: list[int]) -> list[Any]:
    """Series of a split by their places in it."""
    part = opened.split(opened.whole_or(split))
    for place in places:
        if not 0 <= place < len(part):
            raise ConfigError(f"item {place}: the {split} split has items 0 to {len(part) - 1}")
    return [part.x.item(place) for place in places]


def _opened(run: str, data: str | None = None) -> Any:
    from latentia.kinds.run import Run

    return Run.open(run, data)


def _at_least_one(n: int) -> int:
    if n < 1:
        raise ConfigError(f"-n {n}: expected a whole number of at least 1")
    return n


def _table_path(out: str, *others: str) -> Path:
    suffixes = (*others, ".csv", ".parquet")
    if Path(out).suffix.lower() not in suffixes:
        raise ConfigError(f"--out {out}: this can be written as {', '.join(suffixes[:-1])} or {suffixes[-1]}")
    return Path(out)


def _write(
    path: Path,
    opened: Any,
    named: list[tuple[str, list[Any]]],
    parts: Sequence[Sequence[Any]],
    suffixes: Sequence[str],
) -> None:
    """A row a step: whose it is, which step, and the columns of each part."""
    import numpy as np
    import pandas as pd

    if path.suffix.lower() == ".npy":
        from latentia.data.items import Ragged
        from latentia.files import write_atomically

        padded, _ = Ragged.of([np.asarray(each, dtype=np.float64) for each in parts[-1]]).padded(np.nan)
        write_atomically(path, lambda file: np.save(file, padded, allow_pickle=False))
        print(path)
        return
    lengths = [len(each) for each in parts[0]]
    columns: dict[str, Any] = {title: np.repeat(np.asarray(values), lengths) for title, values in named}
    columns["step"] = np.concatenate([np.arange(n) for n in lengths])
    for part, suffix in zip(parts, suffixes, strict=True):
        values = np.concatenate(list(part))
        columns |= {f"{name}{suffix}": values[:, i] for i, name in enumerate(opened.names)}
    _save(path, pd.DataFrame(columns))


def _save(path: Path, table: Any) -> None:
    from latentia.files import write_atomically, write_csv

    if path.suffix.lower() == ".csv":
        write_csv(path, table)
    else:
        write_atomically(path, lambda file: table.to_parquet(file, index=False))
    print(path)
