"""The algorithms as plain loops over one vector, in the longest floats that numpy has."""

import numpy as np

Long = np.longdouble


def gd(Q, b, sizes, mu, L):
    y = np.zeros_like(b)
    for phi in sizes:
        y = y - phi * (Q @ y + b)
        yield y


def nag(Q, b, sizes, mu, L):
    y = z = np.zeros_like(b)
    for phi in sizes:
        root = np.sqrt(mu * phi)
        y_next = z - phi * (Q @ z + b)
        z = y_next + (1 - root) / (1 + root) * (y_next - y)
        y = y_next
        yield y


def heavy_ball(Q, b, sizes, mu, L):
    y = y_before = np.zeros_like(b)
    for phi in sizes:
        beta = (1 - np.sqrt(mu * phi)) ** 2
        y, y_before = y - phi * (Q @ y + b) + beta * (y - y_before), y
        yield y


def chebyshev(Q, b, sizes, mu, L):
    # The three-term recurrence of T_j, without the omegas of the package's own.
    y_before, y = np.zeros_like(b), np.zeros_like(b)
    gamma = (L + mu) / (L - mu) if mu < L else None
    ratio_before = None
    for i in range(len(sizes)):
        step = y - 2 / (mu + L) * (Q @ y + b)
        if i == 0 or gamma is None:
            y, y_before = step, y
            ratio_before = None if gamma is None else 1 / gamma  # T_0 / T_1 at gamma
        else:
            ratio = 1 / (2 * gamma - ratio_before)  # T_j / T_{j+1}
            omega = 2 * gamma * ratio
            y, y_before = omega * step + (1 - omega) * y_before, y
            ratio_before = ratio
        yield y


def cg(Q, b, sizes, mu, L):
    y, r = np.zeros_like(b), -b
    p = r
    for _ in sizes:
        Qp = Q @ p
        if r @ r > np.finfo(Long).eps ** 2 * (b @ b):
            alpha = (r @ r) / (p @ Qp)
            y = y + alpha * p
            r_next = r - alpha * Qp
            p = r_next + (r_next @ r_next) / (r @ r) * p
            r = r_next
        yield y


def rnn(Q, b, sizes, mu, L):
    """Before it is trained, the cell is gradient descent with step size 1/L."""
    yield from gd(Q, b, [1 / Long(L)] * len(sizes), mu, L)


def fista(Q, b, sizes, mu, L):
    y = z = np.zeros_like(b)
    for i, phi in enumerate(sizes):
        y_next = z - phi * (Q @ z + b)
        z = y_next + Long(i) / (i + 3) * (y_next - y)
        y = y_next
        yield y


def admm(Q, b, sizes, mu, L):
    """Without a penalty: a gradient step, then implicit ones."""
    y = np.zeros_like(b)
    for i, phi in enumerate(sizes):
        before = y - phi * (Q @ y + b) if i == 0 else y
        y = _solve(np.eye(len(b)) + phi * Q, before - phi * b)
        yield y


def _solve(A, c):
    """Return the solution in long floats: numpy solves in float64, and residuals refine it."""
    short, x = A.astype(np.float64), np.zeros_like(c)
    for _ in range(4):
        x = x + np.linalg.solve(short, (c - A @ x).astype(np.float64))
    return x


def iterates(name, Q, b, sizes, mu, L, start=0.0):
    """Return the iterates y_0, ..., y_k of one sample, of shape (k + 1, d).

    From a start c they are c and the iterates from 0 for the linear term Qc + b. ``sizes`` holds
    the k step sizes; only their number counts for methods without one.
    """
    Q, b = np.asarray(Q, dtype=Long), np.asarray(b, dtype=Long)
    start = np.broadcast_to(np.asarray(start, dtype=Long), b.shape)
    steps = globals()[name](Q, Q @ start + b, [Long(phi) for phi in sizes], Long(mu), Long(L))
    return start + np.stack([np.zeros_like(b), *steps])


def minimiser(eigenvalues, R, b):
    """Return -R diag(1/eigenvalues) R' b in long floats."""
    eigenvalues, R, b = (np.asarray(x, dtype=Long) for x in (eigenvalues, R, b))
    return -R @ ((R.T @ b) / eigenvalues)
