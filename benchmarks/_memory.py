"""What torch holds while a function runs."""

from __future__ import annotations

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile


def peak_bytes(function):
    """Return the most that torch held at a time beyond what it held before."""
    function()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        function()
    events = [e for e in recorded.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(int(np.cumsum(changes).max(initial=0)), 0)


def saved_bytes(function):
    """Return what autograd keeps for the backward pass, each storage once."""
    storages = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = function()
    del output
    return sum(storage.nbytes() for storage in storages.values())
