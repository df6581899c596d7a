"""Sequences and structures of RNA: letters, pairs, dot-brackets, files."""

from ._decode import decode_pairs
from ._files import (
    Record,
    ct_lines as ct_lines,
    dot_bracket_lines as dot_bracket_lines,
    read_ct,
    read_dot_bracket,
    read_fasta,
    write_ct,
    write_dot_bracket,
    write_fasta,
)
from ._sequences import (
    BASES as BASES,
    LEAST_SPAN as LEAST_SPAN,
    UNKNOWN as UNKNOWN,
    allowed_pairs as allowed_pairs,
    allowed_pairs_of_batch as allowed_pairs_of_batch,
    encode as encode,
)
from ._structures import (
    check_pairs as check_pairs,
    format_dot_bracket,
    pair_f1,
    parse_dot_bracket,
    read_structures as read_structures,
)

__all__ = [
    "Record",
    "decode_pairs",
    "format_dot_bracket",
    "pair_f1",
    "parse_dot_bracket",
    "read_ct",
    "read_dot_bracket",
    "read_fasta",
    "write_ct",
    "write_dot_bracket",
    "write_fasta",
]
