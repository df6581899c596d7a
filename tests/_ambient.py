"""What a program may have set for itself in torch and numpy around a fit."""

from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def set_and_reset(setter, value, before):
    """Set something for the time of a with statement."""
    setter(value)
    try:
        yield
    finally:
        setter(before)


# The first three were once wrong.
USUAL = {
    "no gradients": torch.no_grad,
    "inference mode": torch.inference_mode,
    "float64 by default": lambda: set_and_reset(
        torch.set_default_dtype, torch.float64, torch.get_default_dtype()
    ),
    "floating point errors raise": lambda: np.errstate(all="raise", under="ignore"),
}
