"""What one fit asks of the trainer, and how several are trained side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.training import ModelNet, ModelSettings, build_net, train

from ._adaptation import has_filter
from ._episodes import Episodes, StackedEpisodes
from ._head_model import HeadModel
from ._scales import Scales
from ._settings import FewShotArchitecture
from ._weights_model import WeightsModel


@dataclass(frozen=True)
class FewShotTask:
    """A model to be trained, alone or beside others.

    Parameters
    ----------
    architecture : FewShotArchitecture
    settings : ModelSettings
    scales : Scales
    episodes : Episodes
        Training groups.
    validation : Episodes or None
        Groups that are held out, for early stopping.
    dtype : torch.dtype
    device : str
    """

    architecture: FewShotArchitecture
    settings: ModelSettings
    scales: Scales
    episodes: Episodes
    validation: Episodes | None
    dtype: torch.dtype
    device: str

    @property
    def stack_key(self) -> Hashable:
        """What tasks must have in common to be trained in one stack."""
        parts = (self.episodes, self.validation)
        shapes = tuple(part and tuple(slot.shape for slot in part.slots) for part in parts)
        settings = self.settings
        # Steps of a loop are rounded in another way where there are more of them side by side.
        a = self.architecture
        alone = a.adapt == "all" or not has_filter(a.algorithm)
        return (
            id(self) if alone else None,
            self.architecture,
            settings.optimizer,
            shapes,
            settings.k == 0,
            self.dtype,
            str(self.device),
        )

    def train_beside(
        self,
        tasks: Sequence[FewShotTask],
        *,
        initial: Any = None,
        callbacks: Any = None,
        verbose: int = 0,
        watch: Any = None,
    ) -> ModelNet:
        """Return the trained net of tasks with one key, this one among them.

        Parameters
        ----------
        tasks : sequence of FewShotTask
        initial : ModelNet or None, default=None
            A net of this task's shapes to start from; it is not changed.
        callbacks : list or None
        verbose : int
        watch : object or None
            As for ``fit_loop`` of the net.
        """
        kind = WeightsModel if self.architecture.adapt == "all" else HeadModel
        models = [task.settings for task in tasks]
        net = build_net(
            kind, self.architecture, models, self.dtype, self.device, callbacks, verbose
        )
        for i, task in enumerate(tasks):
            task.scales.put(net.module_, i)
            net.module_.draw_weights(i, task.settings.seed)
        if initial is not None:
            net.module_.load_state_dict(initial.module_.state_dict())
        held_out = [task.validation for task in tasks if task.validation is not None]
        rows = _beside([task.episodes for task in tasks])
        valid = _beside(held_out) if held_out else None
        epochs = max(model.max_epochs for model in models)
        with training_context():
            train(net, rows, valid, epochs=epochs, watch=watch)
        return net


def _beside(parts: Sequence[Episodes]) -> Episodes | StackedEpisodes:
    return parts[0] if len(parts) == 1 else StackedEpisodes(parts)
