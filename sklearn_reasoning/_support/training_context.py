"""Training, whatever the caller has set for itself in torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from .threads import one_thread


@contextmanager
def training_context() -> Iterator[None]:
    """Train on one thread, and with gradients where the caller has turned them off.

    Under a caller's ``torch.no_grad`` a loss needs no gradient, which is what a model without
    anything to learn looks like too: it would be left as it was drawn.
    """
    with one_thread(), torch.inference_mode(mode=False), torch.enable_grad():
        yield
