"""What one fit asks of the trainer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ._batches import cut
from ._fit import fit_stack
from ._net import ModelNet
from ._settings import Architecture, ModelSettings, Rows

#: The most models that train as one stack: beyond, its arrays leave the processor's cache.
LARGEST_STACK = 256


@dataclass(frozen=True)
class TrainingTask:
    """A model to be trained, alone or in a stack.

    Parameters
    ----------
    architecture : Architecture
    settings : ModelSettings
    rows : Rows
        Training rows.
    validation : Rows or None
        Validation rows, for early stopping.
    dtype : torch.dtype
    device : str
    """

    architecture: Architecture
    settings: ModelSettings
    rows: Rows
    validation: Rows | None
    dtype: torch.dtype
    device: str

    def train_beside(
        self,
        tasks: Sequence[TrainingTask],
        *,
        initial: ModelNet | None = None,
        callbacks: Any = None,
        verbose: int = 0,
        watch: Any = None,
    ) -> ModelNet:
        """Return the trained net of tasks with one key, this one among them.

        Parameters
        ----------
        tasks : sequence of TrainingTask
        initial, callbacks, verbose, watch
            As for :func:`fit_stack`.
        """
        validation = [task.validation for task in tasks if task.validation is not None]
        return fit_stack(
            self.architecture,
            [task.settings for task in tasks],
            [task.rows for task in tasks],
            validation=validation or None,
            initial=initial,
            dtype=self.dtype,
            device=self.device,
            callbacks=callbacks,
            verbose=verbose,
            watch=watch,
        )

    @property
    def stack_key(self) -> Hashable:
        """What tasks must have in common to be trained in one stack."""
        settings = self.settings
        # Sums over unlike padded lengths round differently.
        batches = cut(len(self.rows.y), settings.batch_size)
        n_held_out = 0 if self.validation is None else len(self.validation.y)
        return (
            self.architecture,
            settings.optimizer,
            # A step size for each iteration makes k a matter of shape.
            len(settings.step_size) if len(settings.step_size) != 1 else None,
            batches,
            n_held_out and cut(n_held_out, n_held_out),
            # No step carries the offset of y where k = 0: that takes code of its own.
            settings.k == 0,
            self.dtype,
            str(self.device),
        )
