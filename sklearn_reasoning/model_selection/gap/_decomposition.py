"""The result of :func:`decompose_gap`: numbers, a table in text and one for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ._parts import GapPart

_COLUMNS = ("empirical", "held_out", "gap")

TITLES = {
    "algorithm_bias": "algorithm bias",
    "representation_error": "representation error",
    "label_noise": "label noise",
    "total": "total loss",
    "distance_to_minimiser": "distance to minimiser",
    "Q_distance_frobenius": "|Q - Q*|_F",
    "Q_distance_spectral": "|Q - Q*|_2",
}


@dataclass(frozen=True, repr=False)
class GapDecomposition:
    r"""The loss of a model and its generalisation gap, taken apart.

    Each part has six numbers: ``empirical``, ``held_out``, ``gap`` (held-out minus empirical)
    and their standard errors, ``empirical_se``, ``held_out_se`` and ``gap_se``. In each of the
    first three columns the parts add up to ``total``. Losses and distances are in the units of y.

    Parameters
    ----------
    algorithm_bias : GapPart
        Loss of the output minus loss of the exact minimiser of the learned energy. Below 0
        where stopping early helps.
    representation_error : GapPart
        Loss of the exact minimiser of the learned energy, in the units of y.
    label_noise : GapPart or None
        Loss against the labels minus loss against the labels without noise. None where no
        noise is known of.
    total : GapPart
        The loss itself, and the gap itself (Eq. 13).
    distance_to_minimiser : GapPart
        Mean distance from the output to the minimiser: the size of what the algorithm leaves.
    Q_distance_frobenius, Q_distance_spectral : GapPart or None
        :math:`P \lVert Q_\theta - Q^* \rVert`, in the two norms; None where Q* is not known.
    held_out_rows : {"test", "population", "folds"}
        What is held out: test rows, the population of the problem, or each fold in its turn.
    n_train : int
        Number of training rows; with folds, of all rows.
    n_held_out : int
        Number of held-out rows; with folds, the sum over folds.
    n_folds : int or None
        Number of folds.

    See Also
    --------
    decompose_gap : Makes one.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn_reasoning import HybridReasoningRegressor
    >>> from sklearn_reasoning.model_selection import decompose_gap
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = HybridReasoningRegressor(max_epochs=5, random_state=0).fit(X[:15], y[:15])
    >>> decomposition = decompose_gap(model, X[:15], y[:15], X[15:], y[15:])
    >>> decomposition.to_dict()["part"].tolist()
    ['algorithm_bias', 'representation_error', 'total']
    >>> decomposition.statistical_gap == decomposition.total.gap
    True
    """

    algorithm_bias: GapPart
    representation_error: GapPart
    label_noise: GapPart | None
    total: GapPart
    distance_to_minimiser: GapPart
    Q_distance_frobenius: GapPart | None
    Q_distance_spectral: GapPart | None
    held_out_rows: Literal["test", "population", "folds"]
    n_train: int
    n_held_out: int
    n_folds: int | None

    @property
    def empirical_loss(self) -> float:
        """Mean loss on the training rows."""
        return self.total.empirical

    @property
    def held_out_loss(self) -> float:
        """Mean loss on the held-out rows."""
        return self.total.held_out

    @property
    def statistical_gap(self) -> float:
        """Held-out minus empirical loss (Eq. 13)."""
        return self.total.gap

    def to_dict(self) -> dict[str, NDArray[Any]]:
        """Return the parts and the total as columns, which ``pandas.DataFrame`` accepts.

        Returns
        -------
        dict of str to ndarray of shape (n_parts + 1,)
            ``part``, the names of the fields, of which the last is "total"; ``empirical``,
            ``held_out`` and ``gap``, each followed by its standard error, as in
            ``empirical_se``.
        """
        parts = {name: part for name, part in self._rows() if name not in _SIZES}
        columns = {
            field.name: np.array([getattr(part, field.name) for part in parts.values()])
            for field in fields(GapPart)
        }
        return {"part": np.array(list(parts)), **columns}

    def _rows(self) -> Iterator[tuple[str, GapPart]]:
        for name in TITLES:
            part = getattr(self, name)
            if part is not None:
                yield name, part

    def __str__(self) -> str:
        return _text(dict(self._rows()), self._heading(), self._on_errors())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _html(dict(self._rows()), self._heading(), self._on_errors())

    def _heading(self) -> str:
        if self.held_out_rows == "folds":
            return f"The gap, taken apart: means over {self.n_folds} folds of {self.n_train:,} rows"
        held_out = "test rows" if self.held_out_rows == "test" else "rows, the population"
        return (
            f"The gap, taken apart: {self.n_train:,} training rows, held out "
            f"{self.n_held_out:,} {held_out}"
        )

    def _on_errors(self) -> str:
        if self.held_out_rows == "folds":
            return "± standard error over folds, which share training rows."
        end = "." if self.held_out_rows == "test" else "; the population has none."
        return f"± standard error over rows, for the model as it is{end}"


_SIZES = ("distance_to_minimiser", "Q_distance_frobenius", "Q_distance_spectral")


def _shown(part: GapPart, column: str) -> tuple[str, str]:
    value, error = getattr(part, column), getattr(part, f"{column}_se")
    return f"{value:.4g}", f"{error:.2g}"


def _text(rows: Mapping[str, GapPart], heading: str, on_errors: str) -> str:
    lines = [
        heading,
        "",
        f"{'':22}" + "".join(f"{name.replace('_', ' '):>21}" for name in _COLUMNS),
    ]
    for name, part in rows.items():
        shown = (_shown(part, column) for column in _COLUMNS)
        cells = "".join(f"{value:>11} ± {error:<7}" for value, error in shown)
        lines.append(f"{TITLES[name]:22}{cells}".rstrip())
    return "\n".join([*lines, on_errors])


def _html(rows: Mapping[str, GapPart], heading: str, on_errors: str) -> str:
    head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in _COLUMNS)
    body = []
    for name, part in rows.items():
        shown = (_shown(part, column) for column in _COLUMNS)
        cells = "".join(f"<td>{value} ± {error}</td>" for value, error in shown)
        title = html.escape(TITLES[name])
        body.append(f"<tr><th style='text-align:left'>{title}</th>{cells}</tr>")
    return (
        f"<div class='sklearn-reasoning-gap'><p>{html.escape(heading)}</p><table>"
        f"<thead><tr><th></th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"<p>{html.escape(on_errors)}</p></div>"
    )
