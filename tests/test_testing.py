"""The public checks: all that is shipped passes, what is broken on purpose does not."""

import dataclasses
import math

import pytest
import torch

from sklearn_reasoning.algorithms import (
    Algorithm,
    ConjugateGradient,
    GradientDescent,
    HeavyBall,
    NesterovAcceleratedGradient,
    RecurrentCell,
    get_algorithm,
    list_algorithms,
)
from sklearn_reasoning.energies import DenseQuadratic, DiagonalQuadratic, SpectralQuadratic
from sklearn_reasoning.testing import check_algorithm, check_energy


@pytest.mark.parametrize(
    "algorithm",
    [
        *list_algorithms(),
        pytest.param(RecurrentCell(width=3, n_layers=2), marks=pytest.mark.hard),
    ],
)
def test_all_that_is_shipped_passes(algorithm):
    check_algorithm(algorithm)


def test_unknown_names():
    with pytest.raises(ValueError, match="algo='gdd' is not one of"):
        check_algorithm("gdd")


# ---------------------------------------------------------------------- broken on purpose


class Broken(GradientDescent):
    name = "broken"


class WrongClosedForm(Broken):
    """Consistent with itself, but one step behind."""

    def _residual(self, t, k, phi, mu, L):
        return super()._residual(t, (k - 1) * (k > 0), phi, mu, L)

    def _filter(self, t, k, phi, mu, L):
        return super()._filter(t, (k - 1) * (k > 0), phi, mu, L)


class WrongResidual(Broken):
    def _residual(self, t, k, phi, mu, L):
        return super()._residual(t, k, phi, mu, L).abs()


class FilterThatDivides(Broken):
    def _filter(self, t, k, phi, mu, L):
        return (1.0 - self._residual(t, k, phi, mu, L)) / t


class RateThatPromisesTooMuch(Broken):
    """Its sensitivity falls as (1 - phi mu)^(k-1), which is slower than this."""

    def sensitivity_rate(self, step_size, mu, L):
        return (1.0 - mu * step_size) ** 0.5


class WrongForTensorK(Broken):
    def _residual(self, t, k, phi, mu, L):
        if isinstance(k, torch.Tensor):
            k = int(k.max())
        return super()._residual(t, k, phi, mu, L)


class WrongDerivative(Broken):
    def _filter(self, t, k, phi, mu, L):
        return super()._filter(t.detach(), k, phi, mu, L)


class WrongSecondDerivative(HeavyBall):
    name = "broken"

    def step(self, state, problem, phi):
        y, y_before = state
        beta = (1.0 - (problem.mu * phi) ** 0.5) ** 2
        return problem.descend(y, phi, push=OnceOnly.apply(beta * (y - y_before))), y


