"""Energies that are not quadratic: a value is all that is written, the rest follows."""

import gc

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear, minimize

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.energies import Energy
from sklearn_reasoning.penalties import Nonnegative
from sklearn_reasoning.testing import check_energy

N, D, M = 5, 3, 4
RNG = np.random.default_rng(2)
A, B = 0.5 * RNG.normal(size=(M, D)), RNG.normal(size=(N, D))
C, START = RNG.normal(size=(N, M)), 2.0 * RNG.normal(size=(N, D))
MU = 0.5
# softplus bends by at most 1/4.
L = MU + 0.25 * np.linalg.norm(A, 2) ** 2
METHODS = ["gd", "nag", "heavy_ball", "chebyshev"]


class Softplus(Energy):
    """E(y) = mu |y|^2 / 2 + b'y + sum_j softplus(a_j'y + c_j)."""

    def __init__(self, b=B, A=A, c=C, dtype=torch.float64):
        self.b, self.A, self.c = (torch.as_tensor(x).to(dtype) for x in (b, A, c))

    def value(self, y):
        bent = torch.nn.functional.softplus(y @ self.A.mT + self.c).sum(dim=-1)
        return bent + (0.5 * MU * y.square() + self.b * y).sum(dim=-1)

    def zeros(self):
        return torch.zeros_like(self.b)


def value(y, row):
    bent = np.logaddexp(0, A @ y + C[row]).sum()
    return bent + 0.5 * MU * y @ y + B[row] @ y


def slope(y, row):
    return A.T @ (1 / (1 + np.exp(-(A @ y + C[row])))) + MU * y + B[row]


def minimiser(row, bounds=None):
    method = "L-BFGS-B" if bounds else "BFGS"
    options = {"gtol": 1e-10} | ({"ftol": 0.0} if bounds else {})
    return minimize(value, np.zeros(D), (row,), method, slope, bounds=bounds, options=options).x


def layer_of(name, **options):
    return ReasoningLayer(name, mu=MU, L=L, **options)


# ---------------------------------------------------------------------- values


def test_the_gradient_is_the_formula():
    y = torch.tensor(START)
    expected = np.stack([slope(START[row], row) for row in range(N)])
    np.testing.assert_allclose(Softplus().gradient(y), expected, rtol=1e-12)
    np.testing.assert_allclose(
        Softplus().value(y), [value(START[row], row) for row in range(N)], rtol=1e-12
    )


