"""What restoring and training cost, for benchmarks/denoising.py: CPU time and memory."""

from __future__ import annotations

import numpy as np
import torch
from _timing import interleaved_medians
from torch.profiler import ProfilerActivity, profile

from sklearn_reasoning import HybridReasoningDenoiser

STEPS_OF_THE_LAYER = (1, 20, 1000)


def cpu_seconds(restorers, image, level, repeats):
    """Return each method's median CPU seconds for one image, the methods taking turns."""
    functions = {
        name: lambda restore=restore: restore(image, level) for name, restore in restorers.items()
    }
    return interleaved_medians(functions, repeats)


def memory(settings, image):
    """Return the memory of a prediction and of a training step, in MB, for some k.

    Parameters
    ----------
    settings : dict
        Parameters of HybridReasoningDenoiser.
    image : ndarray of shape (height, width)

    Returns
    -------
    list of dict
        ``k``; ``predict`` and ``step``, the peak of what torch holds at a time beyond model and
        data; ``saved``, what a step keeps from its forward to its backward pass.
    """
    return [{"k": k, **_memory(settings, image, k)} for k in STEPS_OF_THE_LAYER]


def _memory(settings, image, k):
    model = HybridReasoningDenoiser(**{**settings, "k": k, "max_steps": 1, "random_state": 0})
    model.fit([image], [image])
    net, shape = model.net_, (model.batch_size, 1, model.patch_size, model.patch_size)
    batch = 2 * (torch.from_numpy(np.resize(np.float32(image), shape)),)
    bytes_of = {
        "predict": _peak_bytes(lambda: model.predict([image])),
        "step": _peak_bytes(lambda: net.train_step(batch)),
        "saved": _saved_bytes(lambda: net.module_(batch[0])),
    }
    return {name: count / 1e6 for name, count in bytes_of.items()}


def _peak_bytes(function):
    """Return the most that torch held at a time beyond what it held before."""
    function()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        function()
    events = [e for e in recorded.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return max(int(np.cumsum(changes).max(initial=0)), 0)


def _saved_bytes(function):
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
