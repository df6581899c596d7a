"""The paper's claims about figures 2 to 6, and what a study says of each.

Those about figure 7 are in ``denoising/_claims.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._certified import certified_convergence, find_algorithm
from ._evidence import NOT_TESTABLE, Part, below, combine, follows, peak, trend
from ._exact_claims import exact_claims
from ._measurements import Matrix, Measurements
from ._protocol import Protocol

RULES = (
    "Repetitions are paired: all algorithms are trained on the same rows. Tests are two-sided "
    "t-tests of paired differences, of slopes or of rank correlations, one value a repetition, at "
    "0.01. A comparison at several k holds if it is significant at every k; in part, if at some "
    "(adjusted by Holm's method) and elsewhere undecided or wrong; it does not hold if only the "
    "wrong sign is significant. A trend that turns significantly holds in part. A peak needs an "
    "inner k that is significantly above both ends. A claim of several parts holds if all of them "
    "hold, in part if some do. What is significant neither way is undecided: more repetitions may "
    "tell. What lacks gd, nag, a k or a second repetition is not testable. Figure 2 is exact. "
    "Figure 7 is judged as figure 5."
)

_COLUMNS = {
    "fig3": ("train_loss",),
    "fig4": ("q_spectral", "q_frobenius"),
    "fig5": ("gap",),
    "fig6": ("train_loss", "gap"),
}
#: The figures that ``reproduce`` makes by default.
FIGURES = ("fig2", *_COLUMNS)

_NORMS = {"q_spectral": "spectral", "q_frobenius": "Frobenius"}
_PAPER = ("gd", "nag")
_ABOUT_RIGHT = "about right"
ROLES = ("under-parameterised", _ABOUT_RIGHT, "over-parameterised")


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, and what was found.

    Parameters
    ----------
    figure : str
        The figure, "fig2" to "fig7".
    text : str
        What is claimed.
    verdict : {"holds", "holds in part", "does not hold", "undecided", "not testable"}
        What the numbers say: "undecided" where the repetitions are too few or too far apart to
        tell, "not testable" where an algorithm, a k or a second repetition is missing.
    found : str
        The numbers.
    p_value : float or None
        The largest p-value of the parts that decide; None where nothing was tested, or where
        numbers are exact.

    Examples
    --------
    >>> claim = Claim("fig3", "the empirical loss falls with k", "holds", "gd: -0.02 a step", 0.001)
    >>> claim.verdict
    'holds'
    """

    figure: str
    text: str
    verdict: str
    found: str
    p_value: float | None


def check_figure(figure: str) -> None:
    """Raise a ValueError that lists the figures, for one that is unknown."""
    if figure not in FIGURES:
        raise ValueError(f"figure={figure!r} is not one of {list(FIGURES)}.")


def read_table(figure: str, table: Mapping[str, Any]) -> Measurements:
    """Return what a figure after fig2 needs of its table; a ValueError if it is none."""
    return Measurements(table, _COLUMNS[figure], has_q_hidden=figure != "fig6")


def claims_of(figure: str, table: Mapping[str, Any] | None, protocol: Protocol) -> list[Claim]:
    """Judge the paper's claims about a figure: as many for the same figure and hidden sizes.

    The table is that of ``run_study``, or that of Fig. 6, with rows in any order; a ValueError if
    it cannot be read as one. Fig. 2 comes from the protocol alone and reads no table. Of three
    hidden sizes or more in the protocol, the smallest, middle and largest play the paper's
    under-parameterised, about right and over-parameterised Q_theta.

    The rules are ``RULES``; ``_evidence.py`` states them test by test.
    """
    check_figure(figure)
    if figure == "fig2":
        return [Claim("fig2", text, *part) for text, part in exact_claims(protocol)]
    if table is None:
        raise ValueError(f"{figure} needs a table, got None.")
    judged = _JUDGES[figure](read_table(figure, table), protocol)
    return [Claim(figure, text, *combine(parts)) for text, parts in judged]


_Judged = list[tuple[str, list[Part]]]


def _training_loss(data: Measurements, protocol: Protocol) -> _Judged:
    judged: _Judged = []
    for q_hidden in sorted(protocol.q_hidden):
        of = Reader(data, q_hidden)
        judged += [
            (
                f"{_units(q_hidden)}: the empirical loss falls with k",
                of.each("train_loss", _falls(data.k)),
            ),
            (
                f"{_units(q_hidden)}: the empirical loss of nag is below that of gd for k > 1",
                of.compare("train_loss", "nag", "gd", [k > 1 for k in data.k]),
            ),
        ]
    return judged


def _distance_to_q(data: Measurements, protocol: Protocol) -> _Judged:
    judged: _Judged = []
    more_than_one = [k > 1 for k in data.k]
    cvg = _convergence(data.k, protocol)
    for q_hidden in sorted(protocol.q_hidden):
        of, falls, ordered, theory = Reader(data, q_hidden), [], [], []
        for column, norm in _NORMS.items():
            falls += of.each(column, _falls(data.k, f", {norm} norm"))
            ordered += of.compare(column, "nag", "gd", more_than_one, note=f"{norm} norm: ")
            theory += of.against_convergence(column, cvg, f"{norm} norm, gd and nag together")
        distance = f"{_units(q_hidden)}: the distance of Q_theta to Q*, in both norms,"
        judged += [
            (f"{distance} falls with k", falls),
            (f"{distance} is smaller with nag than with gd at equal k > 1", ordered),
            (f"{distance} follows the certified Cvg over k", theory),
        ]
    return judged


