"""`latentia encode RUN [DATA]`: the codes of items, as a file."""

from __future__ import annotations

from pathlib import Path


def encode(run: str, data: str | None = None, out: str = "codes.csv") -> None:
    """Write the codes of all items of the run's data, or of other data, in their order and with their names.

    Args:
        run: run folder of a model with an encoder (of discrete codes: their numbers).
        data: other data (a name or path); the run's own if left out, wherever they are.
        out: a .csv, .parquet or .npy file: a row for each item, its name first where it has one.
    """
    import numpy as np

    from latentia.commands.opened import open_run
    from latentia.commands.tables import check_table, write_table
    from latentia.kinds.abilities import Encodes

    opened = open_run(run, "encode", Encodes)
    check_table(Path(out))
    part = opened.items(data if data is not None else opened.place)
    codes = np.asarray(opened.estimator.transform(part.x))
    named = getattr(opened.estimator, "get_feature_names_out", None)
    names = [str(name) for name in named()] if named else [f"code {i}" for i in range(codes.shape[1])]
    print(write_table(Path(out), dict(zip(names, codes.T, strict=True)), part.names, codes))