@pytest.mark.parametrize("start", [None, START, START[0]], ids=["zero", "each its own", "one"])
@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_the_layer_is_the_loop(name, start):
    layer = layer_of(name)
    phi = layer.step_size.item()
    root = np.sqrt(MU * phi)
    for k in (0, 1, 2, 7, 40):
        given = None if start is None else torch.tensor(start)
        y = layer(Softplus(), k=k, start=given).detach().numpy()
        for row in range(N):
            now = z = np.broadcast_to(0.0 if start is None else start, (N, D))[row]
            for _ in range(k):
                if name == "heavy_ball":
                    now, z = now - phi * slope(now, row) + (1 - root) ** 2 * (now - z), now
                    continue
                beta = 0 if name == "gd" else (1 - root) / (1 + root)
                after = z - phi * slope(z, row)
                now, z = after, after + beta * (after - now)
            np.testing.assert_allclose(y[row], now, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
@torch.no_grad()
def test_many_steps_end_at_scipys_minimiser(name):
    expected = np.stack([minimiser(row) for row in range(N)])
    for start in (None, torch.tensor(START)):
        y = layer_of(name, k=200)(Softplus(), start=start).detach().numpy()
        np.testing.assert_allclose(y, expected, atol=1e-7)
        for row in range(N):  # and is nearer to it than scipy is
            assert np.abs(slope(y[row], row)).max() <= 1e-12


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_a_set_and_an_energy_that_is_not_quadratic_go_together(name):
    layer = layer_of(name, penalty=Nonnegative())
    for k in (0, 1, 2, 7):
        assert (layer(Softplus(), k=k, start=torch.tensor(START)) >= 0).all()
    y = layer(Softplus(), k=200).detach().numpy()
    expected = np.stack([minimiser(row, [(0, None)] * D) for row in range(N)])
    assert (expected == 0).any()
    assert (expected > 0).any()
    np.testing.assert_allclose(y, expected, atol=1e-6)
    slopes = np.stack([slope(y[row], row) for row in range(N)])
    assert np.abs(slopes[y > 0]).max() <= 1e-12
    assert (slopes[y == 0] >= 0).all()


def test_each_sample_takes_its_own_number_of_steps():
    k = [0, 3, 1, 40, 7]
    for name in METHODS:
        y = layer_of(name)(Softplus(), k=torch.tensor(k))
        for row, steps in enumerate(k):
            torch.testing.assert_close(y[row], layer_of(name)(Softplus(), k=steps)[row])


def test_a_cell_takes_such_an_energy():
    """It begins as gradient descent of step size 1/L."""
    y = layer_of("rnn", k=9)(Softplus())
    torch.testing.assert_close(y, layer_of("gd", k=9)(Softplus()), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", METHODS)
def test_float32_energies_give_float32(name):
    y = layer_of(name, k=9)(Softplus(dtype=torch.float32))
    assert y.dtype == torch.float32
    torch.testing.assert_close(y.double(), layer_of(name, k=9)(Softplus()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cg", "opt"])
def test_methods_for_quadratic_energies_are_refused(name):
    with pytest.raises(ValueError, match=f"algo='{name}' needs .* energies of Softplus do not"):
        layer_of(name)(Softplus())


# ---------------------------------------------------------------------- derivatives


@pytest.mark.parametrize("name", METHODS)
def test_derivatives_through_the_steps_are_finite_differences(name):
    layer = layer_of(name, k=4)
    inputs = [torch.tensor(x, requires_grad=True) for x in (B, A, C, START)]

    def run(b, matrix, c, start):
        return layer(Softplus(b, matrix, c), start=start)

    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_the_derivative_in_the_step_size_is_a_finite_difference(name):
    layer, width = layer_of(name, k=6), 1e-6
    layer(Softplus()).square().sum().backward()
    middle = layer.step_size.item() * 0.9
    layer = layer_of(name, k=6, step_size=middle)
    layer(Softplus()).square().sum().backward()
    sides = []
    for size in (middle + width, middle - width):
        y = layer_of(name, k=6, step_size=size)(Softplus())
        sides.append(y.square().sum().item())
    assert layer._step_size.grad.item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6)


def test_the_derivative_after_many_steps_is_that_of_the_minimiser():
    """By the implicit function theorem dy/db = -H^-1, H the second derivative at the minimiser."""
    b = torch.tensor(B[:1])
    jacobian = torch.autograd.functional.jacobian(
        lambda b: layer_of("nag", k=300)(Softplus(b, c=C[:1])), b
    )[0, :, 0].numpy()
    p = 1 / (1 + np.exp(-(A @ minimiser(0) + C[0])))
    hessian = A.T * (p * (1 - p)) @ A + MU * np.eye(D)
    np.testing.assert_allclose(jacobian, -np.linalg.inv(hessian), atol=1e-7)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_gradient_does_not_depend_on_the_grad_mode(mode):
    expected = np.stack([slope(START[row], row) for row in range(N)])
    with mode():
        energy = Softplus()
        found = energy.gradient(torch.tensor(START))
        y = layer_of("nag", k=5, learn_step_size=False)(energy)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # Nothing is learned here, so that no graph may stay.
    assert not found.requires_grad
    assert not y.requires_grad


def test_steps_without_anything_to_learn_keep_no_iterates():
    """After the call there is one tensor of the iterates' size that was not there before."""
    energy = Softplus(np.zeros((1000, D)), c=np.zeros((1000, M)))
    layer = layer_of("gd", k=50, learn_step_size=False)

    def count():
        gc.collect()
        return sum(
            type(thing) is torch.Tensor and thing.shape == (1000, D) for thing in gc.get_objects()
        )

    before = count()
    y = layer(energy)
    assert y.grad_fn is None
    assert count() == before + 1


# ---------------------------------------------------------------------- the contract


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_keeps_the_contract(dtype):
    check_energy(Softplus(dtype=dtype))
    assert Softplus.provides == {"gradient"}


def test_an_energy_with_learned_parts_keeps_the_contract():
    b = torch.tensor(B, requires_grad=True)
    check_energy(Softplus(b))
    assert b.grad is None


class OwnGradient(Softplus):
    """With the gradient in closed form."""

    def gradient(self, y):
        return torch.sigmoid(y @ self.A.mT + self.c) @ self.A + MU * y + self.b


def test_a_gradient_of_ones_own_replaces_the_automatic_one():
    check_energy(OwnGradient())
    for name in METHODS:
        ours, automatic = (layer_of(name, k=12)(kind()) for kind in (OwnGradient, Softplus))
        torch.testing.assert_close(ours, automatic, rtol=1e-11, atol=1e-12)


class WrongGradient(OwnGradient):
    def gradient(self, y):
        return super().gradient(y) + 0.01 * y


class OneNumberForAll(Softplus):
    def value(self, y):
        return super().value(y).sum()


class ScaledByAnotherRow(Softplus):
    """Rows lean on their neighbours: they are no samples of their own."""

    def value(self, y):
        return super().value(y) + 0.1 * (y * y.roll(1, -2)).sum(dim=-1)


class OfAnotherDtype(Softplus):
    def value(self, y):
        return super().value(y).float()


class StartsAtOne(Softplus):
    def zeros(self):
        return torch.ones_like(self.b)


class GradientOfOneRow(OwnGradient):
    def gradient(self, y):
        return super().gradient(y)[..., :1, :]


class ProvidesNothing(Softplus):
    provides = frozenset()


class ProductsThatAreNone(Softplus):
    """Its second derivative is another one at each point, so there is no Q."""

    provides = frozenset({"gradient", "product"})

    def product(self, v):
        return MU * v


class MinimizerThatIsNone(Softplus):
    provides = frozenset({"gradient", "minimizer"})

    def minimizer(self):
        return -self.b / MU


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        (WrongGradient(), "the gradient is not the derivative of the value"),
        (OneNumberForAll(), r"value makes \(\), .*; it is a number for each row"),
        (ScaledByAnotherRow(), "the gradient of a row moves with another row"),
        (OfAnotherDtype(), r"value makes .*torch.float32 of .*torch.float64"),
        (StartsAtOne(), r"zeros\(\) are not 0"),
        (GradientOfOneRow(), r"gradient makes \(1, 3\)"),
        (ProvidesNothing(), "provides must name 'gradient'"),
        (ProductsThatAreNone(), r"the gradient is not Q y \+ b"),
        (MinimizerThatIsNone(), "the gradient at the minimizer is not 0"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Energy) else "",
)
def test_wrong_energies_are_found_out(energy, message):
    with pytest.raises(AssertionError, match=message) as caught:
        check_energy(energy)
    assert str(caught.value).startswith(type(energy).__name__)


def test_an_energy_needs_a_value_and_zeros():
    class NoValue(Energy):
        def zeros(self):
            return torch.zeros(1, 2)

    with pytest.raises(TypeError, match="abstract"):
        NoValue()


@torch.no_grad()
def test_a_quadratic_written_as_a_value_is_the_least_squares_problem():
    """|A y + c|^2 / 2, projected: what scipy's lsq_linear solves."""

    class LeastSquares(Energy):
        def value(self, y):
            return 0.5 * (y @ torch.tensor(A).mT + torch.tensor(C)).square().sum(dim=-1)

        def zeros(self):
            return torch.zeros(N, D, dtype=torch.float64)

    check_energy(LeastSquares())
    curvatures = np.linalg.eigvalsh(A.T @ A)
    layer = ReasoningLayer(
        "nag", 1000, curvatures[0], curvatures[-1], penalty=Nonnegative(), learn_step_size=False
    )
    expected = [lsq_linear(A, -C[row], (0, np.inf), method="bvls").x for row in range(N)]
    np.testing.assert_allclose(layer(LeastSquares()), np.stack(expected), atol=1e-8)
