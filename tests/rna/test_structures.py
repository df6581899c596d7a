"""Dot-brackets, pairs, letters and files: there and back, and what is wrong by its place."""

import numpy as np
import pytest

from sklearn_reasoning.rna import (
    Record,
    allowed_pairs,
    encode,
    format_dot_bracket,
    pair_f1,
    parse_dot_bracket,
    read_ct,
    read_dot_bracket,
    read_fasta,
    read_structures,
    write_ct,
    write_dot_bracket,
    write_fasta,
)


def random_pairs(rng, n):
    order = rng.permutation(n)[: 2 * int(rng.integers(0, n // 2))]
    return np.array(sorted(sorted(pair) for pair in order.reshape(-1, 2).tolist())).reshape(-1, 2)


def test_any_pairs_come_back_from_their_string():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(rng.integers(2, 40))
        pairs = random_pairs(rng, n)
        text = format_dot_bracket(pairs.astype(int), n)
        assert len(text) == n
        np.testing.assert_array_equal(parse_dot_bracket(text), pairs)


def test_nested_pairs_have_round_brackets_only():
    assert format_dot_bracket([[0, 9], [1, 4], [5, 8]], 10) == "((..)(..))"


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        ("(..", "'(' at position 0 is never closed"),
        ("..)", "')' at position 2 closes no bracket"),
        ("([)", "'[' at position 1 is never closed"),
        (".x.", "'x' at position 1 closes no bracket"),
        (".?.", "'?' at position 1 is neither"),
        ("....", "has 4 letters, its sequence 3"),
        ([[0, 3]], "the pair (0, 3) does not have"),
        ([[2, 1]], "the pair (2, 1) does not have"),
        ([[0, 1], [1, 2]], "the base 1 is paired twice"),
        ([[0.5, 1.0]], "must be whole numbers of shape (m, 2), got float64 of (1, 2)"),
        ([[0.0, np.nan]], "must be whole numbers"),
        ([[0.0, np.inf]], "the pair (0.0, inf) does not have"),
        ([0, 1], "of shape"),
    ],
)
def test_wrong_structures_are_named_by_their_index(structure, message):
    with pytest.raises(ValueError, match=r"^structures\[1\]: ") as caught:
        read_structures(["...", structure], [3, 3])
    assert message in str(caught.value)


def test_whole_numbers_in_floats_are_pairs():
    (pairs,) = read_structures([np.array([[1.0, 7.0], [0.0, 8.0]])], [9])
    assert pairs.dtype == np.intp
    assert pairs.tolist() == [[0, 8], [1, 7]]
    assert format_dot_bracket([[0.0, 8.0]], 9) == "(.......)"


def test_more_crossing_pairs_than_brackets():
    n = 64
    pairs = [[i, i + 32] for i in range(31)]
    with pytest.raises(ValueError, match="more than 30 layers"):
        format_dot_bracket(pairs, n)
    assert len(parse_dot_bracket(format_dot_bracket(pairs[:30], n))) == 30


def test_letters():
    (codes,) = encode(["acgUtN"])
    assert codes.tolist() == [0, 1, 2, 3, 3, 4]
    with pytest.raises(ValueError, match=r"sequences\[1\] has 'N' at position 2, a base that"):
        encode(["ACG", "ACN"], unknown="refuse")
    with pytest.raises(ValueError, match=r"sequences\[1\] has 'X' at position 0, which is no"):
        encode(["ACG", "XC"])
    with pytest.raises(ValueError, match=r"sequences\[0\] has '\u20ac' at position 1"):
        encode(["A\u20ac"])
    with pytest.raises(ValueError, match=r"sequences\[0\] is empty"):
        encode([""])
    with pytest.raises(TypeError, match=r"sequences\[0\] is a int"):
        encode([3])


def test_allowed_pairs():
    (codes,) = encode(["GAAAUNNNC"])
    allowed = [tuple(pair) for pair in np.argwhere(np.triu(allowed_pairs(codes)))]
    assert allowed == [(0, 4), (0, 8)]


def test_f1_of_pairs():
    assert pair_f1([], []) == 1.0
    assert pair_f1([[0, 5]], []) == 0.0
    assert pair_f1([[0, 5], [1, 4]], [[1, 4], [0, 5]]) == 1.0


RECORDS = [
    Record("one, with a comma", "GGGAAACCC", np.array([[0, 8], [1, 7], [2, 6]])),
    Record("two", "ACGU" * 30, np.array([[0, 50], [10, 60]])),
    Record("three", "ACG", np.zeros((0, 2), dtype=int)),
]


@pytest.mark.parametrize(
    ("write", "read"), [(write_dot_bracket, read_dot_bracket), (write_ct, read_ct)]
)
def test_files_with_structures_come_back(tmp_path, write, read):
    write(tmp_path / "file", RECORDS)
    for record, found in zip(RECORDS, read(tmp_path / "file"), strict=True):
        assert record[:2] == found[:2]
        np.testing.assert_array_equal(record.pairs, found.pairs)


def test_fasta_comes_back(tmp_path):
    write_fasta(tmp_path / "file", RECORDS)
    assert [record[:2] for record in read_fasta(tmp_path / "file")] == [r[:2] for r in RECORDS]


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (read_fasta, "ACGU\n", "line 1: 'ACGU' has no name above"),
        (read_fasta, ">one\n>two\nACG\n", "'one' has no sequence"),
        (read_dot_bracket, ">one\nACG\n", "'one' has 1 lines"),
        (read_dot_bracket, ">one\nACG\n..\n", "'one' has 3 bases and a structure of 2"),
        (read_dot_bracket, ">one\nACG\n.).\n", r"'one': '\)' at position 1"),
        (read_ct, "x y\n", "line 1: 'x y' does not begin"),
        (read_ct, "3 name\n1 A 0 2 0 1\n", "3 bases are announced, and 1 lines"),
        (read_ct, "1 name\n1 A\n", "without a base and a partner"),
        (read_ct, "2 name\n1 A 0 2 2 1\n2 U 1 0 0 2\n", "do not agree"),
    ],
)
def test_wrong_files(tmp_path, read, content, message):
    (tmp_path / "file").write_text(content)
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "file")


def test_an_energy_behind_a_structure_is_passed_over(tmp_path):
    (tmp_path / "file").write_text(">one\nGGGAAACCC\n(((...))) (-1.20)\n")
    assert read_dot_bracket(tmp_path / "file")[0].pairs.tolist() == [[0, 8], [1, 7], [2, 6]]
