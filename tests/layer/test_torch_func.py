"""The layer under torch.func's transforms, and in forward mode, against autograd and loops."""

import pytest
import torch
from _covering import covering
from torch import func

from sklearn_reasoning import ReasoningLayer
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.energies import DenseQuadratic, DiagonalQuadratic

# The first forward-mode derivative makes torch compile its own decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")

MU, L, N, D = 0.1, 1.0, 2, 2
KINDS = [DiagonalQuadratic, DenseQuadratic]
SIZED = [name for name in list_algorithms() if get_algorithm(name).has_step_size]


def matrices(kind, *shape):
    """Return what an energy of a kind takes for Q: random spectra in [MU, L]."""
    generator = torch.Generator().manual_seed(0)
    spectra = MU + (L - MU) * torch.rand(*shape, N, D, generator=generator, dtype=torch.float64)
    if kind is DiagonalQuadratic:
        return spectra
    normal = torch.randn(*shape, N, D, D, generator=generator, dtype=torch.float64)
    rotation = torch.linalg.qr(normal).Q
    return rotation * spectra.unsqueeze(-2) @ rotation.mT


def linear_terms(*shape):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*shape, N, D, generator=generator, dtype=torch.float64)


def map_of(name, kind, k=3, **options):
    """Return the map of Q and b to the layer's output."""
    layer = ReasoningLayer(name, k=k, mu=MU, L=L, d=D, **options)
    return lambda Q, b: layer(kind(Q, b))


def equal(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


# ---------------------------------------------------------------------- Q and b


@covering("name, kind, transform", list_algorithms(), KINDS, [func.jacrev, func.jacfwd])
def test_jacobians_are_those_of_autograd(name, kind, transform):
    run, inputs = map_of(name, kind), (matrices(kind), linear_terms())
    equal(transform(run, argnums=(0, 1))(*inputs), torch.autograd.functional.jacobian(run, inputs))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", list_algorithms())
def test_hessians_are_those_of_autograd(name, kind):
    run, inputs = map_of(name, kind), (matrices(kind), linear_terms())

    def loss(Q, b):
        return (run(Q, b) ** 3).sum()

    expected = torch.autograd.functional.hessian(loss, inputs)
    equal(func.hessian(loss, argnums=(0, 1))(*inputs), expected)


@covering("name, kind, in_dims", list_algorithms(), KINDS, [(0, 0), (0, None), (None, 0)])
def test_vmap_is_a_loop(name, kind, in_dims):
    run, batch = map_of(name, kind), (matrices(kind, 3), linear_terms(3))
    inputs = [x if dim == 0 else x[0] for x, dim in zip(batch, in_dims, strict=True)]
    each = [[x[i] if dim == 0 else x for x, dim in zip(inputs, in_dims, strict=True)]
            for i in range(3)]  # fmt: skip
    equal(func.vmap(run, in_dims)(*inputs), torch.stack([run(*one) for one in each]))

    def slopes(Q, b):
        return func.grad(lambda *both: run(*both).square().sum(), argnums=(0, 1))(Q, b)

    alone = [torch.stack(slope) for slope in zip(*(slopes(*one) for one in each), strict=True)]
    equal(func.vmap(slopes, in_dims)(*inputs), tuple(alone))


@pytest.mark.parametrize("name", list_algorithms())
def test_products_with_the_jacobian(name):
    run, inputs = map_of(name, DiagonalQuadratic), (matrices(DiagonalQuadratic), linear_terms())
    tangents = tuple(torch.cos(x) for x in inputs)
    expected = torch.autograd.functional.jvp(run, inputs, tangents)
    equal(func.jvp(run, inputs, tangents), expected)
    _, pull = func.vjp(run, *inputs)
    equal(pull(inputs[1]), torch.autograd.functional.vjp(run, inputs, inputs[1])[1])
    forward_mode = torch.autograd.functional.jacobian(
        run, inputs, vectorize=True, strategy="forward-mode"
    )
    equal(forward_mode, torch.autograd.functional.jacobian(run, inputs))


@covering("name, k", list_algorithms(), [0, 1, 6, torch.tensor([0, 5])])
def test_every_number_of_steps(name, k):
    run, inputs = map_of(name, DiagonalQuadratic, k), (matrices(DiagonalQuadratic), linear_terms())
    expected = torch.autograd.functional.jacobian(run, inputs)
    for transform in (func.jacrev, func.jacfwd):
        equal(transform(run, argnums=(0, 1))(*inputs), expected)


# ---------------------------------------------------------------------- what is learned


@pytest.mark.parametrize(("kind", "per_iteration"), [(KINDS[0], False), (KINDS[1], True)])
@pytest.mark.parametrize("value", [-1.0, 0.7, 5.0])
@pytest.mark.parametrize("name", SIZED)
def test_the_slope_by_the_step_size_inside_and_outside_of_its_range(
    name, value, kind, per_iteration
):
    layer = ReasoningLayer(name, k=3, mu=MU, L=L, step_size_per_iteration=per_iteration)
    layer._step_size.data.fill_(value)
    energy = kind(matrices(kind), linear_terms())

    def loss(step_size):
        return func.functional_call(layer, {"_step_size": step_size}, (energy,)).square().sum()

    step_size = layer._step_size.detach()
    layer(energy).square().sum().backward()
    assert (layer._step_size.grad != 0).all()
    for transform in (func.grad, func.jacrev, func.jacfwd):
        equal(transform(loss)(step_size), layer._step_size.grad)
    equal(func.hessian(loss)(step_size), torch.autograd.functional.hessian(loss, step_size))
    batch = torch.stack([step_size, 0.5 + 0.1 * step_size])
    equal(func.vmap(loss)(batch), torch.stack([loss(size) for size in batch]))
    slopes = func.vmap(func.grad(loss))(batch)
    equal(slopes, torch.stack([func.grad(loss)(size) for size in batch]))


@pytest.mark.parametrize("value", [-1.0, 5.0])
def test_no_rounding_leads_out_of_the_range(value):
    layer = ReasoningLayer("gd", step_size_range=(0.3, 1.1))
    layer._step_size.data.fill_(value)
    used = func.vmap(lambda _: layer.step_size)(torch.zeros(1))
    assert used.tolist() == [0.3 if value < 0.3 else 1.1]


def test_the_weights_of_a_cell():
    layer = ReasoningLayer("rnn", k=3, mu=MU, L=L, d=D).double()
    energy = DenseQuadratic(matrices(DenseQuadratic), linear_terms())

    def loss(weights):
        return func.functional_call(layer, weights, (energy,)).square().sum()

    weights = {name: weight.detach() for name, weight in layer.named_parameters()}
    layer(energy).square().sum().backward()
    expected = {name: weight.grad for name, weight in layer.named_parameters()}
    for transform in (func.grad, func.jacfwd):
        equal(transform(loss)(weights), expected)


def test_an_ensemble_of_layers():
    layers = [ReasoningLayer("nag", k=k, step_size=size) for k, size in ((4, 0.4), (4, 0.9))]
    energy = DiagonalQuadratic(matrices(DiagonalQuadratic), linear_terms())
    parameters, buffers = func.stack_module_state(layers)
    together = func.vmap(lambda p, b: func.functional_call(layers[0], (p, b), (energy,)))
    equal(together(parameters, buffers), torch.stack([layer(energy) for layer in layers]))
