"""What estimators with a skorch net have in common once they are fitted."""

from __future__ import annotations

from typing import Any

from sklearn_reasoning._support.documentation import Documented

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

    def __sklearn_is_fitted__(self) -> bool:
        return "net_" in vars(self)
