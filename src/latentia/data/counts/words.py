"""Words by which the files of the field say what their rows, columns and cells are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Axis = Literal["samples", "taxa"]

TAXA_HEADERS = frozenset({
    "#otu id", "#otuid", "#otu_id", "otu id", "otuid", "otu_id", "otu", "#otu", "asv", "asv_id", "asv id", "asvid", "zotu", "zotu id", "feature id", "featureid",
    "feature-id", "feature_id", "#feature id", "#name", "clade_name", "#clade_name", "taxa", "taxon", "#taxa", "taxonomy",
    "kingdom", "domain", "phylum", "class", "order", "family", "genus", "species",
})  # fmt: skip
"""What stands above names of taxa: then rows are taxa."""

BIOM_HEADERS = frozenset(
    {"#otu id", "#otuid", "otu id", "feature id", "#feature id", "#name", "clade_name", "#clade_name"}
)
"""Those of them that stand above nothing but names of taxa, in any kind of table."""

SAMPLE_HEADERS = frozenset({
    "#sampleid", "#sample id", "#sample-id", "#sample_id", "sampleid", "sample id", "sample-id", "sample_id", "sample", "samples", "#sample",
    "sample name", "sample-name", "sample_name", "samplename", "id", "group", "run_accession",
})  # fmt: skip
"""What stands above names of samples: then rows are samples."""

OF_SAMPLES = frozenset({
    "age", "sex", "gender", "bmi", "weight", "height", "year", "month", "week", "day", "time", "timepoint", "visit", "plate", "batch", "run",
    "lane", "subject", "patient", "ph", "temperature", "salinity", "elevation", "altitude", "latitude", "longitude", "library size",
    "sequencing depth", "read depth", "depth", "n reads", "number of reads", "read count",
})  # fmt: skip
"""Names of columns that describe samples and are no taxa."""

SUMS = frozenset(
    {
        "total",
        "totals",
        "sum",
        "sums",
        "row sum",
        "row sums",
        "col sum",
        "col sums",
        "total reads",
        "total counts",
        "reads",
    }
)
"""Names of a column or row that may be the sum of all others."""

ID_HEADERS = frozenset({"", "name", "names", "rownames", "row.names", "row names", "index", "unnamed: 0"})
"""What stands above names of rows, whatever the rows are."""

TAXONOMY_HEADERS = frozenset({"taxonomy", "consensus lineage", "consensuslineage", "taxon", "lineage"})
"""What stands above lineages in a last column."""

RANKS = ("Kingdom", "Phylum", "Class", "Order", "Family", "Genus", "Species", "Strain")
_PREFIXES = {"d": "Kingdom", "k": "Kingdom", "p": "Phylum", "c": "Class", "o": "Order", "f": "Family", "g": "Genus", "s": "Species", "t": "Strain"}  # fmt: skip
_PREFIX = re.compile(r"^\s*(?:([dkpcofgst])|D_([0-7]))__(.*)$", re.DOTALL)
_LETTERS = {rank: letter for letter, rank in _PREFIXES.items()}
_SAID_OF_TAXA = re.compile(r"^(otu|asv|zotu|sv)[_-]?\d+$", re.IGNORECASE)

_MISSING = frozenset({
    "", "na", "nan", "n/a", "#n/a", "missing", "not applicable", "not collected", "not provided", "restricted access",
})  # fmt: skip


def is_missing(cell: str) -> bool:
    """Whether a cell of metadata says that there is no value.

    Example:
        >>> [is_missing(cell) for cell in ("NA", "not collected", " ", "none", "0")]
        [True, True, True, False, False]
    """
    return cell.strip().casefold() in _MISSING


def rank_of(name: str) -> str | None:
    """The rank that a word means, as `RANKS` has it.

    Example:
        >>> rank_of("genus"), rank_of("Domain"), rank_of("colour")
        ('Genus', 'Kingdom', None)
    """
    word = name.strip().casefold()
    if word in ("domain", "superkingdom"):
        return "Kingdom"
    return next((rank for rank in RANKS if rank.casefold() == word), None)


def prefixed(name: str) -> tuple[str, str] | None:
    """Rank and name of `g__Bacteroides` (or SILVA's `D_5__Bacteroides`); None for a name without such a prefix.

    Example:
        >>> prefixed("g__Bacteroides"), prefixed("s__"), prefixed("D_1__Firmicutes"), prefixed("Bacteroides")
        (('Genus', 'Bacteroides'), ('Species', ''), ('Phylum', 'Firmicutes'), None)
    """
    found = _PREFIX.match(name)
    if found is None:
        return None
    return _PREFIXES[found[1]] if found[1] else RANKS[int(found[2])], found[3].strip()


def with_prefix(rank: str, name: str) -> str:
    """A name with the prefix of its rank, unless it has one.

    Example:
        >>> with_prefix("Genus", "Bacteroides"), with_prefix("Genus", "g__Bacteroides")
        ('g__Bacteroides', 'g__Bacteroides')
    """
    return name if prefixed(name) else f"{_LETTERS[rank]}__{name}"


def is_lineage(name: str) -> bool:
    """Whether a name is one of a taxon by its looks: a lineage with prefixes of ranks, or a number behind OTU or ASV.

    Example:
        >>> [is_lineage(name) for name in ("k__Bacteria;p__Firmicutes", "Unassigned;__;__", "ASV12", "Bacteroides", "subject_1")]
        [True, True, True, False, False]
    """
    parts = re.split(r"[;|]", name)
    if _SAID_OF_TAXA.match(name.strip()):
        return True
    return prefixed(parts[0]) is not None or (
        len(parts) > 1 and any(part.strip().endswith("__") for part in parts)
    )


def axis_of(header: str) -> Axis | None:
    """What the rows below a first header are, if it tells.

    Example:
        >>> axis_of("#OTU ID"), axis_of("sample-id"), axis_of("")
        ('taxa', 'samples', None)
    """
    words = {" ".join(header.strip().casefold().split()), word_of(header)}
    if words & TAXA_HEADERS:
        return "taxa"
    return "samples" if words & SAMPLE_HEADERS else None


def word_of(header: str) -> str:
    """A header in small letters and single blanks, as programs spell it: R makes `X.OTU.ID` of `#OTU ID`.

    Example:
        >>> word_of("X.OTU.ID"), word_of("Sample_Name"), word_of("#SampleID")
        ('otu id', 'sample name', 'sampleid')
    """
    text = header.strip().casefold()
    text = text[2:] if text.startswith("x.") else text.lstrip("#")
    return " ".join(re.split(r"[\s._-]+", text)).strip()


def some(names: Iterable[str], most: int = 5) -> str:
    """The first names, and how many more there are.

    Example:
        >>> some("abcdefg")
        'a, b, c, d, e and 2 more'
    """
    all_names = list(names)
    told = ", ".join(all_names[:most])
    return told + (f" and {len(all_names) - most} more" if len(all_names) > most else "")
