"""Pickles that say which release made them, and which algorithms had names there."""

from __future__ import annotations

import warnings
from typing import Any

from sklearn_reasoning._version import __version__
from sklearn_reasoning.algorithms import own_algorithms
from sklearn_reasoning.exceptions import VersionMismatchWarning

_STAMP = "_sklearn_reasoning_version"
_OWN = "_own_algorithms"


class VersionStamped:
    """Mixin of an estimator whose pickles and joblib files carry the version of this package.

    scikit-learn stamps its own classes only. They carry the algorithms that were registered
    besides the package's, too: a search sends names to its workers beside the estimator.
    """

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        own = own_algorithms()
        return {**state, _STAMP: __version__, **({_OWN: own} if own else {})}

    def __setstate__(self, state: dict[str, Any]) -> None:
        stored = state.get(_STAMP)
        if stored != __version__:
            written = "a release that left no version" if stored is None else f"release {stored}"
            warnings.warn(
                f"This {type(self).__name__} was pickled by {written} of sklearn_reasoning, and "
                f"this is {__version__}. Compare its predictions with those it made there.",
                VersionMismatchWarning,
                stacklevel=2,
            )
        parent: Any = super()
        parent.__setstate__(
            {key: value for key, value in state.items() if key not in (_STAMP, _OWN)}
        )
