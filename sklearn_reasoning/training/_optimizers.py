"""Optimisers whose learning rate and weight decay differ from model to model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class StackOptimizer:
    """Common part: parameters have one row a model, and so have rate and decay.

    Only elementwise operations that IEEE arithmetic rounds correctly are used, so a model
    gets the same bits whatever stack it is in. It is no ``torch.optim.Optimizer``: making one
    imports torch's compiler, two seconds in every new process.

    Parameters
    ----------
    groups : sequence of dict
        Each with ``params`` (a list of parameters), ``lr`` and ``weight_decay``; the last two
        are tensors that broadcast against the parameters, ``weight_decay`` may be None.
    """

    def __init__(self, groups: Sequence[dict[str, Any]]) -> None:
        self.param_groups = [{**group, "initial_lr": group["lr"]} for group in groups]
        self.state: dict[int, dict[str, Any]] = {}

    @torch.no_grad()
    def step(self) -> None:
        """Update every parameter from its gradient."""
        index = 0
        for group in self.param_groups:
            decay = group["weight_decay"]
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None:
                    if decay is not None:
                        gradient = torch.addcmul(gradient, decay, parameter)
                    self._update(self.state.setdefault(index, {}), parameter, gradient, group["lr"])
                index += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def __getstate__(self) -> dict[str, Any]:
        # A file would hold the module's parameters twice; only the moments are taken over.
        return {**vars(self), "param_groups": []}

    def _update(
        self, state: dict[str, Any], parameter: Tensor, gradient: Tensor, lr: Tensor
    ) -> None:
        raise NotImplementedError


class StackSGD(StackOptimizer):
    r"""Gradient descent, :math:`\theta \leftarrow \theta - \eta g`."""

    def _update(
        self, state: dict[str, Any], parameter: Tensor, gradient: Tensor, lr: Tensor
    ) -> None:
        parameter.addcmul_(gradient, lr, value=-1.0)


class StackAdam(StackOptimizer):
    """Adam (Kingma and Ba 2015) with its usual constants: 0.9, 0.999, 1e-8."""

    def _update(
        self, state: dict[str, Any], parameter: Tensor, gradient: Tensor, lr: Tensor
    ) -> None:
        if not state:
            state["step"] = 0
            state["mean"] = torch.zeros_like(parameter)
            state["square"] = torch.zeros_like(parameter)
        state["step"] += 1
        mean, square = state["mean"], state["square"]
        mean.mul_(0.9).add_(gradient, alpha=0.1)
        square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        mean_correction = 1.0 - 0.9 ** state["step"]
        square_correction = 1.0 - 0.999 ** state["step"]
        size = square.sqrt().mul_(square_correction**-0.5 * mean_correction)
        # mean_correction is in the denominator, so eps is scaled with it.
        parameter.addcmul_(mean / size.add_(1e-8 * mean_correction), lr, value=-1.0)


OPTIMIZERS: dict[str, type[StackOptimizer]] = {"adam": StackAdam, "sgd": StackSGD}
