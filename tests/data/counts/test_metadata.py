"""Metadata and taxonomies: ids as text, gaps, comments, types; joining by id, with what does not join."""

from __future__ import annotations

import numpy as np
import pytest

from latentia.data.counts.metadata import read_metadata
from latentia.data.counts.table import CountTable
from latentia.data.counts.taxonomy import Taxonomy, read_taxonomy
from latentia.errors import DataError


def put(path, text):
    path.write_text(text)
    return path


QIIME_2 = (
    "sample-id\tAge\tSite\n#q2:types\tnumeric\tcategorical\n007\t31\tgut\n08\t\tNA\n9\tnot collected\tskin\n"
)


def test_qiime_2_types_and_ids_as_text(tmp_path):
    about = read_metadata(put(tmp_path / "m.tsv", QIIME_2))
    assert about.frame.index.tolist() == ["007", "08", "9"]
    assert about.declared == {"Age": "numeric", "Site": "categorical"}
    assert about.frame["Age"].tolist() == ["31", "", "not collected"]


def test_qiime_1_mapping_file_with_comments(tmp_path):
    text = (
        "#SampleID\tBarcode\tTreatment\n#Example mapping file, of mice\nPC.1\tAA\tFast\n\nPC.2\tAC\tControl\n"
    )
    about = read_metadata(put(tmp_path / "map.txt", text))
    assert about.frame.index.tolist() == ["PC.1", "PC.2"]
    assert about.frame["Treatment"].tolist() == ["Fast", "Control"]


def test_r_table_with_unnamed_rows(tmp_path):
    about = read_metadata(put(tmp_path / "m.csv", '"age","site"\n"s1",3,"a, b"\n"s2",4,"c"\n'))
    assert about.frame.index.tolist() == ["s1", "s2"]
    assert about.frame["site"].tolist() == ["a, b", "c"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sample-id\ta\ns1\t1\ns2\t2\ns1\t3\n", "'s1' stands in lines 2 and 4"),
        ("sample-id\ta\ns1\t1\t2\n", "line 2 has 3 cells"),
        ("sample-id\ta\ta\ns1\t1\t2\n", "column 'a' twice"),
        ("sample-id\ta\n", "no rows"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_joined_is_refused(text, says, tmp_path):
    with pytest.raises(DataError, match=says):
        read_metadata(put(tmp_path / "m.tsv", text))


TABLE = "#OTU ID\ts1\ts2\ts3\nA\t1\t2\t3\nB\t4\t5\t6\n"


def test_the_join_is_told(tmp_path):
    meta = put(tmp_path / "m.tsv", "sample-id\tgroup\ns2\tx\ns1\tNA\ns9\ty\n")
    table = CountTable.read(put(tmp_path / "t.tsv", TABLE), metadata=str(meta))
    assert table.notes == (
        "2 of 3 samples are in the metadata; only in the table: s3; only in the metadata: s9",
    )
    assert table.column("group").tolist() == ["", "x", ""]
    with pytest.raises(DataError, match=r"its columns: group"):
        table.column("age")


def test_ids_in_other_letters_are_hinted_at(tmp_path):
    meta = put(tmp_path / "m.tsv", "sample-id\tgroup\nS1\tx\nS2\ty\n")
    with pytest.raises(DataError, match="differ in small and capital letters"):
        CountTable.read(put(tmp_path / "t.tsv", TABLE), metadata=str(meta))


def test_ids_that_r_has_changed_are_hinted_at(tmp_path):
    meta = put(tmp_path / "m.tsv", "sample-id\tgroup\n1-a\tx\n2-a\ty\n")
    path = put(tmp_path / "t.tsv", "#OTU ID\tX1.a\tX2.a\nA\t1\t2\nB\t4\t5\n")
    with pytest.raises(DataError, match=r"check.names = FALSE"):
        CountTable.read(path, metadata=str(meta))
    other = put(tmp_path / "n.tsv", "sample-id\tgroup\nfoo\tx\nbar\ty\n")
    with pytest.raises(
        DataError, match=r"no sample of .* the table has X1.a, X2.a, .* has foo, bar; give .* --id-column"
    ):
        CountTable.read(path, metadata=str(other))


def test_order_of_samples_is_the_tables(tmp_path, real_data):
    folder = real_data("microbiome") / "microbiome" / "biom"
    pytest.importorskip("biom")
    table = CountTable.read(
        folder / "moving-pictures.hdf5.biom", metadata=str(folder / "moving-pictures.metadata.tsv")
    )
    assert table.notes == ("34 of 34 samples are in the metadata",)
    first = {
        line.split("\t")[0]: line.split("\t")[3]
        for line in (folder / "moving-pictures.metadata.tsv").read_text().splitlines()
    }
    assert table.column("BodySite").tolist() == [first[name] for name in table.sample_ids.tolist()]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Feature ID\tTaxon\tConfidence\nx\tk__Bacteria; p__Firmicutes; c__Bacilli\t0.9\n", "qiime-2"),
        ("OTU\tSize\tTaxonomy\nx\t12\tBacteria(100);Firmicutes(99);Bacilli(80);\n", "mothur"),
        ("x\tk__Bacteria;p__Firmicutes;c__Bacilli\t0.9\n", "qiime-1"),
        (",Kingdom,Phylum,Class,Order\nx,Bacteria,Firmicutes,Bacilli,NA\n", "phyloseq"),
        ('"Domain","Phylum","Class"\n"x","Bacteria","Firmicutes","Bacilli"\n', "R"),
        ("Feature ID\tTaxon\nx\tD_0__Bacteria;D_1__Firmicutes;D_2__Bacilli\n", "silva"),
    ],
)
def test_taxonomies(text, name, tmp_path):
    told = Taxonomy.of(read_taxonomy(put(tmp_path / f"{name}.txt", text)))
    assert told.words("x") == "Bacteria; Firmicutes; Bacilli"
    assert told.name("x", "class") == "Bacilli"
    assert told.deepest("x") == ("Class", "Bacilli")


def test_a_taxonomy_of_other_taxa_is_refused(tmp_path):
    lineages = put(tmp_path / "tax.tsv", "Feature ID\tTaxon\nQ\tk__Bacteria\n")
    with pytest.raises(DataError, match=r"names none of the 2 taxa"):
        CountTable.read(put(tmp_path / "t.tsv", TABLE), taxonomy=str(lineages))
    some = put(tmp_path / "tax2.tsv", "Feature ID\tTaxon\nA\tk__Bacteria\n")
    assert (
        "1 taxa have no lineage in the taxonomy: B"
        in CountTable.read(tmp_path / "t.tsv", taxonomy=str(some)).notes
    )


def test_biom_written_is_read_again_by_others(tmp_path):
    import pandas as pd

    biom = pytest.importorskip("biom")
    table = CountTable.of(
        [[1, 0], [2, 3], [0, 9]], ["s1", "s2", "s3"], ["A", "B"], taxonomy=Taxonomy.of({"A": "k__Bacteria"})
    )
    table.write_biom(tmp_path / "t.biom", pd.DataFrame({"type": ["1", "2", "1"]}), "2025-01-01T00:00:00")
    read = biom.load_table(str(tmp_path / "t.biom"))
    np.testing.assert_array_equal(read.matrix_data.toarray(), table.counts.toarray().T)
    assert read.metadata("s2", "sample")["type"] == "2"
    assert read.metadata("A", "observation")["taxonomy"] == ["Bacteria"]
    np.testing.assert_array_equal(
        CountTable.read(tmp_path / "t.biom").counts.toarray(), table.counts.toarray()
    )
