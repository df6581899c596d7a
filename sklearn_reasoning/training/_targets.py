"""The scale, the centre and the principal axes of the targets of one model."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch

from ._settings import Architecture, Rows


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
    """

    unit: float
    offset: np.ndarray[Any, Any]
    start: np.ndarray[Any, Any]
    scale: np.ndarray[Any, Any]
    axes: np.ndarray[Any, Any]

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
        return replace(self, **parts)


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
    return TargetStatistics(
        unit=unit,
        offset=offset / unit,
        start=start / unit,
        scale=np.sqrt(_variance(y, about, weight)) / unit,
        axes=_principal_axes(y - mean, weight),
    )


def unit_near(spread: float) -> float:
    """Return the power of two near a spread: it changes exponents of numbers, and no digit."""
    return 2.0 ** round(np.log2(spread)) if spread > 0.0 else 1.0


def _variance(
    y: np.ndarray[Any, Any], centre: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    variance: np.ndarray[Any, Any] = (weight[:, None] * (y - centre) ** 2).sum(axis=0)
    # Rounding alone gives a constant column a variance near (eps * mean)^2.
    variance[variance <= (8 * np.finfo(np.float64).eps * np.abs(centre)) ** 2] = 0.0
    return variance


def _principal_axes(
    centred: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    # torch's products, because numpy's run on threads that cannot be limited for one caller.
    values = torch.from_numpy(centred)
    _, vectors = torch.linalg.eigh(values.mT @ (torch.from_numpy(weight).unsqueeze(1) * values))
    axes = vectors.numpy()[:, ::-1]
    # An eigenvector has no sign of its own; fix one, so that equal data give equal axes.
    largest = np.abs(axes).argmax(axis=0)
    signs: np.ndarray[Any, Any] = np.where(axes[largest, np.arange(len(axes))] < 0, -1.0, 1.0)
    return np.ascontiguousarray(axes * signs)
