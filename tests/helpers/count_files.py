"""One table of counts in all the ways in which programs of the field write it."""

from __future__ import annotations

import gzip
import json

import numpy as np

N, D = 12, 7
RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.negative_binomial(0.4, 0.02, (N, D))
COUNTS[:, 0] += (
    1 + RANDOM.permutation(N) * 3
)  # the first taxon is in every sample, in as many numbers of reads
SAMPLES = [f"S{i}.{i % 2 + 1}" for i in range(N)]
TAXA = ["Bacteroides", "Prevotella", "Blautia", "Roseburia", "Dialister", "Sutterella", "Alistipes"]
LINEAGES = [f"k__Bacteria; p__P{j}; c__; o__; f__; g__{name}; s__" for j, name in enumerate(TAXA)]
NUMBERS = [f"{i:03d}" for i in range(4, 4 + N)]  # 004, 005, ...: text, though they look like numbers
OTUS = [str(549322 + 7 * j) for j in range(D)]


def lines(rows, separator="\t"):
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def wide(header, ids=SAMPLES, taxa=TAXA, separator="\t"):
    """Samples as rows."""
    return lines([[*header, *taxa], *([i, *row] for i, row in zip(ids, COUNTS, strict=True))], separator)


def tall(header, ids=SAMPLES, taxa=TAXA, separator="\t", last=None):
    """Taxa as rows, perhaps with a last column."""
    body = [[t, *row] for t, row in zip(taxa, COUNTS.T, strict=True)]
    head = [*header, *ids]
    if last is not None:
        head.append(last)
        body = [[*row, lineage] for row, lineage in zip(body, LINEAGES, strict=True)]
    return lines([head, *body], separator)


def ranks():
    """Taxa as rows, with a last column for each of two ranks."""
    body = [[t, *row, f"P{j}", t] for j, (t, row) in enumerate(zip(TAXA, COUNTS.T, strict=True))]
    return lines([["OTU ID", *SAMPLES, "Phylum", "Genus"], *body], ",")


def biom_json(dense=False, kind="int", version="1.0.0"):
    data = (
        COUNTS.T.tolist()
        if dense
        else [[j, i, int(COUNTS[i, j])] for j in range(D) for i in range(N) if COUNTS[i, j]]
    )
    return json.dumps({
        "id": None, "format": f"Biological Observation Matrix {version}", "type": "OTU table", "matrix_type": "dense" if dense else "sparse",
        "matrix_element_type": kind, "shape": [D, N], "data": data,
        "rows": [{"id": t, "metadata": {"taxonomy": lineage.split("; ")}} for t, lineage in zip(TAXA, LINEAGES, strict=True)],
        "columns": [{"id": s, "metadata": None} for s in SAMPLES],
    })  # fmt: skip


SHARED = lines(
    [
        ["label", "Group", "numOtus", *TAXA],
        *(["0.03", s, D, *row] for s, row in zip(SAMPLES, COUNTS, strict=True)),
    ]
)
LEVEL_6 = lines(
    [
        ["index", *(lineage.replace("; ", ";") for lineage in LINEAGES), "BodySite", "Year"],
        *([s, *row, "gut", 2008] for s, row in zip(SAMPLES, COUNTS, strict=True)),
    ],
    ",",
)
R_TABLE = wide([], separator=" ")  # write.table: the column of row names has no header
QUOTED = tall(['""'], [f'"{s}"' for s in SAMPLES], [f'"{t}"' for t in TAXA], ",")


def written(path, content):
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return path


def agrees(table, samples=SAMPLES, taxa=TAXA):
    assert table.sample_ids.tolist() == list(samples)
    assert table.taxa.tolist() == list(taxa)
    np.testing.assert_array_equal(table.counts.toarray(), COUNTS)
