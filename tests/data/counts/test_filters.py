"""Steps from a file's table to the fitted one: what is left, what is told, and what stays of depth."""

from __future__ import annotations

import numpy as np
import pytest

from latentia.data.counts.filters import Filters, collapsed
from latentia.data.counts.table import CountTable
from latentia.data.counts.taxonomy import Taxonomy
from latentia.errors import ConfigError, DataError

LINEAGES = {
    "a": "k__Bacteria; p__F; c__; o__; f__Lachnospiraceae; g__Clostridium",
    "b": "k__Bacteria; p__F; c__; o__; f__Lachnospiraceae; g__Clostridium",
    "c": "k__Bacteria; p__F; c__; o__; f__Clostridiaceae; g__Clostridium",
    "d": "k__Bacteria; p__F; c__; o__; f__Clostridiaceae; g__",
    "e": "k__Bacteria; p__B",
}


@pytest.fixture
def table():
    counts = [[5, 1, 2, 0, 9, 0], [0, 0, 0, 0, 0, 0], [3, 0, 0, 7, 0, 0], [1, 0, 0, 0, 99, 0]]
    names = [f"s{i}" for i in range(4)]
    return CountTable.of(counts, names, list("abcdef"), taxonomy=Taxonomy.of(LINEAGES))


def told(table):
    return [(step.name, step.samples, step.taxa, step.reads) for step in table.steps]


def test_samples_without_reads_and_taxa_without_reads_go_and_are_named(table):
    found = Filters().apply(table)
    assert told(found) == [
        ("read", 4, 6, 127),
        ("samples without reads", 3, 6, 127),
        ("taxa without reads", 3, 5, 127),
    ]
    assert found.steps[1].note == "dropped s1"
    assert found.sample_ids.tolist() == ["s0", "s2", "s3"]


def test_two_genera_of_one_name_stay_two(table):
    genus = collapsed(table, "genus")
    assert genus.taxa.tolist() == [
        "Clostridium (F Lachnospiraceae)", "Clostridium (F Clostridiaceae)", "unclassified Clostridiaceae", "unclassified B",
        "unclassified",
    ]  # fmt: skip
    assert genus.counts.toarray()[0].tolist() == [6, 2, 0, 9, 0]
    assert genus.steps[-1].note == "3 taxa have no genus"
    family = collapsed(table, "Family")
    assert family.taxa.tolist() == ["Lachnospiraceae", "Clostridiaceae", "unclassified B", "unclassified"]
    assert family.counts.sum() == table.counts.sum()


def test_rare_taxa_become_other_and_depth_stays(table):
    found = Filters(min_prevalence=0.5).apply(table)
    assert found.taxa.tolist() == ["a", "e", "other"]
    np.testing.assert_array_equal(found.depth, [17, 10, 100])
    assert found.counts.toarray()[:, 2].tolist() == [3, 7, 0]
    both = Filters(min_prevalence=0.5, min_abundance=0.35).apply(table)
    assert both.taxa.tolist() == ["e", "other"]
    np.testing.assert_array_equal(both.depth, [17, 10, 100])
    dropped = Filters(min_prevalence=0.5, drop_rare=True).apply(table)
    assert dropped.taxa.tolist() == ["a", "e"]
    np.testing.assert_array_equal(dropped.depth, [14, 3, 100])


def test_depth_and_rarefaction(table):
    assert Filters(min_depth=15).apply(table).sample_ids.tolist() == ["s0", "s3"]
    found = Filters(rarefy=10).apply(table)
    np.testing.assert_array_equal(found.depth, [10, 10, 10])
    again = Filters(rarefy=10).apply(table)
    np.testing.assert_array_equal(found.counts.toarray(), again.counts.toarray())
    assert (
        found.counts.toarray() <= table.counts.toarray()[[0, 2, 3]][:, [0, 1, 2, 3, 4]][:, : found.shape[1]]
    ).all() or found.shape[1] < 5


def test_what_leaves_nothing_is_refused(table):
    with pytest.raises(DataError, match=r"1 samples and .* are left"):
        Filters(min_depth=50).apply(table)
    with pytest.raises(ConfigError, match=r"--min-prevalence 60"):
        Filters(min_prevalence=60)
    with pytest.raises(DataError, match=r"ranks Kingdom, Phylum, Class, Order, Family, Genus"):
        Filters(rank="Species").apply(table)
    with pytest.raises(DataError, match=r"give --taxonomy FILE"):
        Filters(rank="Genus").apply(CountTable.of([[1, 2], [3, 4]], "ab", "cd"))


def test_global_patterns_by_prevalence(real_data):
    table = CountTable.read(real_data("microbiome") / "microbiome/globalpatterns/counts.csv.gz")
    assert Filters(min_prevalence=0.6, drop_rare=True).apply(table).shape == (26, 1045)
    with_other = Filters(min_prevalence=0.6).apply(table)
    assert with_other.shape == (26, 1046)
    np.testing.assert_array_equal(with_other.depth, table.depth)
