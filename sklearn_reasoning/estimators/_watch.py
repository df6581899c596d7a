"""scikit-learn's callbacks, which came with 1.9 and are experimental there: the one file for them.

Before 1.9 there is no ``set_callbacks``, and nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, TypeVar, cast

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks as _with_callbacks
except ImportError:
    CallbackSupportMixin, _with_callbacks = object, None

from sklearn_reasoning.training import ModelNet, as_if_stopped

__all__ = [
    "IS_WRAPPED",
    "CallbackSupportMixin",
    "Watch",
    "attributes_if_stopped",
    "watch_of",
    "with_callbacks",
]

#: Whether scikit-learn's function stands between a caller and ``fit``.
IS_WRAPPED = _with_callbacks is not None

_F = TypeVar("_F", bound=Callable[..., Any])


def with_callbacks(fit: _F) -> _F:
    """Return a ``fit`` after which callbacks are torn down, whatever happened."""
    # scikit-learn's own is untyped: users' calls of fit would not be checked any more.
    return fit if _with_callbacks is None else cast(_F, _with_callbacks(fit))


class Watch:
    """What tells the callbacks of an estimator of its fit and of every epoch.

    Parameters
    ----------
    estimator : estimator
        With callbacks.
    n_epochs : int or None
        The largest number of epochs; None where the parameters are not checked yet.
    data : dict
        ``X``, ``y`` and ``metadata``, as they were given to ``fit``.
    attributes : callable
        From a net in training to the attributes of an estimator whose fit had stopped there.
    """

    def __init__(
        self,
        estimator: Any,
        n_epochs: int | None,
        data: dict[str, Any],
        attributes: Callable[[Any], dict[str, Any]],
    ) -> None:
        self._told = {"estimator": estimator, **data}
        self._attributes = attributes
        self._fit = estimator._init_callback_context(max_subtasks=n_epochs)
        self._fit.call_on_fit_task_begin(**self._told)

    def begin_epoch(self) -> None:
        """Tell that an epoch begins."""
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._told)

    def end_epoch(self, net: Any) -> bool:
        """Tell that an epoch has ended, and return whether a callback wants to stop.

        The net is copied if a callback asks for the fitted estimator.
        """
        return bool(
            self._epoch.call_on_fit_task_end(
                **self._told, reconstruction_attributes=lambda: self._attributes(net)
            )
        )

    def end(self) -> None:
        """Tell that the estimator is fitted."""
        self._fit.call_on_fit_task_end(**self._told, reconstruction_attributes={})


def watch_of(
    estimator: Any,
    n_steps: Any,
    X: Any,
    y: Any,
    attributes: Callable[[Any], dict[str, Any]],
    sample_weight: Any = None,
    *,
    of: int = 1,
) -> Watch | None:
    """Return the watch over a fit that begins; None without callbacks, which then cost nothing.

    ``n_steps`` is the estimator's parameter, not checked yet; ``of`` them are an epoch.
    """
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    metadata = None if sample_weight is None else {"sample_weight": sample_weight}
    n_epochs = (
        -(-int(n_steps) // of) if isinstance(n_steps, Integral) and int(n_steps) > 0 else None
    )
    return Watch(estimator, n_epochs, {"X": X, "y": y, "metadata": metadata}, attributes)


def attributes_if_stopped(net: ModelNet) -> dict[str, Any]:
    """Return what ``fit`` of epochs would set if it stopped now."""
    return {"net_": as_if_stopped(net), "n_iter_": int(net.progress_.n_iter[0])}
