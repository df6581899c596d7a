"""Unrolling with autograd, for benchmarks/rivals.py: time and memory against k."""

from __future__ import annotations

import torch
from _memory import peak_bytes
from _rival_table import Row, number, timed_row
from _timing import interleaved_seconds
from _unrolled import row_product, unroll

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import SpectralQuadratic

MU, L, N, D = 0.1, 1.0, 200, 20
STEPS = (1, 10, 100, 1000)
TURN = 0.1  # seconds


def unrolling_rows(repeats=7, steps=STEPS):
    """Compare the layer with a loop that autograd records, forward and backward.

    Both get eigenvalues, eigenvectors, b and a step size, and give the gradients of eigenvalues,
    b and step size.
    """
    generator = torch.Generator().manual_seed(0)
    options = {"dtype": torch.float64, "generator": generator}
    eigenvalues = (MU + (L - MU) * torch.rand(N, D, **options)).requires_grad_()
    rotation = torch.linalg.qr(torch.randn(N, D, D, **options))[0].contiguous()
    b = torch.randn(N, D, **options).requires_grad_()
    target = torch.randn(N, D, **options)
    for algo in ("gd", "nag"):
        for k in steps:
            layer = ReasoningLayer(algo, k, MU, L, step_size=1.0)
            (layer_phi,) = layer.parameters()
            phi = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)

            def by_hand(algo=algo, k=k, phi=phi):
                Q = (rotation * eigenvalues.unsqueeze(1)) @ rotation.mT
                y = unroll(algo, k, lambda z: row_product(Q, z), b, phi, MU)
                return y, torch.autograd.grad((y * target).sum(), (eigenvalues, b, phi))

            def ours(layer=layer, phi=layer_phi):
                y = layer(SpectralQuadratic(eigenvalues, rotation, b))
                return y, torch.autograd.grad((y * target).sum(), (eigenvalues, b, phi))

            (y, gradients), (our_y, our_gradients) = by_hand(), ours()
            agreement = (
                f"y to {deviation([our_y], [y]):.0e}, "
                f"gradients to {deviation(our_gradients, gradients):.0e}"
            )
            seconds = interleaved_seconds({"rival": by_hand, "ours": ours}, repeats, TURN)
            setting = f"{algo}, k = {k:,}, n = {N}, d = {D}, float64"
            yield timed_row("k steps", setting, "autograd unrolling", seconds, agreement)
            peaks = [peak_bytes(function) / 1e6 for function in (by_hand, ours)]
            shown = [f"{number(megabytes)} MB" for megabytes in peaks]
            ratio = number(peaks[0] / peaks[1])
            yield Row("its memory", setting, "autograd unrolling", *shown, ratio, "")


def deviation(values, references):
    """Return the largest deviation of some tensors, relative to the largest of all entries.

    Together, because the gradient of the step size alone ends in nothing but rounding: after many
    steps the result hardly depends on it.
    """
    values, references = (
        torch.cat([t.detach().flatten() for t in ts]) for ts in (values, references)
    )
    return ((values - references).abs().max() / references.abs().max()).item()
