"""`latentia types TABLE`: community types of a table of counts; `latentia types assign RUN TABLE`: types of new samples."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

from latentia.commands.places import check_place
from latentia.errors import ConfigError

ASSIGN = "assign"


def types(
    table: list[str] | None = None,
    metadata: str | None = None,
    taxonomy: str | None = None,
    id_column: str | None = None,
    taxa_in: Literal["auto", "rows", "columns"] = "auto",
    label: str | None = None,
    depth_column: str | None = None,
    merge_duplicates: bool = False,
    rank: str | None = None,
    min_depth: int = 1,
    min_prevalence: float = 0.0,
    min_abundance: float = 0.0,
    drop_rare: bool = False,
    rarefy: str = "no",
    n_components: int | str = "1..7",
    criterion: Literal["laplace", "bic", "aic", "icl", "held-out"] = "laplace",
    n_init: int = 10,
    folds: int = 5,
    halves: int = 3,
    bootstrap: int = 20,
    test: str | None = None,
    block: str | None = None,
    compare: str | None = None,
    seed: int = 0,
    out: str | None = None,
    overwrite: bool = False,
    report: bool = True,
    quiet: bool = False,
) -> None:
    """Find community types in a table of counts (BIOM, QIIME, mothur, phyloseq, text), and say how far they can be trusted; or `types assign RUN TABLE`.

    Args:
        table: a file of counts; or `assign RUN TABLE`: the run folder of earlier types, and a table of new samples.
        metadata: file that describes the samples; types are tested against its columns.
        taxonomy: file with the lineages of the taxa.
        id_column: column that names the rows, where its header does not say so; `none`: the table has none.
        taxa_in: which side holds the taxa, where neither format nor names tell.
        label: of a mothur `.shared` file that holds several.
        depth_column: column of the metadata with the reads of each sample, by which proportions become counts again.
        merge_duplicates: sum taxa of one name.
        rank: sum taxa to a rank: Phylum, Class, Order, Family, Genus or Species.
        min_depth: drop samples of fewer reads.
        min_prevalence: taxa in a smaller share of the samples become "other".
        min_abundance: taxa of a smaller mean proportion become "other".
        drop_rare: drop them instead.
        rarefy: draw each sample down to so many reads; not needed, for the model is conditional on depth.
        n_components: a number of types (4) or a range (1..7).
        criterion: which chooses from a range, and among the starts of each number: laplace, bic, aic, icl or held-out.
        n_init: starts of each number of types.
        folds: parts of the samples that are held out in turn; 0 for none.
        halves: splits into halves, for the prediction strength.
        bootstrap: draws with replacement, for stability and intervals; 0 for none.
        test: columns of the metadata, separated by commas; all that can be tested if left out.
        block: column that says which samples are repeats of a subject; `id:.` takes the part of the sample id before the first point.
        compare: neural models, separated by commas (vae,vq-vae,gumbel-vae), that are held against the types on samples held out.
        seed: of everything random.
        out: folder of the run; of `assign`, the file (types.tsv in the current folder if left out).
        overwrite: replace what is there.
        report: write report.html.
        quiet: print nothing but the verdict.
    """
    given = dict(locals())
    words = list(given.pop("table") or [])
    if given["out"] is not None:
        check_place(given["out"], words[:1] != [ASSIGN])
    if words[:1] == [ASSIGN]:
        _assign(words[1:], given)
        return
    if len(words) != 1:
        told = "TABLE is missing" if not words else f"{len(words)} tables were given"
        raise ConfigError(
            f"{told}: latentia types TABLE [--metadata FILE], or latentia types assign RUN TABLE"
        )
    _fit(words[0], given)


def _reading(given: dict[str, Any]) -> dict[str, Any]:
    names = ("metadata", "taxonomy", "id_column", "taxa_in", "label", "depth_column", "merge_duplicates")
    return {name: given[name] for name in names}


def _fit(table: str, given: dict[str, Any]) -> None:
    from latentia.commands.output import print_figures, print_verdict
    from latentia.kinds.reporting import report_run
    from latentia.kinds.types.keeping import check_out, keep
    from latentia.kinds.types.workflow import FILTERS, summary_of
    from latentia.kinds.types.workflow import types as found_in

    folder = Path(given["out"]) if given["out"] else _new_folder(table, given["overwrite"])
    check_out(folder, given["overwrite"])
    say = (lambda _: None) if given["quiet"] else print
    filters = {name: given[name] for name in FILTERS} | {"rarefy": _rarefied(given["rarefy"])}
    fitting = {
        name: given[name] for name in ("n_components", "criterion", "n_init", "folds", "halves", "bootstrap")
    }
    tested = (
        None if given["test"] is None else [name.strip() for name in given["test"].split(",") if name.strip()]
    )
    found = found_in(
        table, test=tested, block=given["block"], say=say, random_state=given["seed"], compare=_listed(given["compare"] or ""), **_reading(given), **filters, **fitting
    )  # fmt: skip
    import shlex

    run = keep(
        found, folder, command=shlex.join(["latentia", *sys.argv[1:]]), arguments=_words(sys.argv[1:]), overwrite=given["overwrite"]
    )  # fmt: skip
    figures = run.figures("train")
    if not given["quiet"]:
        for line in (*found.notes[len(found.table.notes) :], *summary_of(found)):
            print(line)
        print_figures(figures, run.kind.words)
    print_verdict(figures)
    print(
        f"tables: {', '.join(f'{name}.tsv' for name in found.tables)}, methods.txt, table-with-types.biom in {folder}"
    )
    if given["report"]:
        print(f"report: {report_run(run)}")


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _rarefied(text: str) -> int | None:
    if text.strip().casefold() == "no":
        return None
    if not text.strip().isdigit():
        raise ConfigError(f"--rarefy {text}: a number of reads, or no, was expected")
    return int(text)


def _words(argv: list[str]) -> list[str]:
    """The words of the command but its name and what a remedy replaces."""
    kept: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word in ("--out", "--n-components"):
            next(words, None)
        elif not word.startswith(("--out=", "--n-components=")) and word != "--overwrite":
            kept.append(word)
    return kept


def _new_folder(table: str, reuse: bool) -> Path:
    base = Path("runs") / f"{Path(table).name.split('.')[0] or 'table'}-types"
    if reuse or not base.exists():
        return base
    return next(path for i in range(2, 10_000) if not (path := base.with_name(f"{base.name}-{i}")).exists())


def _assign(words: list[str], given: dict[str, Any]) -> None:
    from latentia.kinds.types.assigning import assign
    from latentia.kinds.types.keeping import opened, write_tsv

    if len(words) != 2:
        raise ConfigError(
            "types assign takes a run folder and a table: latentia types assign RUN TABLE [--out types.tsv]"
        )
    out = Path(given["out"] or "types.tsv")
    if out.exists() and not given["overwrite"]:
        raise ConfigError(f"{out} exists already: give another --out, or --overwrite")
    reading = _reading(given)
    found = assign(opened(Path(words[0])), words[1], **reading)
    if not given["quiet"]:
        for note in found.notes:
            print(note)
        counts = found.types["type"].value_counts().sort_index()
        print("; ".join(f"{name}: {count} samples" for name, count in counts.items()))
        for name in ("certain", "usual"):
            odd = found.types.loc[found.types[name] == f"un{name}", "sample-id"].tolist()
            if odd:
                print(f"un{name}: {', '.join(odd[:5])}{f' and {len(odd) - 5} more' if len(odd) > 5 else ''}")
    write_tsv(out, found.types)
    print(out)
