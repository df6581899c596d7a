"""ArchiveII: RNA sequences with known structures, from a file that the user names."""

import csv
import gzip
import os
import zlib
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from sklearn_reasoning.rna import read_structures

_COLUMNS = ("id", "family", "sequence", "pairs")

_PARAMETER_CONSTRAINTS: dict[str, list[Any]] = {
    "path": [str, os.PathLike],
    "family": [str, "array-like", None],
    "max_length": [Interval(Integral, 1, None, closed="left"), None],
}

_WHERE_TO_GET_IT = (
    "It is a table with the columns id, family, sequence and pairs ('i-j' from 0 on, with spaces "
    "between), comma-separated, plain or compressed by gzip. This package neither ships nor "
    "downloads it."
)

_DESCR = """\
ArchiveII
---------

Sequences: RNA of nine families, with the structures that comparison of sequences and experiments
    gave. 3,353 distinct ones of 28 to 510 bases, pseudoknots included.
Families: 5S ribosomal RNA, signal recognition particle, tRNA, ribonuclease P, tmRNA, group I
    introns, 16S and 23S ribosomal RNA in domains, telomerase RNA.

Source: M. F. Sloma and D. H. Mathews, "Exact calculation of loop formation probability identifies
    folding motifs in RNA secondary structures", RNA 22(12), 2016.
Licence: not stated by those who distribute it. Neither the collection nor models trained on it are
    part of this package.
"""


def load_archiveii(
    path: str | os.PathLike[str],
    *,
    family: Any = None,
    max_length: int | None = None,
) -> Bunch:
    r"""Load ArchiveII, RNA sequences with known structures, from a table.

    It is not part of this package and is not downloaded: ``path`` is where you keep it.

    Parameters
    ----------
    path : str or path-like
        A comma-separated table with the columns ``id``, ``family``, ``sequence`` and ``pairs``
        ("i-j" with 0 as the first base, separated by spaces); compressed, if it ends in ``.gz``.
    family : str, list of str or None, default=None
        The families to keep; None keeps all.
    max_length : int or None, default=None
        The largest number of bases to keep; None keeps all.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        With the attributes

        sequences : list of str
            Letters of the bases.
        structures : list of ndarray of int of shape (m, 2)
            Pairs i < j, counted from 0.
        families : ndarray of str
            Of each sequence.
        ids : ndarray of str
            Names, as in the table.
        DESCR : str
            Description, source and licence.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a parameter is outside its domain, the file is no such table, or nothing is kept.

    Examples
    --------
    >>> import os, tempfile
    >>> from sklearn_reasoning.datasets import load_archiveii
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "archiveii.csv")
    ...     with open(path, "w") as file:
    ...         _ = file.write("id,family,sequence,pairs\none,tRNA,GGGAAACCC,0-8 1-7\n")
    ...     data = load_archiveii(path, max_length=128)
    >>> data.sequences, data.structures[0].tolist()
    (['GGGAAACCC'], [[0, 8], [1, 7]])
    """
    validate_parameter_constraints(
        _PARAMETER_CONSTRAINTS, dict(locals()), caller_name="load_archiveii"
    )
    rows = _read(Path(path))
    found = sorted({row["family"] for row in rows})
    wanted = found if family is None else [family] if isinstance(family, str) else list(family)
    if unknown := [name for name in wanted if name not in found]:
        raise ValueError(f"family={unknown[0]!r} is none of {found}.")
    kept = [
        row
        for row in rows
        if row["family"] in wanted and (max_length is None or len(row["sequence"]) <= max_length)
    ]
    if not kept:
        raise ValueError(f"max_length={max_length!r} leaves no sequences of {wanted}.")
    sequences = [row["sequence"] for row in kept]
    pairs = [_pairs(row) for row in kept]
    return Bunch(
        sequences=sequences,
        structures=read_structures(pairs, map(len, sequences)),
        families=np.array([row["family"] for row in kept]),
        ids=np.array([row["id"] for row in kept]),
        DESCR=_DESCR,
    )


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        raise FileNotFoundError(f"path={str(path)!r} does not exist. {_WHERE_TO_GET_IT}")
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (gzip.BadGzipFile, zlib.error, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"path={str(path)!r} is no such table: {error}. {_WHERE_TO_GET_IT}"
        ) from None
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing or not rows:
        raise ValueError(
            f"path={str(path)!r} has no rows or not the columns {list(_COLUMNS)}. "
            f"{_WHERE_TO_GET_IT}"
        )
    return rows


def _pairs(row: dict[str, str]) -> list[list[int]]:
    try:
        pairs = [[int(end) for end in pair.split("-")] for pair in (row["pairs"] or "").split()]
    except ValueError:
        pairs = [[]]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"The pairs of {row['id']!r} are not like '0-110 1-109'.")
    return pairs