def _convergence(k: Sequence[int], protocol: Protocol) -> Matrix | None:
    """Return the certified Cvg of gd and then nag, None where the protocol lacks one."""
    known = [a for a in (find_algorithm(protocol, name) for name in _PAPER) if a is not None]
    if len(known) < len(_PAPER):
        return None
    return np.concatenate([certified_convergence(each, k, protocol) for each in known])


def _falls(k: Sequence[int], note: str = "") -> Callable[[Matrix, str], Part]:
    return lambda values, name: trend(values, k, name + note, rises=False)


def _gap(data: Measurements, protocol: Protocol) -> _Judged:
    sizes = {role: size for size, role in hidden_roles(protocol.q_hidden).items()}
    judged: _Judged = []
    for role in ROLES:
        if role in sizes:
            of = Reader(data, sizes[role])
            judged += gap_claims(role, f"{role} ({_units(sizes[role])})", of)
        else:
            found = f"Needs three hidden sizes to tell the roles; got {sorted(protocol.q_hidden)}."
            parts = [Part(NOT_TESTABLE, found, None)]
            judged += [(text, parts) for text in _gap_texts(role, role)]
    return judged


def gap_claims(role: str, title: str, of: Reader) -> list[tuple[str, list[Part]]]:
    """Judge the shape of the gap over k, and the order of gd and nag, that the paper claims.

    Returns two claims: what is claimed, which begins with the title, and its parts.
    """
    k = of.data.k
    if role == _ABOUT_RIGHT:
        large = [each > max(1.0, float(np.median(k))) for each in k]
        shapes = of.each("gap", lambda values, name: peak(values, k, name))
        ordered = of.compare("gap", "nag", "gd", large)
    else:
        shapes = of.each("gap", lambda values, name: trend(values, k, name, rises=True))
        ordered = of.compare("gap", "gd", "nag", [each > 1 for each in k])
    return list(zip(_gap_texts(role, title), (shapes, ordered), strict=True))


def _gap_texts(role: str, title: str) -> tuple[str, str]:
    if role == _ABOUT_RIGHT:
        return (
            f"{title}: the gap rises with k, then falls",
            f"{title}: the gap of nag is below that of gd for larger k (those above the median)",
        )
    return (
        f"{title}: the gap rises with k",
        f"{title}: the gap of gd is below that of nag for k > 1",
    )


def _learning_to_optimise(data: Measurements, protocol: Protocol) -> _Judged:
    of = Reader(data, 0)
    steps = [k > 0 for k in data.k]
    smaller = [part for rival in _PAPER for part in of.compare("train_loss", "rnn", rival, steps)]
    larger = [part for rival in _PAPER for part in of.compare("gap", rival, "rnn", steps)]
    return [
        ("the training error of rnn is below those of gd and nag", smaller),
        ("the gap of rnn is above those of gd and nag", larger),
    ]


_JUDGES: dict[str, Callable[[Measurements, Protocol], _Judged]] = {
    "fig3": _training_loss,
    "fig4": _distance_to_q,
    "fig5": _gap,
    "fig6": _learning_to_optimise,
}


def hidden_roles(q_hidden: Sequence[int]) -> dict[int, str]:
    """Return which hidden sizes play the paper's three roles, of three sizes or more."""
    sizes = sorted(q_hidden)
    if len(sizes) < 3:
        return {}
    played = (sizes[0], sizes[(len(sizes) - 1) // 2], sizes[-1])
    return dict(zip(played, ROLES, strict=True))


def _units(q_hidden: int) -> str:
    return f"{q_hidden} hidden units" if q_hidden else "linear Q_theta"


class Reader:
    """The matrices of one hidden size, and parts of claims about them."""

    def __init__(self, data: Measurements, q_hidden: int) -> None:
        self.data = data
        self.q_hidden = q_hidden

    def each(self, column: str, judge: Callable[[Matrix, str], Part]) -> list[Part]:
        """Judge gd and nag, one by one."""
        return self._refusal(column, _PAPER) or [
            self._with_count(judge(self._matrix(column, algo), algo), column, [algo])
            for algo in _PAPER
        ]

    def compare(
        self, column: str, low: str, high: str, at: Sequence[bool], note: str = ""
    ) -> list[Part]:
        """Judge that one algorithm is below another at the chosen k."""
        refused = self._refusal(column, (low, high))
        if refused:
            return refused
        chosen = np.asarray(at, dtype=bool)
        steps = [k for k, is_chosen in zip(self.data.k, at, strict=True) if is_chosen]
        matrices = [self._matrix(column, algo)[:, chosen] for algo in (low, high)]
        part = below(matrices[0], matrices[1], steps, (low, high))
        return [self._with_count(part._replace(found=note + part.found), column, [low, high])]

    def against_convergence(self, column: str, convergence: Matrix | None, name: str) -> list[Part]:
        """Judge that gd and nag together are ordered as their certified Cvg, one by the other."""
        refused = self._refusal(column, _PAPER)
        if refused:
            return refused
        if convergence is None:
            return [Part(NOT_TESTABLE, "The protocol lacks gd or nag.", None)]
        values = np.hstack([self._matrix(column, algo) for algo in _PAPER])
        return [self._with_count(follows(values, convergence, name), column, _PAPER)]

    def _matrix(self, column: str, algo: str) -> Matrix:
        return self.data.matrix(column, algo, self.q_hidden)

    def _refusal(self, column: str, algos: Sequence[str]) -> list[Part]:
        empty = [a for a in algos if not np.isfinite(self._matrix(column, a)).any()]
        if empty:
            return [Part(NOT_TESTABLE, f"The table has no values of {' and '.join(empty)}.", None)]
        return []

    def _with_count(self, part: Part, column: str, algos: Sequence[str]) -> Part:
        n = self.data.n_not_finite(column, algos, self.q_hidden)
        return part._replace(found=f"{part.found} Left out: {n} not finite.") if n else part
