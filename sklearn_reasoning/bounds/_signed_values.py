"""Training against random signs: the criterion, and a module whose output is Q."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from sklearn_reasoning.training import Batch, Inputs, RegressionModel

# The values of the models on the rows, of shape (n_models, n, w).
Values = Callable[[Tensor, Batch], Tensor]

# Of 0.02 to 0.4 it found the largest values on the synthetic problem, at several levels.
_PRICE_RATE = 0.2


class SignedValues(nn.Module):
    r"""Minus the signed mean of a model's values, for a class cut off at a level.

    With s the signed mean and m the mean square, :math:`p \sqrt{m} - s` is minimised, and the
    price p grows while :math:`m > r` and falls while :math:`m < r` (dual ascent). A penalty that
    sets in at the level would do as well in theory; in practice its kink kept Adam outside.

    The signs, of shape (n_models, n, w), are zero at padded rows, and scaled so that the sum of the
    products with the values is the signed mean, to which ``offset`` is added; ``remainder`` is
    added to the mean squares. The level is the largest mean square of a member of the class; None
    for no limit.

    Of each model, ``best`` is the largest signed mean so far while it was a member, -inf if it
    never was; ``best_values`` are its values then; ``least`` is the smallest mean square so far.
    """

    # The net's history asks for it: values are in units, not squared.
    is_squared: list[bool]

    def __init__(
        self,
        values: Values,
        signs: Tensor,
        offset: Tensor,
        remainder: float,
        level: float | None,
    ) -> None:
        super().__init__()
        self._values, self._signs, self._offset = values, signs, offset
        self._remainder, self._level = remainder, level
        self.is_squared = [False] * len(signs)
        self.best = signs.new_full((len(signs),), -torch.inf)
        self.best_values = torch.zeros_like(signs)
        self._price = signs.new_ones(len(signs))
        self.least = signs.new_full((len(signs),), torch.inf)

    def forward(self, prediction: Tensor, batch: Batch) -> Tensor:
        """Return what each model minimises, of shape (n_models,)."""
        values = self._values(prediction, batch)
        signed = (values * self._signs).sum(dim=(1, 2)) + self._offset
        weight = batch.weight.unsqueeze(-1)
        square = (values * values * weight).sum(dim=(1, 2)) + self._remainder
        self._remember(values.detach(), signed.detach(), square.detach())
        if self._level is None:
            return -signed
        root = self._level**0.5
        # The clamp keeps the square root away from 0, where it has no gradient.
        size = torch.sqrt(square.clamp(min=1e-6 * self._level))
        excess = (size.detach() / root - 1.0).clamp(-1.0, 1.0)
        self._price = (self._price * torch.exp(_PRICE_RATE * excess)).clamp(0.01, 100.0)
        return self._price * size - signed

    def _remember(self, values: Tensor, signed: Tensor, square: Tensor) -> None:
        improved = signed > self.best
        if self._level is not None:
            improved &= square <= self._level
        self.least = torch.fmin(self.least, square)
        self.best = torch.where(improved, signed, self.best)
        self.best_values = torch.where(improved[:, None, None], values, self.best_values)


def losses(prediction: Tensor, batch: Batch) -> Tensor:
    """Return the norms of the errors, of shape (n_models, n, 1)."""
    # Unlike a square root of a sum, it has the gradient 0 at an error of 0.
    error = prediction.mT - batch.y
    return torch.linalg.vector_norm(error, dim=1).unsqueeze(-1)


class EnergyModel(RegressionModel):
    """Models whose output is Q: its eigenvalues where all models share the eigenvectors."""

    @property
    def has_known_rotation(self) -> bool:
        """Whether the eigenvectors are not learned."""
        a = self.architecture
        return a.rotation in ("given", "identity") or a.n_outputs == 1

    def forward(self, batch: Inputs, k: int | None = None) -> Tensor:
        """Return Q of each row, of shape (n_models, n, d * d), or its eigenvalues (n_models, n, d).

        Parameters are those of :meth:`RegressionModel.forward`; ``k`` plays no part.
        """
        energy: Any = self.problem(batch)[0].energy
        values = energy.eigenvalues if self.has_known_rotation else energy.matrix().flatten(-2)
        return cast(Tensor, values)
