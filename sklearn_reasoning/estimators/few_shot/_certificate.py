"""What is certified of the adaptation of groups."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.algorithms import ExactMinimizer
from sklearn_reasoning.properties import (
    FittedLayer,
    MeasuredRows,
    ModelCertificate,
    certify,
    convergence,
)
from sklearn_reasoning.training import one_thread

from ._adaptation import Support, moved
from ._groups import GroupedRows, as_names
from ._step_share import HIGHEST, LOWEST, step_size_at
from ._use_of_heads import UseOfHeads

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class FewShotCertificate(ModelCertificate):
    """Convergence, stability and sensitivity of the adaptation of groups.

    Each group has its own spectrum and step size. What a :class:`ModelCertificate` holds is that of
    the group with the largest L, where the fewest directions are near the minimiser; ``of`` gives
    the same for another one. ``rows`` are the groups, in the weights of the basis functions.

    Parameters
    ----------
    groups : ndarray of shape (n_groups,)
        Names.
    n_rows : ndarray of int and shape (n_groups,)
        Number of rows that each adapted to.
    largest : ndarray of shape (n_groups,)
        L of each group; mu is the ridge of all.
    step_sizes : ndarray of shape (n_groups,) or None
        In 1/curvature; None for algorithms without a step size.
    contraction : ndarray of shape (n_groups,)
        The largest factor, over the group's own eigenvalues, by which k steps multiply what is left
        to the minimiser: no distance exceeds it times the first one.
    ends : ndarray of shape (n_groups, 2) or None
        The ends of the range in which each step size was kept.

    Examples
    --------
    >>> from sklearn_reasoning import FewShotReasoningRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
    >>> model = FewShotReasoningRegressor(max_epochs=1, random_state=0).fit(X, y, list("aabb"))
    >>> certificate = model.certify()
    >>> certificate.holds
    True
    >>> sorted(certificate.table())[:3]
    ['L', 'bound', 'contraction']
    """

    groups: _Array
    n_rows: _Array
    largest: _Array
    step_sizes: _Array | None
    contraction: _Array
    ends: _Array | None

    @property
    def holds(self) -> bool | None:
        """Whether no group is farther from its minimiser than its bound, but for rounding."""
        assert self.rows is not None
        lengths = 2.0 * self.rows.start_norm + self.rows.first_distance
        rounding = 128.0 * np.finfo(np.float64).eps * (self.largest / self.mu) * lengths
        return bool((self.rows.distance <= self._bounds() + rounding).all())

    def _bounds(self) -> _Array:
        assert self.rows is not None
        bounds: _Array = self.contraction * self.rows.first_distance
        return bounds

    def table(self) -> dict[str, _Array]:
        """Return what is known of each group, as columns that ``pandas.DataFrame`` takes.

        Returns
        -------
        dict of str to ndarray of shape (n_groups,)
            ``group``, ``n_rows``, ``mu``, ``L``, ``step_size`` (in 1/curvature; not for algorithms
            without one), ``contraction``, ``first_distance`` and ``distance`` (from start and head
            to the group's minimiser, in the weights of the basis functions),
            ``relative_distance``, and ``bound``, the contraction times the first distance.
        """
        assert self.rows is not None
        columns = {
            "group": self.groups,
            "n_rows": self.n_rows,
            "mu": np.full(len(self.groups), self.mu),
            "L": self.largest,
            "contraction": self.contraction,
            "first_distance": self.rows.first_distance,
            "distance": self.rows.distance,
            "relative_distance": self.rows.relative_distance,
            "bound": self._bounds(),
        }
        if self.step_sizes is not None:
            columns["step_size"] = self.step_sizes
        return columns

    def far(self, accuracy: float | None = None) -> _Array:
        """Return the groups that k steps leave far from their minimisers, the farthest first.

        Parameters
        ----------
        accuracy : float or None, default=None
            The fraction of the first distance above which a group is far; None is the
            certificate's.

        Returns
        -------
        ndarray
            Names of groups.
        """
        assert self.rows is not None
        relative = self.rows.relative_distance
        limit = self.accuracy if accuracy is None else accuracy
        order = np.argsort(-relative, kind="stable")
        found: _Array = self.groups[order[relative[order] > limit]]
        return found

    def of(self, group: Hashable) -> ModelCertificate:
        """Return convergence, stability and sensitivity of the adaptation of one group.

        Parameters
        ----------
        group : object
            Its name.

        Returns
        -------
        ModelCertificate
            With the group as its only row.

        Raises
        ------
        ValueError
            If there is no such group here.
        """
        places = [i for i, name in enumerate(self.groups.tolist()) if name == group]
        if not places:
            raise ValueError(f"group={group!r} is none of those that are certified here.")
        (i,) = places
        assert self.rows is not None
        one = slice(i, i + 1)
        r = self.rows
        gradient = None if r.gradient_norm is None else r.gradient_norm[one]
        rows = MeasuredRows(
            r.eigenvalues[one], r.distance[one], r.first_distance[one], gradient, r.start_norm[one]
        )
        return certify(_Measured(self._layer_of(i), rows), 0, accuracy=self.accuracy)

    def _layer_of(self, i: int) -> FittedLayer:
        return _layer(self.layer, self.largest, self.step_sizes, self.ends, i)

    def summary(self) -> str:
        """Return what the numbers say, in plain sentences.

        Returns
        -------
        str
            Of the group with the largest L, and how many groups are far from their minimisers.
        """
        n_far, name = len(self.far()), self.groups.tolist()[int(np.argmax(self.largest))]
        return (
            f"{len(self.groups)} groups; what follows is of the one with the largest L, {name!r}.\n"
            f"{super().summary()}\n"
            f"After {self.k} steps {n_far} of {len(self.groups)} groups are farther than "
            f"{self.accuracy:g} of the first distance from their minimisers."
        )

    def __str__(self) -> str:
        return self.summary()


@dataclass(frozen=True)
class _Measured:
    """What :func:`certify` asks of an estimator."""

    layer: FittedLayer
    rows: MeasuredRows

    def _fitted_layer(self) -> FittedLayer:
        return self.layer

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        return self.rows


def certify_groups(use: UseOfHeads, rows: GroupedRows, accuracy: float) -> FewShotCertificate:
    """Return the certificate of groups that adapt to all of their rows."""
    measured, T_spectrum = _measure(use, rows)
    ridge, k = float(use.ridge), use.module.k[0]
    spectrum = 1.0 + T_spectrum
    largest = spectrum[:, -1]
    sizes, ends = _step_sizes(use, largest)
    contraction = _contractions(use, spectrum, sizes, k)
    algorithm, L = use.module.algorithm, ridge * largest
    start = float(use.start.norm())
    in_w = None if sizes is None else sizes / ridge
    ends = None if ends is None else ends / ridge
    base = FittedLayer(algorithm, k, None, ridge, ridge, None, start)
    layer = _layer(base, L, in_w, ends, int(np.argmax(L)))
    certificate = certify(_Measured(layer, measured), 0, accuracy=accuracy)
    return FewShotCertificate(
        **{field.name: getattr(certificate, field.name) for field in fields(ModelCertificate)},
        groups=as_names(rows.names),
        n_rows=rows.sizes,
        largest=L,
        step_sizes=in_w,
        contraction=contraction,
        ends=ends,
    )


def _layer(
    like: FittedLayer, L: _Array, sizes: _Array | None, ends: _Array | None, i: int
) -> FittedLayer:
    phi = None if sizes is None else float(sizes[i])
    kept_in = None if ends is None else (float(ends[i, 0]), float(ends[i, 1]))
    return FittedLayer(like.algorithm, like.k, phi, like.mu, float(L[i]), kept_in, like.start_norm)


def _step_sizes(use: UseOfHeads, largest: _Array) -> tuple[_Array | None, _Array | None]:
    """Return the step sizes of groups in units of the ridge, and the ends of their ranges."""
    share = use.module.shares(torch.float64)
    if share is None:
        return None, None
    L = torch.as_tensor(largest)
    with torch.no_grad():
        sizes, low, high = (
            step_size_at(use.module.algorithm, torch.as_tensor(at, dtype=L.dtype), L).numpy()
            for at in (float(share), LOWEST, HIGHEST)
        )
    return sizes, np.stack([low, high], axis=1)


def _contractions(use: UseOfHeads, spectrum: _Array, sizes: _Array | None, k: int) -> _Array:
    algorithm = use.module.algorithm
    found = []
    for i, t in enumerate(spectrum):
        phi = None if sizes is None else float(sizes[i])
        L = float(t[-1])
        if "polynomial" in algorithm.provides:
            found.append(np.abs(algorithm.residual(t, k, phi, 1.0, L)).max())
        else:
            found.append(convergence(algorithm, k, phi, 1.0, L).certified)
    return np.array(found, dtype=np.float64)


def _measure(use: UseOfHeads, rows: GroupedRows) -> tuple[MeasuredRows, _Array]:
    """Return spectra and distances of groups, and the spectra over the ridge without the 1."""
    module, share = use.module, use.module.shares(torch.float64)
    m = len(use.start)
    spectra = np.zeros((len(rows.sizes), m))
    columns = np.empty((3, len(rows.sizes)))
    with torch.no_grad(), one_thread():
        for groups, support in use.supports(rows):
            of_steps = moved(
                module.algorithm,
                support,
                use.ridge,
                None if share is None else share[0],
                module.k[0],
            )
            of_minimiser = moved(ExactMinimizer(), support, use.ridge, None, 0)
            gradient = support.features.mT @ support.residual / support.n_rows
            columns[:, groups] = torch.stack(
                [
                    (of_steps - of_minimiser).flatten(1).norm(dim=1),
                    of_minimiser.flatten(1).norm(dim=1),
                    gradient.flatten(1).norm(dim=1),
                ]
            ).numpy()
            t = _spectrum_of(support, use)
            spectra[groups, m - t.shape[1] :] = t
    distance, first_distance, gradient_norm = columns
    ridge = float(use.ridge)
    measured = MeasuredRows.of(
        ridge * (1.0 + spectra), distance, first_distance, gradient_norm, float(use.start.norm())
    )
    return measured, spectra


def _spectrum_of(support: Support, use: UseOfHeads) -> _Array:
    """Return the eigenvalues over the ridge that may differ from 0, in rising order."""
    P, n = support.features, support.n_rows * use.ridge
    small = P @ P.mT if P.shape[1] < P.shape[2] else P.mT @ P
    t: _Array = torch.linalg.eigvalsh(small / n).clamp_min(0.0).cpu().numpy()
    return t
