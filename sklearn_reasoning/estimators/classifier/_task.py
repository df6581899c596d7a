"""What one fit of the classifier asks of the trainer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sklearn_reasoning.estimators._held_out import kept_and_held_out
from sklearn_reasoning.training import ModelNet, ModelSettings, build_net, train

from ._coupled_model import CoupledModel
from ._labels import Labels
from ._parameters import architecture_of, input_noise_of, settings_of
from ._perception import check_module, drawing
from ._rows import CellBatches, CellRows
from ._settings import ClassifierArchitecture
from ._slower_starts import learned_nothing, slower_starts

_Array = np.ndarray[Any, Any]

# Rows whose held-out loss is measured at once.
_VALIDATED_AT_ONCE = 1000


@dataclass(frozen=True)
class ClassifierTask:
    """A classifier to be trained.

    Parameters
    ----------
    architecture : ClassifierArchitecture
    settings : ModelSettings
    rows : CellRows
        Training rows.
    validation : CellRows or None
        Rows that are held out, for early stopping.
    noise : ndarray of shape (n_features,), or None
    n_blocks : int
    permutes : bool
        As :class:`CellBatches` takes the three.
    begins_anew : bool
        Whether a training that learned nothing is begun anew, at lower rates.
    dtype : torch.dtype
    device : str
    """

    architecture: ClassifierArchitecture
    settings: ModelSettings
    rows: CellRows
    validation: CellRows | None
    noise: _Array | None
    n_blocks: int
    permutes: bool
    begins_anew: bool
    dtype: torch.dtype
    device: str

    def trained(self, last: ModelNet | None, callbacks: Any, verbose: int, watch: Any) -> ModelNet:
        """Return the trained net.

        Parameters
        ----------
        last : ModelNet or None
            A net of this task's shapes to go on from; it is not changed.
        callbacks : list or None
        verbose : int
        watch : object or None
            As for ``train``. What is watched is not begun anew.
        """
        net = self._begun(self.settings, last, callbacks, verbose)
        x = torch.tensor(self.rows.x[:2], dtype=self.dtype, device=self.device)
        check_module(net.module_.perception, self.architecture, x)
        batches, valid = self._batches(), self._held_out()
        epochs = self.settings.max_epochs
        with self._draws():
            train(net, batches, valid, epochs=epochs, watch=watch)
            if self.begins_anew and watch is None:
                for slower in slower_starts(self.settings):
                    if not learned_nothing(net, self.settings, self.architecture.n_classes):
                        break
                    net = self._begun(slower, last, callbacks, verbose)
                    train(net, batches, valid, epochs=epochs)
        return net

    def _begun(
        self, settings: ModelSettings, last: ModelNet | None, callbacks: Any, verbose: int
    ) -> ModelNet:
        """Return the net to train: drawn, or with the weights of the last one."""
        net = build_net(
            CoupledModel,
            self.architecture,
            [settings],
            self.dtype,
            self.device,
            callbacks,
            verbose,
        )
        if last is None:
            net.module_.draw_weights(0, settings.seed)
            return net
        if last.module_.architecture != self.architecture:
            raise ValueError(
                "warm_start=True goes on from the last fit and needs its shapes; columns, classes "
                "or a parameter that changes them are now different. Use clone() to begin anew."
            )
        net.module_.load_state_dict(last.module_.state_dict())
        return net

    def _batches(self) -> CellBatches:
        return CellBatches(
            self.rows,
            self.architecture.n_classes,
            self.settings.batch_size,
            self.settings.seed,
            self.dtype,
            self.device,
            self.noise,
            self.n_blocks,
            self.permutes,
        )

    def _held_out(self) -> CellBatches | None:
        if self.validation is None:
            return None
        n_classes = self.architecture.n_classes
        return CellBatches(
            self.validation, n_classes, _VALIDATED_AT_ONCE, None, self.dtype, self.device
        )

    def _draws(self) -> AbstractContextManager[None]:
        """Seed what modules of one's own draw in training, as dropout does."""
        if callable(self.architecture.perception):
            return drawing(self.settings.seed, self.device)
        return nullcontext()


def task_of(
    estimator: Any, rows: CellRows, labels: Labels, dtype: torch.dtype, seed: int
) -> ClassifierTask:
    """Return what ``fit`` trains on rows that were read; a ValueError if X cannot be cut."""
    architecture = architecture_of(estimator, labels, rows.x.shape[1])
    train_rows, held_out = _hold_out(estimator, rows, seed)
    return ClassifierTask(
        architecture,
        settings_of(estimator, len(train_rows.x), seed),
        train_rows,
        held_out,
        *input_noise_of(estimator, train_rows.x, labels.n_cells),
        permutes=estimator.permute_classes,
        begins_anew=bool((rows.cell_weight == 0.0).any()) and not estimator.warm_start,
        dtype=dtype,
        device=estimator.device,
    )


def _hold_out(estimator: Any, rows: CellRows, seed: int) -> tuple[CellRows, CellRows | None]:
    """Return training rows and, for early stopping, validation rows.

    A ValueError if no training row would be left.
    """
    if not estimator.early_stopping:
        return rows, None
    n = len(rows.x)
    refusal = (
        "early_stopping=True needs two rows or more, to train on and to hold out, and "
        f"validation_fraction={estimator.validation_fraction!r} leaves no training rows of "
        f"n_samples={n}."
    )
    kept, held_out = kept_and_held_out(n, estimator.validation_fraction, seed, refusal)
    return rows.take(kept), rows.take(held_out)
