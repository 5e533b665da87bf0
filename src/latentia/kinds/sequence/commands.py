"""Commands in the form that runs of texts and events have: items are printed, or written a line each."""

from __future__ import annotations

import sys
from typing import Any, Literal

from latentia.errors import ConfigError
from latentia.kinds.written import write_rows

_SEARCHED, _CODED = 20_000, 2000


def sample(
    run: str,
    n: int = 20,
    out: str | None = None,
    mean: bool = False,
    seed: int = 0,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    avoid: list[str] | None = None,
) -> None:
    """Draw items: z from the prior, then token by token.

    Args:
        run: run folder; its data are not needed.
        n: how many.
        out: a .txt, .tsv, .csv or .jsonl file; printed if left out.
        mean: take the likeliest token at each step.
        seed: of the draw.
        temperature: below 1 draws likelier tokens than the model's own draws; what is no draw from the model is said.
        top_k: draw among so many likeliest tokens.
        top_p: draw among the likeliest tokens that together have this probability.
        avoid: tokens that are not to occur, for example "<unk>".
    """
    opened = _opened(run)
    narrowed = _narrowed(temperature, top_k, top_p, avoid)
    items = opened.estimator.sample(_at_least_one(n), mean=mean, random_state=seed, **narrowed)
    write_rows(out, ("text",), [(item,) for item in items])
    _say_of_draws(opened, mean, narrowed)


