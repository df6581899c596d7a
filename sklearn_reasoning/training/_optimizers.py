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
        """Update every parameter from its gradient, to which the decay is added in place."""
        index = 0
        for group in self.param_groups:
            decay = group["weight_decay"]
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None:
                    if decay is not None:
                        gradient.addcmul_(decay, parameter)
                    self._update(self.state.setdefault(index, {}), parameter, gradient, group["lr"])
                index += 1

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def forget(self) -> None:
        """Drop gradients and moments: what it needs to go on."""
        self.state.clear()
        self.zero_grad()

    def take_over(self, before: StackOptimizer, models: Tensor) -> None:
        """Go on with the moments of some of the models of another optimiser."""
        self.state = {
            index: {
                name: value[models] if isinstance(value, Tensor) else value
                for name, value in moments.items()
            }
            for index, moments in before.state.items()
        }

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
        if _rows_fill_vectors(parameter) and _HAS_FUSED_ADAM:
            parameter.addcmul_(_fused_update(state, gradient), lr)
            return
        mean, square = state["mean"], state["square"]
        mean.mul_(0.9).add_(gradient, alpha=0.1)
        square.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        mean_correction = 1.0 - 0.9 ** state["step"]
        square_correction = 1.0 - 0.999 ** state["step"]
        size = square.sqrt().mul_(square_correction**-0.5 * mean_correction)
        # mean_correction is in the denominator, so eps is scaled with it.
        parameter.addcmul_(mean / size.add_(1e-8 * mean_correction), lr, value=-1.0)


# torch 2.3 has the kernel for other devices only.
_HAS_FUSED_ADAM = torch.__version__ >= "2.4"


def _rows_fill_vectors(parameter: Tensor) -> bool:
    """Tell whether the kernel gives a model the same bits in every stack.

    It rounds the last elements of a tensor differently if they fill no vector.
    """
    return parameter.ndim > 1 and parameter.shape[-1] % 16 == 0 and parameter.device.type == "cpu"


def _fused_update(state: dict[str, Any], gradient: Tensor) -> Tensor:
    """Return Adam's update at rate 1: torch's kernel has one rate a call, a stack one a model."""
    update = torch.zeros_like(gradient)
    torch._fused_adam_(
        [update],
        [gradient],
        [state["mean"]],
        [state["square"]],
        [],
        [torch.tensor(float(state["step"]))],
        lr=1.0,
        beta1=0.9,
        beta2=0.999,
        weight_decay=0.0,
        eps=1e-8,
        amsgrad=False,
        maximize=False,
    )
    return update


OPTIMIZERS: dict[str, type[StackOptimizer]] = {"adam": StackAdam, "sgd": StackSGD}
