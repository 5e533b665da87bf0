"""Tables: which columns are what, and what is refused with its row and column."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from latentia.data import load
from latentia.errors import ConfigError, DataError


def write(path, text):
    path.write_text(text)
    return path


def whole(data):
    """All rows of the three parts in the order of their sources."""
    parts = (data.train, data.validation, data.test)
    x = np.concatenate([part.x for part in parts])
    y = None if data.train.y is None else np.concatenate([part.y for part in parts])
    return x, y


def rows_of(data):
    return sorted(map(tuple, whole(data)[0].tolist()))


def test_wine_written_to_disk_comes_back(tmp_path):
    from sklearn.datasets import load_wine

    wine = load_wine(as_frame=True)
    path = tmp_path / "wine.csv"
    wine.frame.assign(target=wine.target_names[wine.target]).to_csv(path, index=False)
    data = load(path)
    assert data.feature_names == tuple(wine.feature_names)
    assert data.class_names == tuple(wine.target_names)
    assert data.train.x.dtype == np.float64
    assert not data.is_image
    assert data.event_shape == (13,)
    assert rows_of(data) == sorted(map(tuple, wine.data.to_numpy().tolist()))  # to the last bit
    x, y = whole(data)
    expected = {
        tuple(row): label for row, label in zip(wine.data.to_numpy().tolist(), wine.target, strict=True)
    }
    assert [expected[tuple(row)] for row in x.tolist()] == y.tolist()


@pytest.mark.parametrize(
    ("suffix", "separator"), [(".csv", ","), (".csv", ";"), (".tsv", "\t"), (".csv.gz", ",")]
)
def test_kinds_of_file(tmp_path, suffix, separator):
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5, 4.5], "b": [1, 2, 3, 4]})
    path = tmp_path / f"table{suffix}"
    frame.to_csv(path, sep=separator, index=False)
    data = load(path)
    assert data.feature_names == ("a", "b")
    assert rows_of(data) == [(1.5, 1), (2.5, 2), (3.5, 3), (4.5, 4)]


@pytest.mark.parametrize(
    ("text", "features", "rows", "names", "classes"),
    [
        ("a,b\n1,2\n3,4\n5,6\n", ("a", "b"), [(1, 2), (3, 4), (5, 6)], None, None),
        ("1,2\n3,4\n5,6\n", None, [(1, 2), (3, 4), (5, 6)], None, None),
        ("sample,7,9\ns1,1,2\ns2,3,4\ns3,5,6\n", ("7", "9"), [(1, 2), (3, 4), (5, 6)], "s1 s2 s3", None),
        ("s1,1,2\ns2,3,4\ns3,5,6\n", None, [(1, 2), (3, 4), (5, 6)], "s1 s2 s3", None),
        ("a,b\ns1,1,2\ns2,3,4\ns3,5,6\n", ("a", "b"), [(1, 2), (3, 4), (5, 6)], "s1 s2 s3", None),
        (",a,b\n0,1,2\n1,3,4\n2,5,6\n", ("a", "b"), [(1, 2), (3, 4), (5, 6)], "0 1 2", None),
        ("a,Species\n1,u\n2,v\n3,u\n", ("a",), [(1,), (2,), (3,)], None, ("u", "v")),
        ("group,a\nu,1\nv,2\nw,3\n", ("a",), [(1,), (2,), (3,)], None, ("u", "v", "w")),
        ('"a ""q""","b,c"\n1,2\n3,4\n5,6\n', ('a "q"', "b,c"), [(1, 2), (3, 4), (5, 6)], None, None),
        ("\ufeffa,b\r\n1,2\r\n3,4\r\n5,6\r\n", ("a", "b"), [(1, 2), (3, 4), (5, 6)], None, None),
        ("a,flag\n1,True\n2,False\n3,True\n", ("a", "flag"), [(1, 1), (2, 0), (3, 1)], None, None),
    ],
)
def test_what_columns_are(tmp_path, text, features, rows, names, classes):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    data = load(path)
    assert data.feature_names == features
    assert rows_of(data) == rows
    assert data.train.x.dtype == np.int64
    found = [part.names for part in (data.train, data.validation, data.test)]
    assert (None if found[0] is None else " ".join(sorted(np.concatenate(found)))) == names
    assert data.class_names == classes


def test_names_stay_with_their_rows(tmp_path):
    path = tmp_path / "t.csv"
    pd.DataFrame({"sample": [f"s{i}" for i in range(50)], "a": range(50), "b": range(50)}).to_csv(
        path, index=False
    )
    data = load(path)
    for part in (data.train, data.validation, data.test):
        assert part.names.tolist() == [f"s{value}" for value in part.x[:, 0]]


def test_label_column_by_name_and_place(tmp_path):
    path = write(tmp_path / "t.csv", "a,target\n1.5,3\n2.5,5\n3.5,3\n4.5,5\n")
    plain = load(path)
    assert plain.feature_names == ("a", "target")
    assert "label_column='target'" in plain.source
    for which in ("target", 1, -1):
        data = load(path, label_column=which)
        assert data.feature_names == ("a",)
        assert data.class_names == ("3", "5")
        x, y = whole(data)
        assert dict(zip(x[:, 0].tolist(), y.tolist(), strict=True)) == {1.5: 0, 2.5: 1, 3.5: 0, 4.5: 1}
    iris = write(tmp_path / "iris.csv", "5.1,setosa\n4.9,setosa\n6.1,virginica\n")
    assert load(iris, label_column=1).class_names == ("setosa", "virginica")
    with pytest.raises(DataError, match="no column 'c'; its columns: a, target"):
        load(path, label_column="c")
    with pytest.raises(DataError, match="2 columns; label_column=7"):
        load(path, label_column=7)


