"""Files of counts as any other data of the library."""

from __future__ import annotations

import numpy as np
import pytest

from count_files import COUNTS, SAMPLES, SHARED, TAXA, biom_json, tall, wide, written
from latentia.data.column import Column
from latentia.data.loading import load, read
from latentia.errors import DataError


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.biom", biom_json()),
        ("a.shared", SHARED),
        ("a.tsv", tall(["#OTU ID"], last="taxonomy")),
        ("a.txt.gz", tall(["Feature ID"])),
    ],
)
def test_any_model_reads_them_samples_as_items(name, content, tmp_path):
    path = written(tmp_path / name, content)
    raw = read(str(path))
    np.testing.assert_array_equal(raw.train.x.toarray(), COUNTS)
    assert raw.train.names.tolist() == SAMPLES
    assert raw.feature_names == tuple(TAXA)
    assert "taxa were" in raw.source
    some = read(str(path), columns=[Column(TAXA[3], "count"), Column(TAXA[1], "count")])
    np.testing.assert_array_equal(some.train.x.toarray(), COUNTS[:, [3, 1]])
    with pytest.raises(DataError, match=r"lacks the taxa Nobody"):
        read(str(path), columns=[Column("Nobody", "count")])
    with pytest.raises(DataError, match=r"label_column is for tables"):
        load(path, label_column="group")


def test_numbers_below_a_header_of_samples_are_names_in_any_table(tmp_path):
    ids = list(range(501, 501 + len(SAMPLES)))
    raw = read(str(written(tmp_path / "a.csv", wide(["sample"], ids, separator=","))))
    assert raw.feature_names == tuple(TAXA)
    assert raw.train.names.tolist() == [str(i) for i in ids]
