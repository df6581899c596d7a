"""Filters over many points: their slopes, and that blocks and buffers change no bit."""

import threading

import pytest
import torch
from _covering import covering

from sklearn_reasoning._polynomials import _elementwise, evaluate, values_and_slopes
from sklearn_reasoning.algorithms import Algorithm, get_algorithm

MU, L = 0.1, 1.0
CLOSED = ["gd", "nag", "heavy_ball", "chebyshev"]


def closed(name):
    return get_algorithm(name)._closed_filter(MU, L)


def points(*shape, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return MU + (L - MU) * torch.rand(*shape, generator=generator, dtype=dtype)


@covering("name, k", CLOSED, [0, 1, 2, 3, 4, 7, 30, 100])
def test_values_and_slopes_are_those_of_the_steps(name, k):
    """Autograd through the k steps, taken one by one."""
    t, phi = points(3, 4).requires_grad_(), 0.8 + 0.1 * points(3, 1)
    copies = phi.expand(t.shape).clone().detach().requires_grad_()
    by_steps = Algorithm._filter(get_algorithm(name), t, k, copies, MU, L) + 0.0 * (t + copies)
    expected = by_steps, *torch.autograd.grad(by_steps.sum(), (t, copies))
    found = values_and_slopes(closed(name), phi, t, k)
    for own, other in zip(found, expected, strict=True):
        assert own.shape == t.shape
        assert not own.requires_grad
        torch.testing.assert_close(own, other.detach(), rtol=1e-10, atol=1e-11)


@covering("name, per_model, dtype", CLOSED, [True, False], [torch.float64, torch.float32])
def test_blocks_change_no_bit(name, per_model, dtype, monkeypatch):
    """Rows innermost in memory, as in stacks, or outermost; every k and phi its own, or one."""
    phi = 0.8 + 0.1 * points(5, 1, 1, dtype=dtype) if per_model else 0.9
    k = torch.tensor([0, 3, 12, 1, 100]).reshape(5, 1, 1) if per_model else 12
    for t in (points(5, 70, 6, dtype=dtype), points(5, 6, 70, dtype=dtype).mT):
        whole = evaluate(closed(name), phi, t, k), *values_and_slopes(closed(name), phi, t, k)
        for size in (16, 40, 1000):
            n_bytes = size * t.element_size()
            monkeypatch.setattr(_elementwise, "_BYTES_AT_ONCE", n_bytes)
            parts = evaluate(closed(name), phi, t, k), *values_and_slopes(closed(name), phi, t, k)
            assert all(map(torch.equal, whole, parts))
            assert all(part.stride() == t.stride() for part in parts)
        monkeypatch.undo()


def test_blocks_cover_every_point_once():
    t = points(3, 7, 50).permute(2, 0, 1)
    count = torch.zeros_like(t)
    for block in _elementwise._blocks(t, 64):
        assert t[block].numel() <= 2 * 64
        count[block] += 1
    assert (count == 1).all()


@pytest.mark.parametrize("name", CLOSED)
def test_results_stay_when_buffers_are_used_again(name):
    """In inference mode or not, by other shapes and k, and by other threads."""
    with torch.inference_mode():
        first = evaluate(closed(name), 0.9, points(40, 5), 30)
    kept = first.clone()
    second = values_and_slopes(closed(name), 0.7, points(60, 5), 30)
    copies = [x.clone() for x in second]
    elsewhere = []
    threads = [
        threading.Thread(
            target=lambda: elsewhere.append(values_and_slopes(closed(name), 0.7, points(60, 5), 30))
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    values_and_slopes(closed(name), 0.5, points(60, 5), 7)
    for thread in threads:
        thread.join()
    assert torch.equal(first, kept)
    for found in (second, *elsewhere):
        assert all(map(torch.equal, found, copies))
