"""Grids cut into parts, so that long searches can take turns with short ones."""

from __future__ import annotations

from sklearn.model_selection import ParameterGrid


def parts_of(grid, n_parts):
    """Cut a grid into lists of single candidates that each hold a bit of everything."""
    candidates = [{name: [value] for name, value in c.items()} for c in ParameterGrid(grid)]
    return [candidates[i::n_parts] for i in range(n_parts)]
