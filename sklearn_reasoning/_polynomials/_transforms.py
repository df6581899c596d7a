"""Whether somebody differentiates or batches in ways that handwritten derivatives refuse."""

import torch
from torch.autograd import forward_ad


def under_transform() -> bool:
    """Tell whether a transform of ``torch.func`` or forward-mode differentiation is under way.

    An ``autograd.Function`` that keeps what it likes in its ctx is refused there. Written so that
    they take it, one costs every ordinary call more than its own arithmetic.
    """
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0
