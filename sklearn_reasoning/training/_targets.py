"""The scale, the centre and the principal axes of the targets of one model."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from sklearn_reasoning._networks import padded

from ._ridge import noise_share, ridge
from ._settings import Architecture, Rows

_Array = np.ndarray[Any, Any]

# Decays of weights times the number of rows: where b is given; and where it is learned, times the
# ratio of noise to signal, and at most. Chosen on data sets (docs/benchmarks.md).
_DECAY, _DECAY_BY_NOISE, _LARGEST_DECAY = 1.0, 10.0, 200.0


@dataclass(frozen=True)
class TargetStatistics:
    """What the parameterisation of a model takes from its targets.

    Parameters
    ----------
    unit : float
        A power of two near the root mean square of the targets about the offset. Training
        works in this unit, which the layer, being homogeneous in b and the start, allows exactly.
    offset : ndarray of shape (d,)
        Weighted means of the targets, in units, which are taken off before training; zero where
        b is given.
    start : ndarray of shape (d,)
        Where the steps begin, or where a learned or predicted start does, in units, counted from
        the offset.
    scale : ndarray of shape (d,)
        Weighted root mean squares of the targets about the offset, in units; of a learned or
        predicted start, about the mean.
    axes : ndarray of shape (d, d)
        Columns: principal axes of the targets, largest variance first.
    spread : ndarray of shape (d,)
        Weighted root mean squares of the targets along the axes, in units; the same for all axes
        where there is a penalty.
    slopes, level : ndarray of shapes (padded d, padded n_features) and (padded d, 1)
        Of ridge regression, ``slopes x + level``; empty where b is given.
    decay : float
        The decay of weights for ``weight_decay="auto"``.
    """

    unit: float
    offset: _Array
    start: _Array
    scale: _Array
    axes: _Array
    spread: _Array
    slopes: _Array
    level: _Array
    decay: float

    @classmethod
    def unscaled(cls, architecture: Architecture) -> "TargetStatistics":
        """Return statistics with which targets are trained on as they are."""
        d, rows = architecture.n_outputs, padded(architecture.n_outputs) * architecture.is_centred
        return cls(
            unit=1.0,
            offset=np.zeros(d),
            start=np.zeros(d),
            scale=np.ones(d),
            axes=np.eye(d),
            spread=np.ones(d),
            slopes=np.zeros((rows, padded(architecture.n_features))),
            level=np.zeros((rows, 1)),
            decay=0.0,
        )

    def completed_by(self, later: "TargetStatistics") -> "TargetStatistics":
        """Return statistics in which columns that have not varied yet have those of later rows.

        With a scale of zero a column cannot learn, and so nothing was learned of it.

        Parameters
        ----------
        later : TargetStatistics
            Of the rows that training goes on with.
        """
        constant = self.scale == 0.0
        if constant.all():
            return later
        varies = constant & (later.scale > 0.0)
        ratio = later.unit / self.unit
        parts = {
            name: np.where(varies, ratio * getattr(later, name), getattr(self, name))
            for name in ("offset", "start", "scale")
        }
        rows = np.flatnonzero(varies[: len(self.slopes)])
        for name in ("slopes", "level"):
            parts[name] = getattr(self, name).copy()
            parts[name][rows] = ratio * getattr(later, name)[rows]
        # Along the axes that these columns have been.
        new = np.where(varies, ratio * later.scale, 0.0)
        parts["spread"] = np.sqrt(self.spread**2 + (new**2) @ self.axes**2)
        return replace(self, **parts)

    def as_linear_term(
        self, architecture: Architecture, k: int, step_size: float | None
    ) -> "TargetStatistics":
        """Return statistics whose slopes and level are those of b.

        With this b the outputs of an untrained model are those of the ridge regression: it has
        the same Q for all rows, where the network of Q ends at zero. Given eigenvectors differ
        from row to row: with an anchored spectrum the outputs are then the nearest to it, in the
        mean over all rotations.
        """
        a, d = architecture, architecture.n_outputs
        if not a.is_centred:
            return self
        eigenvalues = np.full(d, 0.5 * (a.mu + a.L))
        if a.spectrum == "anchored":
            inner = a.mu + (a.L - a.mu) / (d - 2)
            eigenvalues = np.array([a.L, *[inner] * (d - 2), a.mu])
        q = 1.0 / eigenvalues if k > 0 else np.zeros(d)
        if k > 0 and "polynomial" in a.algorithm.provides:
            q = a.algorithm.filter(eigenvalues, k, step_size, a.mu, a.L)
        # What the steps do not move, no b brings anywhere.
        moves = np.abs(q * eigenvalues) > 1e-6
        if a.rotation == "given" and moves.any():
            inverse = np.full(d, q.mean() / (q**2).mean())
        else:
            inverse = np.divide(1.0, q, out=np.zeros(d), where=moves)
        R = self.axes if a.rotation in ("shared", "predicted") else np.eye(d)
        to_b = np.zeros((len(self.slopes), len(self.slopes)))
        to_b[:d, :d] = -(R * inverse) @ R.T
        return replace(self, slopes=to_b @ self.slopes, level=to_b @ self.level)


#: The names of the statistics, which a model holds as buffers.
STATISTICS = tuple(field.name for field in fields(TargetStatistics))


def target_statistics(architecture: Architecture, rows: Rows) -> TargetStatistics:
    """Return the statistics of the targets, weighted as the loss is."""
    a = architecture
    y = rows.y.astype(np.float64)
    weight = rows.weight / rows.weight.sum()
    mean = (weight[:, None] * y).sum(axis=0)
    # A given b has no intercept to put the mean into: there the targets count from 0.
    offset = mean if a.is_centred else np.zeros_like(mean)
    unit = unit_near(float(np.sqrt(_variance(y, offset, weight).mean())))
    about = offset if a.start == "zero" else mean
    start = (np.zeros_like(mean) if a.start == "zero" else mean) - offset
    deviations = learned = y - mean
    n = _n_different(rows)
    decay = _DECAY / n
    slopes = np.zeros((padded(a.n_outputs) * a.is_centred, padded(a.n_features)))
    level = np.zeros((len(slopes), 1))
    if a.is_centred:
        linear = ridge(rows.x, deviations / unit, weight, n)
        slopes[: a.n_outputs, : a.n_features] = linear.slopes
        level[: a.n_outputs, 0] = linear.level
        residuals = deviations - unit * (rows.x @ linear.slopes.T + linear.level)
        residuals -= (weight[:, None] * residuals).sum(axis=0)
        # With rotations of their own, targets are no smooth functions of x alone.
        known = a.rotation != "given"
        share = noise_share(rows.x, residuals, weight, n) if known else 0.5
        decay = _decay_by_noise(share) / n
        if np.abs(residuals).max() > 1e-9 * unit:
            learned = residuals  # by the network of b, which Q changes
    variances, axes = _principal_axes(learned, weight)
    if learned is not deviations:
        variances = (weight[:, None] * (deviations @ axes) ** 2).sum(axis=0)
    return TargetStatistics(
        unit=unit,
        offset=offset / unit,
        start=start / unit,
        scale=np.sqrt(_variance(y, about, weight)) / unit,
        axes=axes,
        spread=_spread(a, variances, y - offset, axes, weight) / unit,
        slopes=slopes,
        level=level,
        decay=decay,
    )


def _decay_by_noise(share: float) -> float:
    """Return the decay times the number of rows, for a share of noise in what is to be learned."""
    if share >= 1.0:
        return _LARGEST_DECAY
    return min(_DECAY_BY_NOISE * share / (1.0 - share), _LARGEST_DECAY)


def _n_different(rows: Rows) -> int:
    """Return the number of rows that differ: weights of 2 are then the same as rows twice."""
    parts = [part for part in (rows.x, rows.y, rows.b) if part is not None]
    table = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return len(np.unique(table.view(np.dtype((np.void, table.itemsize * table.shape[1])))))


def _spread(
    architecture: Architecture, variances: _Array, y: _Array, axes: _Array, weight: _Array
) -> _Array:
    """Return how much the targets vary along the axes, y counted from the offset.

    With a penalty they tell little of how much the free minimiser varies, which is what turns: the
    shares of a total do not vary at all along the axis of their sum, which need not be an
    eigenvector of Q. All axes count alike then. So does, where b is given, an axis along which
    targets do not vary and yet are not 0.
    """
    typical = variances.mean()
    if architecture.penalty is not None:
        return np.full(len(variances), np.sqrt(typical))
    # Rounding alone gives axes without any spread a share of the largest variance.
    least = 1e-12 * variances.max()
    from_zero = (weight[:, None] * (y @ axes) ** 2).sum(axis=0)
    return np.sqrt(np.where(variances > least, variances, typical * (from_zero > least)))


def unit_near(spread: float) -> float:
    """Return the power of two near a spread: it changes exponents of numbers, and no digit."""
    return 2.0 ** round(np.log2(spread)) if spread > 0.0 else 1.0


def _variance(y: _Array, centre: _Array, weight: _Array) -> _Array:
    variance: _Array = (weight[:, None] * (y - centre) ** 2).sum(axis=0)
    # Rounding alone gives a constant column a variance near (eps * mean)^2.
    variance[variance <= (8 * np.finfo(np.float64).eps * np.abs(centre)) ** 2] = 0.0
    return variance


def _principal_axes(centred: _Array, weight: _Array) -> tuple[_Array, _Array]:
    # torch's products, because numpy's run on threads that cannot be limited for one caller.
    values = torch.from_numpy(centred)
    variances, vectors = torch.linalg.eigh(
        values.mT @ (torch.from_numpy(weight).unsqueeze(1) * values)
    )
    axes = vectors.numpy()[:, ::-1]
    # An eigenvector has no sign of its own; fix one, so that equal data give equal axes.
    largest = np.abs(axes).argmax(axis=0)
    signs: _Array = np.where(axes[largest, np.arange(len(axes))] < 0, -1.0, 1.0)
    return variances.numpy()[::-1], np.ascontiguousarray(axes * signs)
