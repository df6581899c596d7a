"""What estimators with a skorch net have in common once they are fitted."""

from __future__ import annotations

from typing import Any

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
