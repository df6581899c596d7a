"""The layer as a torch module: derivatives, step size, dtypes, memory, errors."""

import copy
import gc

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import Algorithm, Problem, get_algorithm, list_algorithms
from sklearn_reasoning.energies import DenseQuadratic, DiagonalQuadratic, SpectralQuadratic
from sklearn_reasoning.layer import minimize

MU, L = 0.1, 1.0
SIZED = [name for name in list_algorithms() if get_algorithm(name).has_step_size]
OPTIMIZERS = [torch.optim.SGD, torch.optim.Adam, torch.optim.RMSprop]


def energy(n=4, d=3, dtype=torch.float64, seed=0):
    rng = np.random.default_rng(seed)
    eigenvalues = torch.tensor(rng.uniform(MU, L, (n, d)), dtype=dtype)
    return DiagonalQuadratic(eigenvalues, torch.tensor(rng.normal(size=(n, d)), dtype=dtype))


def output(name, step_size, k=6):
    return minimize(get_algorithm(name), Problem(energy(), MU, L), k, step_size).square().sum()


# ---------------------------------------------------------------------- the step size


@pytest.mark.parametrize("per_iteration", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("direction", [-1.0, 1.0])
def test_the_step_size_stays_in_its_range_whatever_an_optimiser_does(
    optimizer, direction, per_iteration
):
    low, high = 0.2, 1.1
    layer = ReasoningLayer("nag", k=5, step_size_range=(low, high), step_size=0.6,
                           step_size_per_iteration=per_iteration)  # fmt: skip
    steps = optimizer(layer.parameters(), lr=0.3)
    for _ in range(12):
        steps.zero_grad()
        (direction * layer(energy()).square().sum()).backward()
        assert (layer._step_size.grad != 0).all()
        steps.step()
        assert ((low <= layer.step_size) & (layer.step_size <= high)).all()
        layer.clamp_step_size()
        assert ((low <= layer._step_size) & (layer._step_size <= high)).all()
    assert (layer.step_size == (low if direction > 0 else high)).all()
    # From the end it comes back as soon as the slope turns.
    steps = torch.optim.SGD(layer.parameters(), lr=1e-4)
    steps.zero_grad()
    (-direction * layer(energy()).square().sum()).backward()
    steps.step()
    assert ((low < layer.step_size) & (layer.step_size < high)).all()


@pytest.mark.parametrize("value", [-3.0, 0.0, 7.0])
def test_a_parameter_outside_is_used_at_the_end(value):
    layer = ReasoningLayer("gd", step_size_range=(0.2, 1.1))
    layer._step_size.data.fill_(value)
    assert layer.step_size.item() == (0.2 if value < 0.2 else 1.1)
    expected = ReasoningLayer("gd", step_size_range=(0.2, 1.1), step_size=layer.step_size.item())
    assert torch.equal(layer(energy()), expected(energy()))
    layer.clamp_step_size()
    assert layer._step_size.item() == layer.step_size.item()


@pytest.mark.parametrize("name", SIZED)
def test_gradient_at_both_ends_is_the_one_sided_difference(name):
    low, high = get_algorithm(name).stable_region(MU, L)
    for at, inward in ((low, 1e-7), (high, -1e-7)):
        layer = ReasoningLayer(name, k=6, mu=MU, L=L, step_size=at)
        layer(energy()).square().sum().backward()
        # Second order from inside the range alone.
        f = [output(name, torch.tensor(at + i * inward, dtype=torch.float64)) for i in range(3)]
        one_sided = (-3 * f[0] + 4 * f[1] - f[2]) / (2 * inward)
        assert layer._step_size.grad.item() == pytest.approx(one_sided.item(), rel=1e-5)


def test_initial_step_sizes():
    assert ReasoningLayer("gd", L=4.0, mu=0.1).step_size.item() == 0.25
    assert ReasoningLayer("gd", step_size_range=(0.1, 0.5)).step_size.item() == 0.5
    assert ReasoningLayer("gd", step_size=0.3).step_size.item() == 0.3
    for name in set(list_algorithms()) - set(SIZED):
        assert ReasoningLayer(name, step_size=123.0).step_size is None
    fixed = ReasoningLayer("gd", learn_step_size=False)
    assert list(fixed.parameters()) == []
    assert "_step_size" in fixed.state_dict()


def test_defaults_are_those_of_the_docstring():
    layer, same = ReasoningLayer(), ReasoningLayer("nag", 10, 0.1, 1.0, step_size_range="stable")
    assert repr(layer) == repr(same)
    assert (layer.k, layer.mu, layer.L) == (10, 0.1, 1.0)
    assert [name for name, _ in layer.named_parameters()] == ["_step_size"]
    assert layer.step_size.shape == ()
    assert torch.equal(layer(energy()), same(energy()))


def test_a_range_of_one_step_size():
    layer = ReasoningLayer("gd", step_size_range=(0.5, 0.5), step_size=0.5)
    layer._step_size.data.fill_(0.7)
    assert layer.step_size.item() == 0.5


def test_step_sizes_of_each_iteration_begin_apart_and_inside_the_range():
    def sizes(**options):
        layer = ReasoningLayer("gd", k=4, step_size=1.0, step_size_per_iteration=True, **options)
        return layer.step_size.tolist()

    assert sizes() == pytest.approx([1.0, 0.975, 0.95, 0.925], rel=1e-15)
    assert sizes(learn_step_size=False) == [1.0] * 4
    assert sizes(step_size_range=(0.96, 1.0)) == pytest.approx([1.0, 0.975, 0.96, 0.96], rel=1e-15)


@pytest.mark.parametrize("d", [None, 3])
def test_weights_begin_as_those_of_the_algorithm(d):
    mu, L = 0.2, 4.0
    layer = ReasoningLayer("rnn", mu=mu, L=L, d=d)
    layer(energy())
    for name, weight in get_algorithm("rnn").initial_weights(3, mu, L).items():
        assert torch.equal(layer.weights[name], weight)
    assert isinstance(layer.weights["V"], torch.nn.Parameter)


class Scaled(Algorithm):
    """Gradient descent; weights and steps each need what they are told of the spectrum."""

    name, has_step_size, is_polynomial = "scaled", False, False

    def initial_weights(self, d, mu, L):
        return {"step_size": torch.full((d,), 2 * mu * L, dtype=torch.float64)}

    def step(self, state, problem, phi):
        mu, L = problem.mu, problem.L
        return (problem.descend(state[0], phi["step_size"] / (mu * L * (mu + L))),)


def test_weights_of_an_algorithm_of_ones_own():
    layer = ReasoningLayer(Scaled(), k=7, mu=0.1, L=0.9)
    expected = ReasoningLayer("gd", k=7, mu=0.1, L=0.9, step_size=2.0)
    torch.testing.assert_close(layer(energy()), expected(energy()), rtol=1e-12, atol=0)
    assert [name for name, _ in layer.named_parameters()] == ["weights.step_size"]
    assert dict(Scaled().weight_shapes(5)) == {"step_size": (5,)}


def test_the_modules_inside_can_be_left_alone():
    layer = ReasoningLayer("rnn", d=3)
    layer._apply(lambda tensor: tensor.float(), recurse=False)
    assert {weight.dtype for weight in layer.weights.values()} == {torch.float64}


@pytest.mark.parametrize(
    "to", [lambda m: m.float(), lambda m: m.to(torch.float32), lambda m: m.half()]
)
@pytest.mark.parametrize("learn", [True, False])
def test_the_step_size_is_kept_in_float64(to, learn):
    layer = ReasoningLayer("gd", step_size=1 / 3, learn_step_size=learn)
    if learn:
        layer(energy()).sum().backward()
    layer = to(layer)
    assert layer.step_size.dtype == torch.float64
    assert layer.step_size.item() == 1 / 3
    assert layer(energy(dtype=torch.float32)).dtype == torch.float32
    if learn:  # an optimiser still works on it
        assert layer._step_size.grad.dtype == torch.float64
        torch.optim.Adam(layer.parameters(), lr=0.1).step()
        assert layer.step_size.item() != 1 / 3


def test_weights_follow_the_module():
    layer = ReasoningLayer("rnn", d=3)
    assert {w.dtype for w in layer.weights.values()} == {torch.float64}
    assert {w.dtype for w in layer.float().weights.values()} == {torch.float32}
    twin = ReasoningLayer("rnn", d=3)
    twin.load_state_dict(layer.state_dict())
    assert torch.equal(twin(energy()), copy.deepcopy(layer)(energy()))


# ---------------------------------------------------------------------- derivatives, memory


@covering("name, k", list_algorithms(), [0, 1, 2, 4])
def test_derivatives_in_all_of_the_spectral_energy(name, k):
    rng = np.random.default_rng(0)
    R, _ = np.linalg.qr(rng.normal(size=(2, 2, 2)))
    arrays = rng.uniform(0.2, 0.9, (2, 2)), R, rng.normal(size=(2, 2))
    inputs = [torch.tensor(array).requires_grad_() for array in arrays]
    layer = ReasoningLayer(name, k=k, mu=MU, L=L, d=2)

    def run(eigenvalues, rotation, b):
        return layer(SpectralQuadratic(eigenvalues, rotation, b))

    if run(*inputs).requires_grad:
        # cg is not smooth where a rotation is not orthogonal, once it has converged
        assert (name == "cg" and k >= 2) or torch.autograd.gradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("kind", [DiagonalQuadratic, DenseQuadratic])
def test_gradients_of_converged_cg_are_those_of_the_minimiser(kind):
    rng = np.random.default_rng(1)
    diagonal = torch.tensor(rng.uniform(MU, L, (3, 4)))
    b = torch.tensor(rng.normal(size=(3, 4)))
    grads = {}
    for name in ("cg", "opt"):
        inputs = diagonal.clone().requires_grad_(), b.clone().requires_grad_()
        matrix = inputs[0] if kind is DiagonalQuadratic else torch.diag_embed(inputs[0])
        y = ReasoningLayer(name, k=50, mu=MU, L=L)(kind(matrix, inputs[1]))
        grads[name] = torch.autograd.grad((y**3).sum(), inputs)
    for ours, exact in zip(grads["cg"], grads["opt"], strict=True):
        torch.testing.assert_close(ours, exact, rtol=1e-8, atol=1e-8)


def test_cg_where_b_is_zero():
    b = torch.zeros(2, 3, dtype=torch.float64).requires_grad_()
    y = ReasoningLayer("cg", k=4)(DiagonalQuadratic(torch.ones(2, 3, dtype=torch.float64), b))
    y.sum().backward()
    assert (y == 0).all()
    assert (b.grad == -1.0).all()  # as of the minimiser, -b


def bytes_kept(name, k):
    """Count what a forward pass keeps for the backward pass, in whatever place."""
    kept = {}

    def pack(tensor):
        kept[tensor.data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    inputs = energy(n=1000)
    inputs.eigenvalues.requires_grad_()
    layer = ReasoningLayer(name, k=k, mu=MU, L=L)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = layer(inputs)
    for thing in gc.get_objects():  # a Function's ctx may hold tensors besides
        if type(thing) is torch.Tensor and thing.numel() == y.numel():
            kept[thing.data_ptr()] = thing.untyped_storage().nbytes()
    return sum(kept.values())


@pytest.mark.parametrize("name", [*(name for name in SIZED if name != "fista"), "chebyshev"])
def test_memory_grows_with_the_logarithm_of_k(name):
    few, many = bytes_kept(name, 10), bytes_kept(name, 1000)
    assert few > 10 * 1000 * 3 * 8 / 4  # the counting works
    assert many < 4 * few  # log(1000) / log(10) = 3


def test_memory_counting_finds_a_loop():
    assert bytes_kept("cg", 1000) > 10 * bytes_kept("cg", 10)


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"algo": "nagg"}, ValueError, "algo='nagg' is not one of .* Did you mean 'nag'"),
        ({"algo": 3}, TypeError, "algo must be"),
        ({"k": -1}, ValueError, "k=-1 must not be negative"),
        ({"k": torch.tensor([2, -1])}, ValueError, "k must not be negative"),
        ({"k": 2.5}, TypeError, "k=2.5 must be a whole number"),
        ({"k": None}, TypeError, "k=None"),
        ({"k": "3"}, TypeError, "k='3'"),
        ({"k": float("nan")}, TypeError, "k=nan"),
        ({"k": torch.tensor([1.0])}, TypeError, "k must hold integers"),
        ({"k": torch.tensor([True])}, TypeError, "k must hold integers"),
        ({"mu": 0.0}, ValueError, "mu=0.0"),
        ({"mu": -1.0}, ValueError, "mu=-1.0"),
        ({"mu": 2.0}, ValueError, "mu=2.0 and L=1.0 must satisfy"),
        ({"L": float("inf")}, ValueError, "L=inf"),
        ({"L": float("nan")}, ValueError, "L=nan"),
        ({"mu": "a"}, TypeError, "mu='a'"),
        ({"step_size": 5.0}, ValueError, r"step_size=5.0 is outside \[.*stable region of 'nag'"),
        ({"step_size": 0.0}, ValueError, "step_size=0.0 is outside"),
        ({"step_size": float("nan")}, ValueError, "step_size=nan is outside"),
        ({"step_size": "a"}, TypeError, "step_size='a' must be a number"),
        ({"step_size": [0.1, 0.2]}, TypeError, r"step_size=\[0.1, 0.2\] must be a number"),
        (
            {"step_size": 0.9, "step_size_range": (0.1, 0.5)},
            ValueError,
            r"step_size=0.9 is outside \[0.1, 0.5\], the step_size_range",
        ),
        ({"step_size_range": "safe"}, ValueError, "step_size_range='safe' must be 'stable' or"),
        ({"step_size_range": (1.0, 0.5)}, ValueError, "step_size_range=.* 0 < low <= high"),
        ({"step_size_range": (0.0, 0.5)}, ValueError, "step_size_range=.* 0 < low <= high"),
        ({"step_size_range": (0.1, 0.2, 0.3)}, ValueError, "step_size_range=.* a pair"),
        ({"step_size_range": 0.3}, ValueError, "step_size_range=0.3 must be"),
        (
            {"k": torch.tensor([1, 2]), "step_size_per_iteration": True},
            ValueError,
            "step_size_per_iteration=True needs k to be an int",
        ),
    ],
)
def test_bad_options_are_named(options, error, message):
    with pytest.raises(error, match=message):
        ReasoningLayer(**options)


@pytest.mark.parametrize("name", list_algorithms())
def test_bad_k_in_the_call_is_named(name):
    layer = ReasoningLayer(name)
    with pytest.raises(ValueError, match="k=-2 must not be negative"):
        layer(energy(), k=-2)
    with pytest.raises(TypeError, match=r"k=1\.5 must be a whole number"):
        layer(energy(), k=1.5)
    for k in (torch.tensor([1, 2, 3]), torch.ones(4, 3, dtype=torch.int64)):
        with pytest.raises(ValueError, match=r"k of shape \(.*\) does not go with energies of"):
            layer(energy(), k=k)


def test_repr_tells_the_settings():
    assert "NesterovAcceleratedGradient(), k=3, mu=0.2, L=2.0" in repr(
        ReasoningLayer(k=3, mu=0.2, L=2.0)
    )
