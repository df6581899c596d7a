"""Made-up RNA: sequences of hairpins, with the structure that they were drawn from."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from sklearn_reasoning._support.random_state import independent_random_state
from sklearn_reasoning.rna import format_dot_bracket

_CONSTRAINTS: dict[str, list[Any]] = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_hairpins": [Interval(Integral, 1, None, closed="left")],
    "pseudoknots": ["boolean"],
    "random_state": ["random_state"],
}

_PAIRS = ("GC", "CG", "AU", "UA", "GU")
_OF_PAIRS = (0.38, 0.38, 0.1, 0.1, 0.04)
_BASES = ("A", "C", "G", "U")
# Loops are mostly of A, as many real ones are.
_OF_BASES = (0.7, 0.1, 0.1, 0.1)


def make_hairpins(
    n_samples: int = 100,
    n_hairpins: int = 2,
    *,
    pseudoknots: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[list[str], list[str]]:
    """Generate sequences of hairpins, and their structures.

    A helix of 4 to 7 pairs closes a loop of 4 to 7 bases, and 1 to 4 bases stand between hairpins
    and at both ends. Helices are mostly of C and G, loops mostly of A. The structure is the one
    that was drawn; nothing says that the sequence has no better one.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.
    n_hairpins : int, default=2
        Largest number of hairpins of a sequence; 1 or more are drawn with equal probability.
    pseudoknots : bool, default=False
        Whether the loop of the first hairpin pairs with bases behind all others, by a helix of 3
        pairs.
    random_state : int, RandomState instance or None, default=None
        Seeds the draws; None takes fresh entropy.

    Returns
    -------
    sequences : list of str
        In A, C, G and U.
    structures : list of str
        Dot-bracket strings.

    Raises
    ------
    ValueError
        If a parameter is outside its domain.

    Examples
    --------
    >>> sequences, structures = make_hairpins(2, random_state=0)
    >>> print(sequences[1])
    CGACAGCGUAAACAAAACGCUGUAA
    >>> print(structures[1])
    ..(((((((.......)))))))..
    """
    validate_parameter_constraints(_CONSTRAINTS, dict(locals()), caller_name="make_hairpins")
    rng = independent_random_state(random_state)
    drawn = [_draw(rng, int(n_hairpins), bool(pseudoknots)) for _ in range(int(n_samples))]
    sequences = [sequence for sequence, _ in drawn]
    return sequences, [format_dot_bracket(pairs, len(sequence)) for sequence, pairs in drawn]


def _draw(
    rng: np.random.RandomState, n_hairpins: int, pseudoknot: bool
) -> tuple[str, list[tuple[int, int]]]:
    letters: list[str] = _loop(rng, 1, 4)
    pairs: list[tuple[int, int]] = []
    loops = []
    for _ in range(rng.randint(1, n_hairpins + 1)):
        helix = rng.choice(len(_PAIRS), size=rng.randint(4, 8), p=_OF_PAIRS)
        inside = _loop(rng, 5, 7) if pseudoknot else _loop(rng, 4, 7)
        first, last = len(letters), len(letters) + 2 * len(helix) + len(inside) - 1
        loops.append(first + len(helix))
        letters += [_PAIRS[pair][0] for pair in helix]
        letters += inside
        letters += [_PAIRS[pair][1] for pair in helix[::-1]]
        pairs += [(first + step, last - step) for step in range(len(helix))]
        letters += _loop(rng, 1, 4)
    if pseudoknot:
        # From the second base of the loop on: a helix needs room to turn.
        first = loops[0] + 1
        helix = rng.choice(2, size=3)
        for step, pair in enumerate(helix):
            letters[first + step] = _PAIRS[pair][0]
            pairs.append((first + step, len(letters) + 2 - step))
        letters += [_PAIRS[pair][1] for pair in helix[::-1]] + _loop(rng, 1, 4)
    return "".join(letters), sorted(pairs)


def _loop(rng: np.random.RandomState, shortest: int, longest: int) -> list[str]:
    size = rng.randint(shortest, longest + 1)
    return [_BASES[base] for base in rng.choice(len(_BASES), size=size, p=_OF_BASES)]
