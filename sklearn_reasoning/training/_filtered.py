"""Steps as a function of each eigenvalue, followed by its adjoint.

A name with ``_`` is the gradient of that name. Vectors are features times rows.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sklearn_reasoning._polynomials import Phi, Steps
from sklearn_reasoning.algorithms import Algorithm

from ._curvature import Curvature, Gradients


def filtered_with_pullback(
    algorithm: Algorithm,
    Q: Curvature,
    b: Tensor,
    start: Tensor | None,
    k: Steps,
    phi: Phi,
    mu: float,
    L: float,
) -> tuple[Tensor, Callable[[Tensor], Gradients]]:
    r"""Return how far k steps lead down from the start, and what pulls gradients back.

    With the start c, 0 where it is None, that is :math:`R\,q_k(\Lambda) R'(Qc + b)`.
    """
    t, first = Q.eigenvalues, Q.into(b)
    if start is not None:
        turned = Q.into(start)
        first = torch.addcmul(first, t, turned)
    q, pull_filter = algorithm._filter_with_pullback(t, k, phi, mu, L)
    u = q * first

    def pull(fall_: Tensor) -> Gradients:
        u_ = Q.into(fall_)
        first_ = u_ * q
        t_, phi_ = pull_filter(u_ * first)
        rotation_ = start_ = None
        if Q.turns:
            rotation_ = torch.bmm(fall_, u.mT) + torch.bmm(b, first_.mT)
        if start is not None:
            t_.addcmul_(turned, first_)
            turned_ = t * first_
            start_ = Q.out_of(turned_)
            if rotation_ is not None:
                rotation_ += torch.bmm(start, turned_.mT)
        return Gradients(t_, rotation_, Q.out_of(first_), start_, phi_)

    return Q.out_of(u), pull
