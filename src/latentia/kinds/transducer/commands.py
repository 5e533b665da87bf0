"""Commands in the form that runs of transducers have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from latentia.errors import ConfigError


def predict(
    run: str,
    data: str | None = None,
    out: str | None = None,
    split: Literal["train", "validation", "test", "new"] = "test",
    n: int = 20,
) -> None:
    """Give the outputs of inputs: of a text file with an input a line (- reads the standard input), or of items of the run's data.

    Args:
        run: run folder.
        data: a .txt file with an input a line, or - for the standard input; items of the run's data if left out.
        out: a .tsv, .csv or .jsonl file; printed if left out.
        split: of the run's data: train, validation or test; new: items that the model has not seen.
        n: how many items of the split, at random, in their order.
    """
    from latentia.data.text import read_lines
    from latentia.kinds.run import Run
    from latentia.kinds.written import write_rows

    opened: Any = Run.open(run)
    if n < 1:
        raise ConfigError(f"-n {n}: expected a whole number of at least 1")
    if data is None:
        part = opened.split(opened.whole_or(split)).take(n).x
        inputs, outputs = opened.both(part)
        rows = list(zip(inputs, opened.predicted(inputs), outputs, strict=True))
        write_rows(out, ("input", "prediction", "output"), rows)
        return
    if data == "-":
        inputs = [line.strip() for line in sys.stdin if line.strip()]
    else:
        found = read_lines(Path(data)).train.x
        inputs = found.lists()
    write_rows(out, ("input", "prediction"), list(zip(inputs, opened.predicted(inputs), strict=True)))


COMMANDS = (predict,)
