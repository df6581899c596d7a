"""The algorithms as plain loops over vectors: what certificates are compared with."""

import numpy as np
import pytest


def gd(Q, b, step_sizes, mu, L, start=0.0):
    y = start + 0.0 * b
    for phi in step_sizes:
        y = y - phi * (Q @ y + b)
    return y


def nag(Q, b, step_sizes, mu, L, start=0.0):
    y = z = start + 0.0 * b
    for phi in step_sizes:
        s = (mu * phi) ** 0.5
        y_next = z - phi * (Q @ z + b)
        z = y_next + (1 - s) / (1 + s) * (y_next - y)
        y = y_next
    return y


def heavy_ball(Q, b, step_sizes, mu, L, start=0.0):
    y = y_before = start + 0.0 * b
    for phi in step_sizes:
        beta = (1 - (mu * phi) ** 0.5) ** 2
        y, y_before = y - phi * (Q @ y + b) + beta * (y - y_before), y
    return y


def fista(Q, b, step_sizes, mu, L, start=0.0):
    y = z = start + 0.0 * b
    for i, phi in enumerate(step_sizes):
        y_next = z - phi * (Q @ z + b)
        z = y_next + i / (i + 3) * (y_next - y)
        y = y_next
    return y


def admm(Q, b, step_sizes, mu, L, start=0.0):
    y = start + 0.0 * b
    for i, phi in enumerate(step_sizes):
        w = y - phi * (Q @ y + b) if i == 0 else y
        y = np.linalg.solve(np.eye(len(b)) + phi * Q, w - phi * b)
    return y


def extragradient(Q, b, step_sizes, mu, L, start=0.0):
    y = start + 0.0 * b
    for phi in step_sizes:
        middle = y - 0.5 * phi * (Q @ y + b)
        y = y - phi * (Q @ middle + b)
    return y


def chebyshev(Q, b, step_sizes, mu, L, start=0.0):
    y = y_before = start + 0.0 * b
    rho, omega = (L - mu) / (L + mu), 1.0
    for i in range(len(step_sizes)):
        y, y_before = y_before + omega * (y - 2 / (mu + L) * (Q @ y + b) - y_before), y
        omega = 2 / (2 - rho**2) if i == 0 else 4 / (4 - rho**2 * omega)
    return y


def cg(Q, b, step_sizes, mu, L, start=0.0):
    y = start + 0.0 * b
    g = Q @ y + b
    p, first = -g, g @ g
    for _ in step_sizes:
        if g @ g <= 1e-28 * first:
            break
        Qp = Q @ p
        alpha = (g @ g) / (p @ Qp)
        y, g_next = y + alpha * p, g + alpha * Qp
        p, g = (g_next @ g_next) / (g @ g) * p - g_next, g_next
    return y


def steepest_descent(Q, b, step_sizes, mu, L, start=0.0):
    y = start + 0.0 * b
    first = (Q @ y + b) @ (Q @ y + b)
    for _ in step_sizes:
        g = Q @ y + b
        if g @ g <= 1e-28 * first:
            break
        y = y - (g @ g) / (g @ (Q @ g)) * g
    return y


def opt(Q, b, step_sizes, mu, L, start=0.0):
    return -np.linalg.solve(Q, b)


def rnn(Q, b, weights, k, start=0.0):
    """Apply the cell of Eq. 20, its weights as a mapping of names to matrices."""
    y = start + 0.0 * b
    hidden = [weights[f"W{layer}"] for layer in range(2, len(weights) - 1)]
    for _ in range(k):
        signal = np.maximum(weights["W1_state"] @ y + weights["W1_gradient"] @ (Q @ y + b), 0)
        for W in hidden:
            signal = np.maximum(W @ signal, 0)
        y = weights["V"] @ signal
    return y


@pytest.fixture(scope="session")
def loops():
    """Functions (Q, b, list of k step sizes, mu, L, start) -> y_k, by names of algorithms."""
    methods = (gd, nag, heavy_ball, fista, admm, extragradient)
    methods += (chebyshev, cg, steepest_descent, opt)
    return {method.__name__: method for method in methods}


@pytest.fixture(scope="session")
def cell():
    """Function (Q, b, weights, k, start) -> y_k of the recurrent cell."""
    return rnn


@pytest.fixture(scope="session")
def random_matrix():
    """Function (rng, d, mu, L) -> eigenvalues and Q; often with mu and L among the former."""

    def draw(rng, d, mu, L):
        eigenvalues = mu + (L - mu) * rng.random(d) ** rng.choice([1, 8])
        eigenvalues[0] = rng.choice([mu, eigenvalues[0]])
        eigenvalues[-1] = rng.choice([L, eigenvalues[-1]])
        R = np.linalg.qr(rng.normal(size=(d, d)))[0]
        return eigenvalues, (R * eigenvalues) @ R.T

    return draw
