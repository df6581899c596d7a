"""What restoring and training cost, for benchmarks/denoising.py: CPU time and memory."""

from __future__ import annotations

import numpy as np
import torch
from _memory import peak_bytes, saved_bytes
from _timing import interleaved_medians

from sklearn_reasoning import HybridReasoningDenoiser
from sklearn_reasoning.estimators.denoiser._patches import PatchBatch

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
    patches = torch.from_numpy(np.resize(np.float32(image), shape))
    batch = PatchBatch(patches, patches)
    bytes_of = {
        "predict": peak_bytes(lambda: model.predict([image])),
        "step": peak_bytes(lambda: net.train_step(batch)),
        "saved": saved_bytes(lambda: net.module_(batch)),
    }
    return {name: count / 1e6 for name, count in bytes_of.items()}
