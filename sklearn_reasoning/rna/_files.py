"""Files of sequences and structures: FASTA, dot-bracket and CT."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._structures import check_pairs, format_dot_bracket, parse_dot_bracket

_Array = np.ndarray[Any, Any]
_PathLike = str | os.PathLike[str]

_BASES_A_LINE = 80


class Record(NamedTuple):
    """A sequence, its name, and its pairs where a file has them.

    Parameters
    ----------
    name : str
        What stands behind ">", or in the first line of a table.
    sequence : str
        Its letters.
    pairs : ndarray of int of shape (m, 2) or None, default=None
        Pairs i < j, counted from 0.

    Examples
    --------
    >>> Record("hairpin", "GGGAAACCC")
    Record(name='hairpin', sequence='GGGAAACCC', pairs=None)
    """

    name: str
    sequence: str
    pairs: _Array | None = None


def read_fasta(path: _PathLike) -> list[Record]:
    r"""Read the sequences of a FASTA file.

    Parameters
    ----------
    path : str or path-like
        A line that begins with ">" is a name; lines of letters follow it.

    Returns
    -------
    list of Record
        Without pairs. Letters are as they are in the file.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If letters stand before the first name, or a name has none; the message has the line.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "file")
    ...     with open(path, "w") as file:
    ...         _ = file.write(">one\nGGGAAA\nCCC")
    ...     read_fasta(path)
    [Record(name='one', sequence='GGGAAACCC', pairs=None)]
    """
    return [Record(name, "".join(lines)) for name, lines in _entries(path)]


def write_fasta(path: _PathLike, records: Iterable[Record]) -> None:
    """Write sequences to a FASTA file, 80 letters a line.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    records : iterable of Record
        Their pairs are left out.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "file")
    ...     write_fasta(path, [Record("one", "GGGAAACCC", [[0, 8], [1, 7]])])
    ...     read_fasta(path)
    [Record(name='one', sequence='GGGAAACCC', pairs=None)]
    """
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(f">{record.name}\n")
            for first in range(0, len(record.sequence), _BASES_A_LINE):
                file.write(f"{record.sequence[first : first + _BASES_A_LINE]}\n")


def read_dot_bracket(path: _PathLike) -> list[Record]:
    r"""Read a file of names, sequences and dot-bracket strings, a line each.

    Parameters
    ----------
    path : str or path-like
        What follows a dot-bracket string after a space, such as an energy, is passed over.

    Returns
    -------
    list of Record
        With pairs.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If a name is not followed by a sequence and a structure of the same length.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "file")
    ...     with open(path, "w") as file:
    ...         _ = file.write(">one\nGGGAAACCC\n(.......)")
    ...     read_dot_bracket(path)
    [Record(name='one', sequence='GGGAAACCC', pairs=array([[0, 8]]))]
    """
    records = []
    for name, lines in _entries(path):
        if len(lines) != 2:
            raise ValueError(
                f"{os.fspath(path)}: {name!r} has {len(lines)} lines; a sequence and a structure "
                "must follow its name."
            )
        sequence, structure = lines[0], lines[1].split()[0]
        if len(sequence) != len(structure):
            raise ValueError(
                f"{os.fspath(path)}: {name!r} has {len(sequence)} bases and a structure of "
                f"{len(structure)}."
            )
        try:
            records.append(Record(name, sequence, parse_dot_bracket(structure)))
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {name!r}: {error}.") from None
    return records


def write_dot_bracket(path: _PathLike, records: Iterable[Record]) -> None:
    """Write a file of names, sequences and dot-bracket strings, a line each.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    records : iterable of Record
        Those without pairs are written as unpaired.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "file")
    ...     write_dot_bracket(path, [Record("one", "GGGAAACCC", [[0, 8], [1, 7]])])
    ...     read_dot_bracket(path)
    [Record(name='one', sequence='GGGAAACCC', pairs=array([[0, 8],
           [1, 7]]))]
    """
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(dot_bracket_lines(record))


def dot_bracket_lines(record: Record) -> str:
    """Return the three lines of a record."""
    n = len(record.sequence)
    structure = format_dot_bracket([] if record.pairs is None else record.pairs, n)
    return f">{record.name}\n{record.sequence}\n{structure}\n"


def read_ct(path: _PathLike) -> list[Record]:
    r"""Read a connectivity table: a line of the length and the name, then one for each base.

    Parameters
    ----------
    path : str or path-like
        One table after another, as programs of RNA structure write them.

    Returns
    -------
    list of Record
        With pairs.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If a table is shorter than it says, or its partners do not agree; the message has the line.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "file")
    ...     with open(path, "w") as file:
    ...         _ = file.write("3 one\n1 A 0 2 0 1\n2 C 1 3 0 2\n3 G 2 0 0 3")
    ...     read_ct(path)
    [Record(name='one', sequence='ACG', pairs=array([], shape=(0, 2), dtype=int64))]
    """
    lines = [(number, line) for number, line in _lines(path) if not line.startswith("#")]
    records, first = [], 0
    while first < len(lines):
        number, header = lines[first]
        where = f"{os.fspath(path)}, line {number}"
        length, name = (*header.split(maxsplit=1), "")[:2]
        if not length.isdigit() or int(length) < 1:
            raise ValueError(f"{where}: {header!r} does not begin with a number of bases.")
        n = int(length)
        table = [line.split() for _, line in lines[first + 1 : first + 1 + n]]
        if len(table) < n:
            raise ValueError(f"{where}: {n} bases are announced, and {len(table)} lines follow.")
        records.append(_record_of(name, table, where))
        first += 1 + n
    return records


def _record_of(name: str, table: Sequence[Sequence[str]], where: str) -> Record:
    try:
        partner = np.array([int(fields[4]) for fields in table]) - 1
        sequence = "".join(fields[1] for fields in table)
    except (IndexError, ValueError):
        raise ValueError(f"{where}: the table has a line without a base and a partner.") from None
    place = np.arange(len(table))
    paired = partner >= 0
    if (partner >= len(table)).any() or (partner[partner[paired]] != place[paired]).any():
        raise ValueError(f"{where}: the partners of two bases do not agree.")
    first = paired & (place < partner)
    try:
        return Record(name, sequence, check_pairs(np.stack([place, partner], 1)[first], len(table)))
    except ValueError as error:
        raise ValueError(f"{where}: {error}.") from None


def write_ct(path: _PathLike, records: Iterable[Record]) -> None:
    """Write connectivity tables, one after another.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    records : iterable of Record
        Those without pairs are written as unpaired.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "file")
    ...     write_ct(path, [Record("one", "GGGAAACCC", [[0, 8], [1, 7]])])
    ...     read_ct(path)
    [Record(name='one', sequence='GGGAAACCC', pairs=array([[0, 8],
           [1, 7]]))]
    """
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(ct_lines(record))


def ct_lines(record: Record) -> str:
    """Return the connectivity table of a record."""
    n = len(record.sequence)
    partner = np.zeros(n, dtype=np.intp)
    for i, j in check_pairs([] if record.pairs is None else record.pairs, n).tolist():
        partner[i], partner[j] = j + 1, i + 1
    lines = [f"{n} {record.name}"]
    for i, (base, other) in enumerate(zip(record.sequence, partner, strict=True), 1):
        lines.append(f"{i} {base} {i - 1} {(i + 1) % (n + 1)} {other} {i}")
    return "\n".join(lines) + "\n"


def _lines(path: _PathLike) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, with their numbers."""
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def _entries(path: _PathLike) -> Iterator[tuple[str, list[str]]]:
    """Yield names and the lines that follow them."""
    name: str | None = None
    lines: list[str] = []
    for number, line in _lines(path):
        if line.startswith(">"):
            if name is not None:
                yield name, _not_empty(path, name, lines)
            name, lines = line[1:].strip(), []
        elif name is None:
            raise ValueError(f"{os.fspath(path)}, line {number}: {line[:20]!r} has no name above.")
        else:
            lines.append(line)
    if name is not None:
        yield name, _not_empty(path, name, lines)


def _not_empty(path: _PathLike, name: str, lines: list[str]) -> list[str]:
    if not lines:
        raise ValueError(f"{os.fspath(path)}: {name!r} has no sequence.")
    return lines
