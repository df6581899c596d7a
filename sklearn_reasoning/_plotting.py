"""What every display needs before it draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Okabe and Ito's colours, which colour-blind readers tell apart, without their pale yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def check_matplotlib(caller: str) -> None:
    """Raise an ImportError that says how to get matplotlib, if it is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib. Install it with pip install matplotlib, or with this "
            "package's extra [plot]."
        ) from error


def check_one_of(name: str, value: object, known: Sequence[object]) -> None:
    """Raise a ValueError that lists the options, for one that is unknown."""
    if value not in known:
        raise ValueError(f"{name}={value!r} is not one of {list(known)}.")


def given_axes(ax: Any, n_panels: int, panels: str) -> NDArray[Any]:
    """Return the Axes that a user gives, one a panel; ``panels`` is for the message."""
    axes = np.asarray(ax, dtype=object).ravel()
    if len(axes) != n_panels:
        raise ValueError(
            f"ax must hold {n_panels} Axes, one for each panel, {panels}; got {len(axes)}."
        )
    return axes