class OnceOnly(torch.autograd.Function):
    """The identity, whose derivative is right and whose second is not."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad.detach()


class TooWide(Broken):
    def stable_region(self, mu, L):
        return 0.1, 3.0 / L


class Reversed(Broken):
    def stable_region(self, mu, L):
        return 2.0 / L, 1.0 / L


class Endless(Broken):
    def stable_region(self, mu, L):
        return 0.0, math.inf


class ForgetsTheIterate(NesterovAcceleratedGradient):
    """Returns the point of extrapolation first."""

    name = "broken"

    def start(self, y, problem):
        return 2.0 * y, y


class StateOfGradients(Algorithm):
    """The first entry of the state is the gradient, not the iterate."""

    name = "broken"
    needs = frozenset({"gradient"})
    is_polynomial = False

    def step(self, state, problem, phi):
        (y,) = state
        return (problem.gradient(y),)

    def stable_region(self, mu, L):
        return 0.1 / L, 1.0 / L


class StateThatGrows(Broken):
    def step(self, state, problem, phi):
        return (*super().step(state[:1], problem, phi), state[0])


class SignDescent(Broken):
    """Moves each output by itself: neither a polynomial nor indifferent to rotations."""

    needs = frozenset({"gradient"})
    is_polynomial = False

    def step(self, state, problem, phi):
        (y,) = state
        g = problem.gradient(y)
        return (y - phi * g / (1.0 + g.abs()),)


class CgAsAPolynomial(ConjugateGradient):
    name = "broken"
    is_polynomial = True


class InPlace(Broken):
    needs = frozenset({"gradient"})

    def step(self, state, problem, phi):
        (y,) = state
        return (y.sub_(phi * problem.gradient(y)),)


class Float64Only(Broken):
    def step(self, state, problem, phi):
        return (super().step(state, problem, phi)[0].double(),)


class Remembers(Broken):
    def __init__(self):
        self.n_steps = 0

    def step(self, state, problem, phi):
        self.n_steps += 1
        return super().step(state, problem, phi)


class Identity(Broken):
    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


class Nameless(Broken):
    name = ""


class Elsewhere(Broken):
    """Converges, but not to the minimiser."""

    needs = frozenset({"gradient"})
    is_polynomial = False

    def step(self, state, problem, phi):
        (y,) = state
        return (y - phi * (problem.gradient(y) + 0.1 * y),)


class SilentAboutItsNeeds(Broken):
    """Takes the gradient past ``descend``, where a penalty would be left out."""

    def step(self, state, problem, phi):
        (y,) = state
        return (y - phi * problem.gradient(y),)


class NeedsTheUnknown(Broken):
    needs = frozenset({"descend", "hessian"})


class NeedsAList(Broken):
    needs = ["descend"]  # noqa: RUF012  (what is wrong with it)


class MomentumAfterTheProximalStep(HeavyBall):
    """Its iterate is no output of ``descend``, and leaves the set."""

    name = "broken"

    def step(self, state, problem, phi):
        y, y_before = state
        beta = (1.0 - (problem.mu * phi) ** 0.5) ** 2
        return problem.descend(y, phi) + beta * (y - y_before), y


class HalvedByThePenalty(Broken):
    """Halves what a penalty has let through: inside the set, but not at the minimiser over it."""

    def step(self, state, problem, phi):
        (y,) = state
        moved = problem.descend(y, phi)
        return (moved if problem.penalty is None else 0.5 * moved,)


class RemembersZero(HeavyBall):
    """Begins with a move from 0, which is right only where it is started at 0."""

    name = "broken"
    _residual, sensitivity_rate = Algorithm._residual, Algorithm.sensitivity_rate

    def start(self, y, problem):
        return y, torch.zeros_like(y)


class DampedByItsStart(Broken):
    """Weighs each output by where it began: gradient descent from 0, and from nowhere else."""

    is_polynomial = False

    def start(self, y, problem):
        return y, 1.0 / (1.0 + y.abs())

    def step(self, state, problem, phi):
        y, weight = state
        return problem.descend(y, phi * weight), weight


class LeavesTheMinimiser(Broken):
    """Its first step goes astray; the others make up for it."""

    is_polynomial = commutes_with_rotations = False

    def start(self, y, problem):
        return y, 1.0

    def step(self, state, problem, phi):
        y, astray = state
        return problem.descend(y, phi, push=torch.full_like(y, astray)), 0.5 * astray


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        (WrongClosedForm(), "closed form is not what step gives, for k=1"),
        (WrongResidual(), r"residual \+ t filter is not 1"),
        (FilterThatDivides(), "at t = 0 .* do not divide by t"),
        (RateThatPromisesTooMuch(), "sensitivity_rate.* is no such rate"),
        (WrongForTensorK(), "_residual's closed form is not what step gives, for a tensor k"),
        (WrongDerivative(), "filter_derivative by t is no finite difference"),
        (WrongSecondDerivative(), "the layer's derivatives over DenseQuadratic are wrong"),
        (TooWide(), "with step size 3, inside its stable_region, the iterates reach"),
        (Reversed(), r"is \(2.0, 1.0\); it must be 0 <= low <= high"),
        (Endless(), "ends at inf; with has_step_size = True it must end at a positive number"),
        (ForgetsTheIterate(), "the first entry of what start returns must be the iterate"),
        (StateOfGradients(), "is the first entry of the state the iterate"),
        (StateThatGrows(), "step must return a tuple of 1 entries"),
        (SignDescent(), "set commutes_with_rotations = False"),
        (CgAsAPolynomial(), "set is_polynomial = False|is not what step gives"),
        (InPlace(), "changes its state in place"),
        (Float64Only(), "of shape .* and torch.float32; keep the dtype of y"),
        (Remembers(), "running it has changed its attributes"),
        (Identity(), "a copy of it does not compare equal"),
        (Nameless(), "name='' must be its key"),
        (Elsewhere(), "it is not at the minimiser"),
        (
            SilentAboutItsNeeds(),
            r"its steps use \['gradient'\], which needs=\['descend'\] leaves out",
        ),
        (NeedsTheUnknown(), "needs=.* must be a set of some of"),
        (NeedsAList(), r"needs=\['descend'\] must be a set"),
        (
            MomentumAfterTheProximalStep(),
            r"with penalty=Nonnegative\(\) iterate \d+ has a negative entry; .* as push",
        ),
        (
            HalvedByThePenalty(),
            r"with penalty=Nonnegative\(\) it is not at the constrained minimiser after 500 steps",
        ),
        (RemembersZero(), r"residual \+ t filter is not 1"),
        (DampedByItsStart(), r"from another start than 0, .* must come from start\(y, problem\)"),
        (LeavesTheMinimiser(), "started at the minimiser it moves away"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Algorithm) else "",
)
def test_what_is_broken_fails_and_says_how(algorithm, message):
    with pytest.raises(AssertionError, match=message):
        check_algorithm(algorithm)


def test_declaring_what_is_true_mends_it():
    class HonestSignDescent(SignDescent):
        commutes_with_rotations = False

    check_algorithm(HonestSignDescent())


def test_the_checked_algorithm_is_not_changed():
    nag = get_algorithm("nag")
    check_algorithm(nag)
    assert vars(nag) == {}


# ---------------------------------------------------------------------- energies


@dataclasses.dataclass
class Change:
    """An energy with one of its methods replaced."""

    name: str
    by: object

    def __call__(self, energy):
        cls = type(energy)
        changed = type(cls.__name__, (cls,), {self.name: self.by})
        energy.__class__ = changed
        return energy


def spectral():
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    eigenvalues = torch.tensor([[0.5, 2.0]], dtype=torch.float64)
    return SpectralQuadratic(eigenvalues, rotation, torch.tensor([[1.0, -1.0]]).double())


@pytest.mark.parametrize(
    ("name", "by", "message"),
    [
        ("product", lambda self, y: y * y.abs(), "Q is not linear"),
        ("product", lambda self, y: y.cumsum(-1), "Q is not symmetric"),
        ("product", lambda self, y: -y, "Q is not positive definite"),
        ("product", lambda self, y: y[..., :1], "product makes"),
        ("value", lambda self, y: (y * self.product(y)).sum(-1), "not the derivative of the value"),
        ("minimizer", lambda self: -self.b, "the gradient at the minimizer is not 0"),
        ("from_eigenbasis", lambda self, u: 2.0 * u, "inverse|rotation|product|symmetric"),
        ("to_eigenbasis", lambda self, u: u, "SpectralQuadratic: "),
    ],
)
def test_broken_energies_fail(name, by, message):
    check_energy(spectral())
    with pytest.raises(AssertionError, match=message):
        check_energy(Change(name, by)(spectral()))


def test_a_rotation_that_is_none():
    energy = SpectralQuadratic(torch.ones(1, 2), torch.eye(2) * 1.01, torch.ones(1, 2))
    with pytest.raises(AssertionError, match="SpectralQuadratic: "):
        check_energy(energy)


def test_rtol():
    Q = torch.tensor([[[2.0, 1.0], [1.0 + 1e-6, 2.0]]], dtype=torch.float64)
    energy = DenseQuadratic(Q, torch.ones(1, 2, dtype=torch.float64))
    with pytest.raises(AssertionError, match="not symmetric"):
        check_energy(energy)
    check_energy(energy, rtol=1e-5)


def test_energies_within_a_graph():
    leaf = torch.full((2, 2), 0.5, requires_grad=True)
    check_energy(DiagonalQuadratic(leaf.exp(), torch.ones(2, 2)))
    assert leaf.grad is None