def test_whole_numbers_beyond_int64_become_floats(tmp_path):
    data = load(write(tmp_path / "t.csv", "a\n1\n2\n18446744073709551615\n"))
    assert rows_of(data) == [(1.0,), (2.0,), (2.0**64,)]


def test_constant_columns_stay(tmp_path):
    data = load(write(tmp_path / "t.csv", "a,b\n1,0\n2,0\n3,0\n"))
    assert data.feature_names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3,4\n-inf,6\n", "row 3, column 'a' is -inf"),
        ("a,b\n1,2\n3,4x\n5,6\n", "row 2, column 'b' holds '4x' where a number"),
        ("a,b\n1,2\noops,4\n5,6\n", "row 2, column 'a' holds 'oops'"),
        ("1,2\n3,oops\n5,6\n", "row 2, column '2' holds 'oops'"),
        ("a,b\n1,2\n3,4,5\n5,6\n", "(?i)line 3"),
        ("a,b\n1,2,3,4\n5,6,7,8\n", "row 1 has 4 cells but the header names 2 columns"),
        ("a,b\n", "no rows"),
        ("", "empty"),
        ("a,b\n1,2\n", "1 row"),
        ("a,b\n1,2\n3,4\n", "2 rows .*at least 3"),
        ("a,label\n1,u\n2,\n3,v\n", "label of row 2 is missing"),
        ("sample\ns1\ns2\ns3\n", "no column of features: sample: names of rows"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    path = write(tmp_path / "t.csv", text)
    with pytest.raises(DataError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_undecodable_and_truncated_tables(tmp_path):
    latin = tmp_path / "latin.csv"
    latin.write_bytes("größe,b\n1,2\n3,4\n5,6\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.csv"):
        load(latin)
    rng = np.random.default_rng(0)
    text = "a,b\n" + "\n".join(f"{u},{v}" for u, v in rng.random((500, 2)))
    packed = gzip.compress(text.encode())
    cut = tmp_path / "cut.csv.gz"
    for keep in (5, len(packed) // 2, len(packed) - 4):
        cut.write_bytes(packed[:keep])
        with pytest.raises(DataError, match=r"cut\.csv\.gz"):
            load(cut)
    plain = tmp_path / "plain.csv.gz"
    plain.write_text(text)
    with pytest.raises(DataError, match=r"plain\.csv\.gz"):
        load(plain)


def test_parquet_table(tmp_path):
    path = tmp_path / "t.parquet"
    frame = pd.DataFrame({"a": [1.5, 2.5, 3.5, 4.5], "b": [1, 2, 3, 4], "species": list("uvuv")})
    frame.to_parquet(path)
    data = load(path)
    assert data.feature_names == ("a", "b")
    assert data.class_names == ("u", "v")
    named = frame.set_index(pd.Index(["r1", "r2", "r3", "r4"], name="who"))
    named.to_parquet(path)
    data = load(path)
    assert data.feature_names == ("a", "b")
    assert set(data.train.names) <= {"r1", "r2", "r3", "r4"}
    frame.loc[2, "a"] = np.inf
    frame.to_parquet(path)
    with pytest.raises(DataError, match="row 3, column 'a' is inf"):
        load(path)
    content = path.read_bytes()
    for keep in (0, 3, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        with pytest.raises(DataError, match=r"t\.parquet"):
            load(path)


def test_parquet_of_lists_and_nullable_integers(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64"), "b": [1, 2, 3]}).to_parquet(path)
    x = load(path).whole().train.x
    assert [column.kind for column in x.columns] == ["number", "number"]
    assert np.isnan(x.values[:, 0]).sum() == 1
    pd.DataFrame({"a": [[1, 2], [3, 4], [5, 6]], "b": [1, 2, 3]}).to_parquet(path)
    with pytest.raises(DataError, match="column 'a'"):
        load(path)
    pd.DataFrame({"a": pd.to_datetime(["2020-01-01"] * 3), "b": [1, 2, 3]}).to_parquet(path)
    assert [column.kind for column in load(path).train.x.columns] == ["date", "number"]


def test_parameters_are_checked(tmp_path):
    path = write(tmp_path / "t.csv", "a,b\n1,2\n3,4\n5,6\n")
    for bad in ({"validation_fraction": 0.0}, {"test_fraction": 1.0}, {"seed": -1}, {"image_size": 0}):
        with pytest.raises(ConfigError, match=next(iter(bad))):
            load(path, **bad)
    with pytest.raises(ConfigError, match="leave no row"):
        load(path, validation_fraction=0.5, test_fraction=0.5)
    with pytest.raises(DataError, match="image_size is for images"):
        load(path, image_size=8)


def test_unreadable_and_unknown_files(tmp_path):
    odd = write(tmp_path / "t.xlsx", "x")
    with pytest.raises(DataError, match=r"'\.xlsx' cannot be read; expected \.npy"):
        load(odd)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="no images"):
        load(tmp_path / "folder.csv")
