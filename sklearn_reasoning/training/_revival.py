"""What brings back outputs that are at a bound in all rows, where no gradient leads back."""

from __future__ import annotations

import torch
from torch import Tensor

from sklearn_reasoning.penalties import Penalty

from ._penalised import projected_with_pullback


def handed_to_b(
    penalty: Penalty,
    offset: Tensor,
    labels: Tensor,
    error: Tensor,
    y_: Tensor,
    v_: Tensor,
    L: float,
) -> Tensor | None:
    r"""Return gradients of b that stand in for those that a projection cut off; None for none.

    An output of a model is cut off, from above or from below, if none of the rows of the batch that
    have their labels on that side has a gradient before the last projection, though some have one
    after it. In these rows, where the nearest label that is allowed is not the output itself, it is
    taken for :math:`-b / L`: a straight-through gradient.

    Parameters
    ----------
    penalty : Penalty
    offset : Tensor of shape (n_models, d)
        What points are counted from.
    labels, error : Tensor of shape (n_models, d, n)
        Labels, and these less what is predicted, y.
    y_, v_ : Tensor of shape (n_models, d, n)
        The gradients of y, and of what was projected onto it.
    L : float
        The upper bound of the curvature.

    Returns
    -------
    Tensor of shape (n_models, d, n) or None
        Zeros where nothing is cut off.
    """
    alive, counts = v_ != 0.0, y_ != 0.0
    stuck = torch.zeros_like(alive)
    for side in (error > 0.0, error < 0.0):
        without = side & ~alive & counts
        is_cut = without.any(dim=-1, keepdim=True) & ~(side & alive).any(dim=-1, keepdim=True)
        stuck |= without & is_cut
    if not stuck.any():
        return None
    inside, _ = projected_with_pullback(penalty, offset, labels.mT)
    # Points that are equal have equal errors, to the bit.
    away = labels - inside.mT != error
    return torch.where(stuck & away, y_ / -L, 0.0)
