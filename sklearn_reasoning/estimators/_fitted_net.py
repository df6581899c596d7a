"""What estimators with a skorch net have in common once they are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning._support.documentation import Documented
from sklearn_reasoning.properties import FittedLayer

from ._watch import CallbackSupportMixin


class FittedNet(Documented, CallbackSupportMixin):
    """Mixin of an estimator whose ``fit`` leaves a skorch net in ``net_``."""

    @property
    def history_(self) -> Any:
        """The history of the net."""
        return self._net().history

    def _net(self) -> Any:
        # hasattr(estimator, "module_") must be False before fit.
        if "net_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet: call fit first.")
        return vars(self)["net_"]

    @contextmanager
    def _unchanged_on_failure(self) -> Iterator[None]:
        """Whatever goes wrong, Ctrl-C included: leave the estimator as it was before."""
        before = dict(self.__dict__)
        try:
            yield
        except BaseException:
            self.__dict__ = before
            raise

    def _fitted_layer(self) -> FittedLayer:
        """Return the trained layer, for :func:`~sklearn_reasoning.properties.certify`."""
        check_is_fitted(self)
        net = self._net()
        module, ends = net.module_, net.models[0].step_size_range
        kept_in = None if module.step_size is None else ends
        k, phi, start = module.k[0], module.learned(), self._start_of_layer()
        return FittedLayer(module.algorithm, k, phi, module.mu, module.L, kept_in, **start)

    def _start_of_layer(self) -> dict[str, Any]:
        """Return what a layer that does not begin at 0 says of its start."""
        return {}

    def __sklearn_is_fitted__(self) -> bool:
        return "net_" in vars(self)

    def __sklearn_clone__(self) -> Any:
        parent: Any = super()
        try:
            return parent.__sklearn_clone__()
        except Exception as error:
            if (what := self._not_to_be_copied()) is None:
                raise
            raise TypeError(
                f"{what} cannot be copied, which clone and every search do ({error}). Make what "
                "cannot be copied when training begins, as in on_train_begin of a callback, or "
                "define a __sklearn_clone__ that returns self to share it."
            ) from error

    def _not_to_be_copied(self) -> str | None:
        """Return which parameter cannot be copied, and what it holds; None if each one can."""
        parent: Any = self
        for name, value in parent.get_params(deep=False).items():
            for entry in value if isinstance(value, list | tuple) else [value]:
                try:
                    clone(entry, safe=False)
                except Exception:
                    part = entry[-1] if isinstance(entry, tuple) and entry else entry
                    return f"{name} holds a {type(part).__name__} that"
        return None
