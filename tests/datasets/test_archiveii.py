"""ArchiveII from a table of a few rows in its form: plain or compressed, in part or in whole."""

import gzip

import pytest

from sklearn_reasoning.datasets import load_archiveii

TABLE = """id,family,sequence,pairs
one,tRNA,GGGAAACCC,0-8 1-7
two,5s,GGGGAAAACCCC,
three,tRNA,GGGGAAAACCCCA,0-11
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


def test_plain_or_compressed(path, tmp_path):
    with gzip.open(tmp_path / "table.csv.gz", "wt") as file:
        file.write(TABLE)
    for of_file in (path, str(tmp_path / "table.csv.gz")):
        data = load_archiveii(of_file)
        assert data.sequences == ["GGGAAACCC", "GGGGAAAACCCC", "GGGGAAAACCCCA"]
        assert [pairs.tolist() for pairs in data.structures] == [[[0, 8], [1, 7]], [], [[0, 11]]]
        assert data.families.tolist() == ["tRNA", "5s", "tRNA"]
        assert data.ids.tolist() == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"family": "tRNA"}, ["one", "three"]),
        ({"family": ["tRNA", "5s"]}, ["one", "two", "three"]),
        ({"max_length": 12}, ["one", "two"]),
        ({"family": "tRNA", "max_length": 9}, ["one"]),
    ],
)
def test_a_part(path, options, ids):
    assert load_archiveii(path, **options).ids.tolist() == ids


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "trna"}, r"family='trna' is none of \['5s', 'tRNA'\]"),
        ({"max_length": 8}, "max_length=8 leaves no sequences"),
        ({"max_length": 0}, "max_length"),
    ],
)
def test_nothing_is_kept(path, options, message):
    with pytest.raises(ValueError, match=message):
        load_archiveii(path, **options)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TABLE.replace("0-11", "0:11"), "The pairs of 'three' are not like"),
        (TABLE.replace("0-11", "0-13"), r"structures\[2\]: the pair \(0, 13\)"),
        (TABLE.replace("family", "kind"), "not the columns"),
    ],
)
def test_a_wrong_table(path, content, message):
    path.write_text(content)
    with pytest.raises(ValueError, match=message):
        load_archiveii(path)