def reconstruct(
    run: str,
    file: str | None = None,
    n: int = 32,
    out: str | None = None,
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Put items through their codes and back: each beside its reconstruction.

    Args:
        run: run folder.
        file: other items, all of which are taken; those of the run's split if left out.
        n: how many items of the split, at random, in their order.
        out: a .tsv, .csv or .jsonl file; printed if left out.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    opened = _opened(run, data)
    _with_code(opened, "reconstruct")
    part = (
        opened.items(file)
        if file is not None
        else opened.split(opened.whole_or(split)).take(_at_least_one(n))
    )
    pairs = list(zip(opened.listed(part.x), opened.rebuilt(part.x), strict=True))
    write_rows(out, ("item", "reconstruction"), pairs)


def interpolate(
    run: str,
    items: str = "0,1",
    steps: int = 8,
    method: Literal["linear", "spherical", "geodesic", "all"] = "all",
    out: str | None = None,
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
    from_: str | None = None,
    to: str | None = None,
) -> None:
    """Decode the way between two items, with the log-probability of each step's code under the prior.

    Args:
        run: run folder.
        items: places of two items in the split, as 0,1.
        steps: items on the way, both ends included.
        method: straight, on a great circle, along the training data, or each of them.
        out: a .tsv, .csv or .jsonl file; printed if left out.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
        from_: the text at which the way begins (of events: labels with spaces between, as a b; with gaps as a@0 b@2.5), in place of an item of the split.
        to: the text at which it ends.
    """
    opened = _opened(run, data)
    _with_code(opened, "interpolate")
    places = _places(items)
    if len(places) != 2 or (from_ is None) != (to is None):
        raise ConfigError(
            "interpolate goes between two items: give two places as --items 0,1, or --from and --to"
        )
    typed = from_ is not None and to is not None
    ends = opened.typed([from_, to]) if typed else _picked(opened, split, places)
    rows = []
    for name in ("linear", "spherical", "geodesic") if method == "all" else (method,):
        for step, (item, score) in enumerate(opened.way(ends, steps, name)):
            rows.append((name, step, item, round(score, 3)))
    write_rows(out, ("method", "step", "item", "log_p"), rows)


def complete(
    run: str,
    n: int = 5,
    keep: float = 0.5,
    out: str | None = None,
    split: Literal["train", "validation", "test", "new"] = "test",
    seed: int = 0,
    data: str | None = None,
    prefix: str | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    avoid: list[str] | None = None,
) -> None:
    """Go on from a beginning: codes from p(z|beginning), then draws from p(rest|beginning, z).

    Args:
        run: run folder.
        n: how many completions of the prefix; without one, how many items of the split.
        keep: share of an item's tokens that is kept, where items of the split are completed.
        out: a .txt, .tsv, .csv or .jsonl file; printed if left out.
        split: train, validation or test; new: items that the model has not seen.
        seed: of the draw.
        data: where the run's data are now, if not where they were.
        prefix: the beginning (of events: labels with spaces between, as a b; with gaps as a@0 b@2.5); may be empty.
        temperature: as in sample.
        top_k: as in sample.
        top_p: as in sample.
        avoid: as in sample.
    """
    opened = _opened(run, data)
    if prefix is not None:
        narrowed = _narrowed(temperature, top_k, top_p, avoid)
        (found,) = opened.estimator.complete(
            opened.typed([prefix]), _at_least_one(n), random_state=seed, **narrowed
        )
        write_rows(out, ("text",), [(item,) for item in found])
        _say_of_draws(opened, False, narrowed)
        return
    if not 0 <= keep <= 1:
        raise ConfigError(f"--keep {keep}: a share between 0 and 1 was expected")
    part = opened.split(opened.whole_or(split)).take(_at_least_one(n))
    done = opened.completed(part.x, keep, seed=seed)
    write_rows(out, ("item", "completion"), list(zip(opened.listed(part.x), done, strict=True)))


def neighbours(
    run: str,
    n: int = 8,
    k: int = 8,
    out: str | None = None,
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Find the training items whose codes are nearest to those of some items.

    Args:
        run: run folder.
        n: how many items of the split.
        k: neighbours of each.
        out: a .tsv, .csv or .jsonl file; printed if left out.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    import numpy as np

    from latentia import explore

    opened = _opened(run, data)
    _with_code(opened, "neighbours")
    split = opened.whole_or(split)
    train, part = opened.split("train").take(_SEARCHED), opened.split(split).take(_at_least_one(n))
    own = split == "train"  # then each item is its own nearest neighbour, and is left out
    found = explore.neighbours(opened.vectors(train.x), opened.vectors(part.x), k + own)
    known, asked = opened.listed(train.x), opened.listed(part.x)
    rows = [
        (
            asked[i],
            rank + 1,
            known[found.indices[i, own + rank]],
            float(np.round(found.distances[i, own + rank], 4)),
        )
        for i in range(len(asked))
        for rank in range(k)
    ]
    write_rows(out, ("item", "rank", "neighbour", "distance"), rows)


def traverse(
    run: str,
    item: int | None = None,
    dims: str | None = None,
    steps: int = 5,
    out: str | None = None,
    split: Literal["train", "validation", "test", "new"] = "test",
    data: str | None = None,
) -> None:
    """Change one dimension of a code after another over its range in the data.

    Args:
        run: run folder.
        item: place in the split of the item to start from; the median code if left out.
        dims: which dimensions, as 0,4,7; the five most varied if left out.
        steps: values of each.
        out: a .tsv, .csv or .jsonl file; printed if left out.
        split: train, validation or test; new: items that the model has not seen.
        data: where the run's data are now, if not where they were.
    """
    from latentia import explore

    opened = _opened(run, data)
    _with_code(opened, "traverse")
    part = opened.split(opened.whole_or(split)).take(_CODED)
    codes = opened.coded(part.x)
    start = None
    if item is not None:
        start = opened.coded(_picked(opened, split, [item]))[0]
    chosen = codes.std(axis=0).argsort()[::-1][:5] if dims is None else _places(dims, "--dims")
    found = explore.traverse(opened.estimator, codes, start=start, dims=chosen, steps=steps)
    rows = [
        (int(dim), round(float(value), 3), text)
        for dim, values, texts in zip(found.dims, found.values, found.items, strict=True)
        for value, text in zip(values, texts, strict=True)
    ]
    write_rows(out, ("dimension", "value", "item"), rows)


COMMANDS = (traverse, sample, reconstruct, interpolate, complete, neighbours)


def _opened(run: str, data: str | None = None) -> Any:
    from latentia.kinds.run import Run

    return Run.open(run, data)


def _with_code(opened: Any, command: str) -> None:
    if not opened.has_code:
        raise ConfigError(
            f"{command} needs a code, which {opened.model} has not; fit one with `--model sequence-pretrained`"
        )


def _at_least_one(n: int) -> int:
    if n < 1:
        raise ConfigError(f"-n {n}: expected a whole number of at least 1")
    return n


def _picked(opened: Any, split: Any, places: list[int]) -> Any:
    """Items of a split by their places in it."""
    part = opened.split(opened.whole_or(split))
    for place in places:
        if not 0 <= place < len(part):
            raise ConfigError(f"item {place}: the {split} split has items 0 to {len(part) - 1}")
    return part.subset(places).x


def _places(text: str, flag: str = "--items") -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{flag} {text!r}: expected whole numbers with commas between, as 3,17") from None


def _narrowed(
    temperature: float | None, top_k: int | None, top_p: float | None, avoid: list[str] | None
) -> dict[str, Any]:
    """What was asked for of how tokens are drawn."""
    asked = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "avoid": avoid}
    return {name: value for name, value in asked.items() if value is not None}


def _say_of_draws(opened: Any, mean: bool, narrowed: dict[str, Any]) -> None:
    """Say what is no draw from the model."""
    from latentia.kinds.sequence.use import drawing_of

    drawing = drawing_of(opened.estimator.form_, **narrowed)
    if mean or not drawing.exact:
        how = "the likeliest token at each step" if mean else str(drawing)
        print(f"note: {how}: these are no draws from the model", file=sys.stderr)
