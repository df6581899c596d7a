"""Floating point operations of training: this package's classifier, and SATNet's program.

A product of matrices is two operations for each of its multiplications; the backward pass of a
product is two products of its size. What is elementwise, and the projections, are left out on both
sides.

SATNet's are those of its program for Sudoku as published (commit 6f04b5c of locuslab/SATNet):
9,000 boards, 100 epochs, 729 + 1 + 300 variables, of which inputs are fixed, m = 600, vectors of 32
numbers, and at most 40 sweeps over the variables, forward, and as many backward. How many sweeps
its stopping rule takes is not known, so both ends are given: one, and 40. From pixels all 81 cells
go through its convolutional network.
"""

from __future__ import annotations

_SATNET = {"boards": 9000, "epochs": 100, "m": 600, "aux": 300, "vector": 32, "givens": 36.2}


def of_classifier(model, n_rows, blocks_read):
    """Return the operations of a fit: a fitted model, its rows, and blocks read in a row.

    Steps multiply the matrix of the coupling with the outputs of a row. Blocks of zeros are read
    once a batch, which is left out.
    """
    a = model.module_.architecture
    columns = a.n_cells * a.n_classes // a.n_coupled
    step = 2 * a.n_coupled**2 * columns
    weights = [p for name, p in model.module_.perception.named_parameters() if "weight" in name]
    read = 2 * sum(p.numel() for p in weights) * blocks_read
    if any(p.ndim > 2 for p in weights):
        raise ValueError("convolutions use a weight in many places, which is not counted here")
    return 3.0 * (model.k * step + read) * n_rows * model.n_iter_


def of_satnet(sweeps, from_pixels):
    """Return the operations of SATNet's training with so many sweeps, forward and backward."""
    s = _SATNET
    n = 729 + 1 + s["aux"]
    free = 729 - 9 * s["givens"] + s["aux"]
    product = 2 * s["vector"] * s["m"]
    sweep = free * 2 * product  # a product with the matrix, and its update, for each variable
    around = 3 * n * product  # the matrix before the sweeps, and two for the gradient after them
    row = 2 * sweeps * sweep + around
    if from_pixels:
        cell = 24**2 * 20 * 25 + 8**2 * 50 * 20 * 25 + 800 * 500 + 500 * 10
        row += 3 * 2 * 81 * cell
    return float(row) * s["boards"] * s["epochs"]
