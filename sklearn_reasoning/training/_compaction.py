"""Models that are done leave their stack: the others get the same bits in a smaller one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._regression_model import RegressionModel


class Compaction:
    """A net of regression models in training whose stack shrinks as its models end.

    What of the net has a row for each model is replaced by parts of it, and put back by
    :meth:`restore`.
    """

    def __init__(self, net: Any) -> None:
        self._net = net
        self._whole = (net.module_, net.models, net.criterion_, net.optimizer_)
        self._progress = net.progress_
        self._left = np.arange(len(net.models))

    def after_epoch(self, rows: Any, validation: Any) -> tuple[Any, Any]:
        """Return the rows of the models that go on, once no more than half of them do."""
        net = self._net
        active = np.flatnonzero(net.progress_.active)
        if not 0 < 2 * len(active) <= len(net.models):
            return rows, validation
        before = net.optimizer_
        self._give_back()
        self._left = self._left[active]
        net.progress_ = net.progress_.taken(active)
        net.models = tuple(net.models[model] for model in active)
        net.module_ = some_models(net.module_, active.tolist())
        for name, value in net.module_._parameters.items():
            if value is not None:
                net.module_._parameters[name] = nn.Parameter(value)
        net.criterion_ = type(net.criterion_)([model.loss for model in net.models])
        net.criterion_.to(net.device)
        net.initialize_optimizer()
        net.optimizer_.take_over(before, torch.from_numpy(active).to(net.device))
        net.places_ = self._left, len(self._progress.active)
        return rows.taken(active), None if validation is None else validation.taken(active)

    def _give_back(self) -> None:
        if self._net.progress_ is not self._progress:
            self._progress.put_back(self._net.progress_, self._left)

    def restore(self) -> None:
        """Put all models back into the net, with what was noted of each."""
        net = self._net
        self._give_back()
        net.module_, net.models, net.criterion_, net.optimizer_ = self._whole
        net.progress_, net.places_ = self._progress, None


def some_models(module: RegressionModel, models: list[int]) -> RegressionModel:
    """Return a module of some of the models of a module, around copies of their numbers."""
    index = torch.tensor(models, device=module.weights.device)

    def rows(value: Tensor) -> Tensor:
        # What all models share stays whole.
        return value.index_select(0, index) if len(value) == module.n_models else value

    some = module.with_numbers(rows)
    some.k = tuple(module.k[model] for model in models)
    return some
