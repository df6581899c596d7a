"""Every error that matchings and structures are said to raise, asked for.

A row is a public name, an error of its Raises section, a part of the message, and a call.
"""

from functools import partial

import pytest
import torch

from sklearn_reasoning import rna
from sklearn_reasoning.matching import DualMatching, MatchingLayer


def written(folder, content="ACGU"):
    (folder / "file").write_text(content)
    return folder / "file"


def rows():
    yield "DualMatching", "ValueError", "square", partial(DualMatching, torch.zeros(2, 3))
    yield "MatchingLayer", "ValueError", "algo='cg'", partial(MatchingLayer, "cg")
    yield "MatchingLayer", "TypeError", "k=0.5", partial(MatchingLayer, k=0.5)
    yield "decode_pairs", "ValueError", "square", partial(rna.decode_pairs, [[1.0, 2.0]])
    yield "parse_dot_bracket", "ValueError", "closes", partial(rna.parse_dot_bracket, ")")
    yield "format_dot_bracket", "ValueError", "i < j", partial(rna.format_dot_bracket, [[1, 0]], 2)
    for name in ("read_fasta", "read_dot_bracket", "read_ct"):
        read = getattr(rna, name)
        yield name, "OSError", "none", lambda folder, read=read: read(folder / "none")
        yield name, "ValueError", "line 1", lambda folder, read=read: read(written(folder))


ROWS = [*rows()]


@pytest.mark.parametrize(("name", "error", "part", "call"), ROWS, ids=[row[0] for row in ROWS])
def test_error(name, error, part, call, provoke):
    provoke(error, part, call)


def test_every_documented_error_is_asked_for(documented_errors):
    asked = {(name, error) for name, error, *_ in ROWS}
    assert asked == documented_errors("matching", "rna")
