"""`latentia benchmark table1`: many models on the same images, in one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from latentia.commands.output import print_table
from latentia.errors import ConfigError


def benchmark(
    table: Literal["table1"] | None = None,
    models: list[str] = ["report", "default", "pythae"],  # noqa: B006  never changed
    datasets: list[str] = ["mnist", "fashion-mnist"],  # noqa: B006
    epochs: int | None = None,
    out: str = "benchmarks/results/table1",
    seed: int = 0,
    limit: int | None = None,
    device: str = "auto",
    json: bool = False,
) -> None:
    """Compare models on the same images: a row each for error, rate, bound, likelihood and samples. Finished rows are kept.

    Args:
        table: table1, the models of the ResLag report's Table 1 under its settings, with others beside them.
        models: names of `latentia models`, pythae-vae, pythae-beta-vae, pythae-info-vae, pythae-iwae, default; or report, pythae, own, all.
            NAME@default is NAME with this library's own network and training.
        datasets: names of image sets (`latentia datasets`) or paths.
        epochs: passes over the images in place of the report's (40; CelebA 20); default and NAME@default keep their own.
        out: folder for rows, table1.csv and table1.html; an interrupted benchmark goes on where it was.
        seed: of every fit.
        limit: most training images, for a quick look.
        device: auto, cpu, cuda or cuda:N.
        json: print one JSON object and nothing else.
    """
    from latentia.benchmarks.table1 import as_json, run

    if table != "table1":
        raise ConfigError(f"TABLE is {table or 'missing'}: there is latentia benchmark table1")
    try:
        done = run(
            models,
            datasets,
            Path(out),
            epochs=epochs,
            seed=seed,
            limit=limit,
            device=device,
            say=(lambda _: None) if json else _say,
            progress=not json,
        )
    except KeyboardInterrupt:
        print("latentia: interrupted; the same command goes on where it was", file=sys.stderr)
        raise SystemExit(130) from None
    from latentia.benchmarks.page import write_table1

    page = write_table1(done, "latentia " + " ".join(sys.argv[1:]))
    if json:
        print(as_json(done))
        return
    for data in done.datasets:
        print_table(_terminal(done, data), 160)
    for row in done.missing:
        print(f"left out: {row['data']}: {row['name']}: {row['reason']}")
    print(f"table: {done.folder / 'table1.csv'}")
    print(f"page: {page}")


def _say(text: str) -> None:
    print(text, flush=True)


def _terminal(done: Any, data: str) -> Any:
    """The table of one data set."""
    from rich.table import Table

    from latentia.benchmarks.layout import HEADERS, lines

    first = done.of(data)[0]
    title = f"{data}: codes of {first['figures']['latent_dim']}, {first['n_test']:,} test images"
    rows = lines(done, data)
    remark = None if first["comparable"] else f"not comparable with the report: {first['note']}"
    shown = Table("model", title=title, caption=remark)
    for header in HEADERS:
        shown.add_column(header, justify="right")
    for line in rows:
        shown.add_row(line.name, *line.cells, style=None if line.own else "dim")
    return shown
