"""Models trained side by side: the bits of single fits, the order of rows, the optimisers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.penalties import (
    L1,
    Ball,
    Box,
    Budget,
    Columns,
    Monotone,
    Nonnegative,
    Simplex,
)
from sklearn_reasoning.training import (
    Architecture,
    ModelSettings,
    RegressionModel,
    Rows,
    _adjoint,
    build_net,
    fit_stack,
    predict_stack,
)
from sklearn_reasoning.training._batches import StackRows
from sklearn_reasoning.training._optimizers import StackAdam, StackSGD
from sklearn_reasoning.training._revival import handed_to_b

D, M = 5, 7

SETTINGS = ModelSettings(
    k=5,
    step_size=(0.9,),
    step_size_range=(0.01, 1.2),
    learn_step_size=True,
    loss="l2",
    optimizer="adam",
    lr=1e-2,
    weight_decay=1e-3,
    lr_schedule="cosine",
    max_epochs=12,
    batch_size=30,
    keep="best",
    patience=None,
    tol=1e-4,
    seed=3,
)


def make_architecture(algo="gd", *, given=False, rotation="identity", d=D, start=None):
    return Architecture(
        n_features=M,
        n_outputs=d,
        algorithm=get_algorithm(algo),
        mu=0.1,
        L=1.0,
        q_hidden=(16,),
        b_hidden=None if given else (12,),
        spectrum="anchored" if given and d >= 3 else "free",
        rotation=rotation,
        start=start or ("zero" if given else "mean"),
    )


def make_rows(n=60, *, given=False, seed=0, d=D):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, M))
    y = np.tanh(x @ rng.normal(size=(M, d)))
    if not given:
        return Rows(x, y, rng.uniform(0.5, 1.5, size=n))
    R = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    return Rows(x, y, rng.uniform(0.5, 1.5, size=n), rng.normal(size=(n, d)), R)


def unlike_models(has_step_size, **options):
    """Models that differ in all that may differ inside a stack."""
    base = replace(SETTINGS, step_size=(0.9,) if has_step_size else (), **options)
    return [
        replace(base, k=1, seed=3, loss="squared"),
        replace(base, k=30, seed=20, lr=3e-3, weight_decay=0.0, keep="last"),
        replace(base, k=7, seed=37, max_epochs=9, learn_step_size=False),
        replace(base, k=2, seed=54, max_epochs=11, lr_schedule="constant"),
    ]


def parameters(net, model):
    """All bits of one model."""
    return [row[model] for row in net.module_.state_dict().values()]


def assert_same_bits(first, second):
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


# ---------------------------------------------------------------------- stacks


ROTATIONS = ["given", "shared", "identity", "predicted"]
STARTS = [None, "zero", "learned", "predicted", "mean"]


@covering("algo, rotation, dtype", list_algorithms(), ROTATIONS, [torch.float64, torch.float32])
def test_a_stack_gives_the_bits_of_single_fits(algo, rotation, dtype):
    given = rotation == "given"
    # Each algorithm meets every width, odd and even, and each rotation several.
    d = (3, 5, 6, 1)[(list_algorithms().index(algo) + ROTATIONS.index(rotation)) % 4]
    # Each algorithm and each rotation meet several starts.
    start = STARTS[(list_algorithms().index(algo) + 2 * ROTATIONS.index(rotation)) % 5]
    architecture = make_architecture(algo, given=given, rotation=rotation, d=d, start=start)
    rng = np.random.default_rng(1)
    whole = make_rows(given=given, d=d)
    models = unlike_models(architecture.algorithm.has_step_size)
    if not architecture.algorithm.is_polynomial:  # steps are unrolled, and slow
        models = [replace(model, k=min(model.k, 6)) for model in models]
    # Folds of unlike size, which share padded batches.
    rows = [whole.take(np.sort(rng.permutation(60)[: 50 + i % 3])) for i in range(4)]
    stack = fit_stack(architecture, models, rows, dtype=dtype)
    # Model after model, and in smaller stacks of another order.
    for part in ([1], [3, 0]):
        net = fit_stack(
            architecture, [models[i] for i in part], [rows[i] for i in part], dtype=dtype
        )
        for place, i in enumerate(part):
            assert_same_bits(parameters(net, place), parameters(stack, i))
            assert net.progress_.n_iter[place] == stack.progress_.n_iter[i] == models[i].max_epochs
            history = [np.atleast_1d(loss)[place] for loss in net.history[:, "train_loss"]]
            length = models[i].max_epochs
            assert history[:length] == [loss[i] for loss in stack.history[:length, "train_loss"]]
    assert not torch.equal(stack.module_.weights[0], stack.module_.weights[1])


PENALTIES = [
    Simplex(),
    Nonnegative(),
    Budget(4.0, high=Columns([0])),
    Monotone(),
    Box(-1.0, Columns([0])),
    L1(0.1),
    Ball(3.0),
]


STEPPED = ["gd", "nag", "heavy_ball", "fista"]


@pytest.mark.parametrize("project", ["each_step", "last_step"])
def test_what_is_cut_off_in_one_model_changes_no_bit_of_another(project, monkeypatch):
    architecture = replace(make_architecture("nag"), penalty=Nonnegative(), project=project)
    whole, handed = make_rows(), []
    # An output that is at its bound in nearly all rows, and with another seed in all but one.
    y = np.abs(whole.y)
    y[2:, 0] = y[1:, 1] = 0.0
    rows = [replace(whole, y=y), replace(whole, y=np.abs(whole.y)), replace(whole, y=y)]
    models = [replace(SETTINGS, k=k, seed=k, max_epochs=40, lr=0.03) for k in (4, 5, 2)]

    def watched(*arguments):
        found = handed_to_b(*arguments)
        handed.append(torch.zeros(1) if found is None else found.abs().amax(dim=(1, 2)))
        return found

    monkeypatch.setattr(_adjoint, "handed_to_b", watched)
    stack = fit_stack(architecture, models, rows)
    # It is handed to some models, not to all.
    assert torch.stack([h.expand(3) for h in handed]).any(dim=0).tolist()[1] is False
    assert any(h.any() for h in handed)
    for i in range(3):
        alone = fit_stack(architecture, [models[i]], [rows[i]])
        assert_same_bits(parameters(alone, 0), parameters(stack, i))


@covering("penalty, algo, rotation, project, dtype", PENALTIES, STEPPED, ROTATIONS,
          ["each_step", "last_step"], [torch.float64, torch.float32])  # fmt: skip
def test_a_stack_with_a_penalty_gives_the_bits_of_single_fits(
    penalty, algo, rotation, project, dtype
):
    given = rotation == "given"
    # Each penalty meets several widths and starts.
    place = PENALTIES.index(penalty) + ROTATIONS.index(rotation)
    d, start = (5, 3, 6)[place % 3], STARTS[place % 5]
    architecture = replace(
        make_architecture(algo, given=given, rotation=rotation, d=d, start=start),
        penalty=penalty,
        project=project if penalty.is_set else "each_step",
    )
    rng = np.random.default_rng(1)
    whole = make_rows(given=given, d=d)
    caps = rng.uniform(2.0, 3.0, size=(60, 1)) if penalty.columns() else None
    whole = replace(whole, y=4.0 * np.abs(whole.y), limits=caps)
    models = [
        replace(model, k=min(model.k, 5), max_epochs=3)
        for model in unlike_models(architecture.algorithm.has_step_size)
    ]
    rows = [whole.take(np.sort(rng.permutation(60)[: 50 + i % 3])) for i in range(4)]
    # A unit of its own: penalties are not homogeneous.
    rows[3] = replace(rows[3], y=5.0 * rows[3].y)
    stack = fit_stack(architecture, models, rows, dtype=dtype)
    assert len(set(stack.module_.unit.tolist())) == 2
    for part in ([1], [3, 0]):
        net = fit_stack(
            architecture, [models[i] for i in part], [rows[i] for i in part], dtype=dtype
        )
        for place, i in enumerate(part):
            assert_same_bits(parameters(net, place), parameters(stack, i))
            wanted = [(place, rows[i].given)], [(i, rows[i].given), (0, rows[i].given)]
            alone, beside = (
                predict_stack(each.module_, w)[0]
                for each, w in zip((net, stack), wanted, strict=True)
            )
            np.testing.assert_array_equal(alone, beside)
    assert not torch.equal(stack.module_.weights[0], stack.module_.weights[1])


def test_early_stopping_ends_each_model_for_itself():
    architecture = make_architecture()
    models = unlike_models(has_step_size=True, batch_size=60)
    # No epoch takes nine tenths off the loss, so training stops when patience runs out.
    models = [
        replace(model, patience=patience, tol=0.9)
        for model, patience in zip(models, (2, 5, 30, 8), strict=True)
    ]
    rows, validation = make_rows(60), make_rows(20, seed=7)
    stack = fit_stack(architecture, models, [rows] * 4, validation=[validation] * 4)
    assert stack.progress_.n_iter.tolist() == [3, 6, 9, 9]
    for i, model in enumerate(models):
        net = fit_stack(architecture, [model], [rows], validation=[validation])
        assert len(net.history) == net.progress_.n_iter[0] == stack.progress_.n_iter[i]
        assert_same_bits(parameters(net, 0), parameters(stack, i))


@covering("rotation, dtype", ["identity", "shared", "predicted"], [torch.float64, torch.float32])
def test_a_diverging_model_leaves_the_others_alone(rotation, dtype):
    architecture = make_architecture("nag", rotation=rotation)
    options = {"optimizer": "sgd", "loss": "squared", "weight_decay": 0.0, "keep": "best"}
    models = [replace(SETTINGS, seed=seed, **options) for seed in (1, 2, 3)]
    models[1] = replace(models[1], lr=1e8)
    rows = make_rows()
    stack = fit_stack(architecture, models, [rows] * 3, dtype=dtype)
    assert stack.progress_.diverged.tolist() == [False, True, False]
    assert len(stack.history) == 12
    assert not np.isfinite(stack.history[-1, "train_loss"][1])
    for i in (0, 2):
        alone = fit_stack(architecture, [models[i]], [rows], dtype=dtype)
        assert not alone.progress_.diverged.any()
        assert_same_bits(parameters(alone, 0), parameters(stack, i))
    # What is kept of it is the last that was finite.
    assert torch.isfinite(stack.module_.weights).all()
    alone = fit_stack(architecture, [models[1]], [rows], dtype=dtype)
    assert alone.progress_.diverged.all()
    assert alone.progress_.n_iter[0] == stack.progress_.n_iter[1]


def test_models_that_need_unlike_batches_are_refused():
    architecture = make_architecture()
    rows = [make_rows(60), make_rows(61)]
    with pytest.raises(ValueError, match="equal batches"):
        fit_stack(architecture, [replace(SETTINGS, batch_size=30)] * 2, rows)


def test_learning_rates_follow_each_models_schedule():
    models = [
        replace(SETTINGS, lr=0.1, max_epochs=4, lr_schedule="constant"),
        replace(SETTINGS, lr=0.2, max_epochs=4),
        replace(SETTINGS, lr=0.4, max_epochs=2),
    ]
    net = fit_stack(make_architecture(), models, [make_rows()] * 3)
    cosine = 0.5 * (1.0 + np.cos(np.pi * np.arange(4) / 4))
    rates = np.stack(net.history[:, "lr"]).T
    np.testing.assert_allclose(rates[0], 0.1, rtol=1e-15)
    np.testing.assert_allclose(rates[1], 0.2 * cosine, rtol=1e-15)
    np.testing.assert_allclose(rates[2], [0.4, 0.2, 0.0, 0.0], rtol=1e-15)


def test_initial_weights_depend_on_the_seed_alone():
    def weights(seeds, algo="gd"):
        # Of a single batch the parameters kept are those before the only step.
        models = [replace(SETTINGS, seed=seed, batch_size=60, max_epochs=1) for seed in seeds]
        return fit_stack(
            make_architecture(algo), models, [make_rows()] * len(seeds)
        ).module_.weights

    torch.manual_seed(0)
    first = weights([5, 6, 5])
    torch.manual_seed(1)
    assert torch.equal(weights([5]), first[:1])
    assert torch.equal(first[0], first[2])
    assert not torch.equal(first[0], first[1])
    assert torch.equal(weights([5], "nag"), first[:1])


# ---------------------------------------------------------------------- rows


def make_batches(counts, batch_size, seeds, dtype=torch.float64):
    """Rows whose first feature numbers them from 1."""
    rows = []
    for count in counts:
        r = make_rows(count)
        r.x[:, 0] = np.arange(1, count + 1)
        rows.append(r)
    stack = StackRows(
        make_architecture(),
        rows,
        units=[1.0] * len(rows),
        offsets=[np.zeros(D)] * len(rows),
        batch_sizes=[batch_size] * len(rows),
        seeds=seeds,
        dtype=dtype,
        device="cpu",
    )
    return stack, rows


def numbers(batch, model):
    """The numbers of the rows in a batch; 0 is padding."""
    return batch.x[model, 0].to(torch.int64).numpy()


@pytest.mark.parametrize("batch_size", [1, 7, 16, 20, 53, 1000])
@pytest.mark.parametrize("epoch", [0, 3])
def test_every_row_appears_once_an_epoch(batch_size, epoch):
    counts = (53, 53) if batch_size < 20 else (51, 53)
    stack, rows = make_batches(counts, batch_size, seeds=[1, 2])
    assert len(stack) == 53
    batches = list(stack.epoch(epoch))
    assert len(batches) == stack.n_batches == -(-53 // batch_size)
    for model, count in enumerate(counts):
        seen = [numbers(batch, model) for batch in batches]
        true = [part[part > 0] for part in seen]
        assert sorted(np.concatenate(true)) == list(range(1, count + 1))
        sizes = [len(part) for part in true]
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        weight = rows[model].weight * count / rows[model].weight.sum()
        for batch, part, found in zip(batches, seen, true, strict=True):
            assert batch.count[model] == len(found)
            assert len(part) % 16 == 0
            assert not batch.weight[model][part == 0].any()
            assert not batch.y[model][:, part == 0].any()
            np.testing.assert_allclose(
                batch.weight[model][part > 0], weight[found - 1] / len(found), rtol=1e-12
            )
            assert np.array_equal(batch.x[model][:M, part > 0].T, rows[model].x[found - 1])
            assert np.array_equal(batch.y[model][:, part > 0].T, rows[model].y[found - 1])


def order(stack, epoch, model=0):
    return np.concatenate([numbers(batch, model) for batch in stack.epoch(epoch)]).tolist()


def test_the_order_is_a_function_of_seed_and_epoch():
    first, _ = make_batches([53, 52], 20, seeds=[1, 2])
    torch.manual_seed(0)
    expected = order(first, 4)
    other, _ = make_batches([53], 20, seeds=[1])
    torch.manual_seed(1)
    # Not of the epochs before it, of the other models, or of the dtype.
    assert order(other, 4) == expected
    single, _ = make_batches([51, 53], 20, seeds=[9, 1], dtype=torch.float32)
    assert order(single, 4, model=1) == expected
    orders = {tuple(order(first, epoch)) for epoch in range(10)}
    assert len(orders) == 10
    elsewhere, _ = make_batches([53], 20, seeds=[2])
    assert tuple(order(elsewhere, 4)) not in orders


def test_given_b_and_rotation_stay_with_their_rows():
    architecture = make_architecture(given=True, rotation="given")
    rows = make_rows(40, given=True)
    rows.x[:, 0] = np.arange(1, 41)
    offset = np.arange(1.0, 1.0 + D)
    stack = StackRows(architecture, [rows], [0.5], [offset], [15], [3], torch.float64, "cpu")
    for batch in stack.epoch(1):
        found = numbers(batch, 0)
        true = found > 0
        index = found[true] - 1
        assert np.array_equal(batch.b[0][:, true].T, rows.b[index] / 0.5)
        assert np.array_equal(batch.y[0][:, true].T, rows.y[index] / 0.5 - offset)
        assert np.array_equal(batch.rotation[0][true], rows.rotation[index])


# ---------------------------------------------------------------------- optimisers


@pytest.mark.parametrize("width", [4, 16])  # Adam has a kernel for rows padded to 16
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(
    ("ours", "reference"), [(StackAdam, torch.optim.Adam), (StackSGD, torch.optim.SGD)]
)
def test_optimisers_are_torchs(ours, reference, decay, width):
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(3, 6, width, generator=generator, dtype=torch.float64)
    c = torch.randn(3, 6, 1, generator=generator, dtype=torch.float64)
    start = torch.randn(3, width, generator=generator, dtype=torch.float64)
    rates, decays = [1e-3, 1e-2, 5e-2], [decay, 2.0 * decay, 0.0]

    def losses(w, rows=slice(None)):
        return ((A[rows] @ w.unsqueeze(-1) - c[rows]) ** 2).mean(dim=(1, 2))

    w = start.clone().requires_grad_()
    lr = torch.tensor(rates, dtype=torch.float64).unsqueeze(-1)
    decay_column = torch.tensor(decays, dtype=torch.float64).unsqueeze(-1) if decay else None
    optimizer = ours([{"params": [w], "lr": lr, "weight_decay": decay_column}])
    for _ in range(20):
        optimizer.zero_grad()
        losses(w).sum().backward()
        optimizer.step()
    assert (w - start).abs().max() > 1e-3
    for i, (rate, strength) in enumerate(zip(rates, decays, strict=True)):
        alone = start[i : i + 1].clone().requires_grad_()
        torchs = reference([alone], lr=rate, weight_decay=strength)
        for _ in range(20):
            torchs.zero_grad()
            losses(alone, slice(i, i + 1)).sum().backward()
            torchs.step()
        torch.testing.assert_close(w[i : i + 1], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(), (16,), (48,), (7,)])
@pytest.mark.parametrize("optimizer", [StackAdam, StackSGD])
def test_optimisers_give_a_model_the_same_bits_in_every_stack(optimizer, shape, dtype):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(16, *shape, generator=generator, dtype=dtype)
    gradients = torch.randn(20, 16, *shape, generator=generator, dtype=dtype)
    rates = torch.linspace(0.01, 0.1, 16, dtype=dtype).reshape(-1, *[1] * len(shape))

    def train(models):
        w = start[models].clone()
        ours = optimizer([{"params": [w], "lr": rates[models], "weight_decay": rates[models]}])
        for gradient in gradients:
            w.grad = gradient[models].clone()
            ours.step()
        return w

    together = train(list(range(16)))
    for models in ([0], [15], [1, 2], list(range(3, 8))):
        assert torch.equal(train(models), together[models])


def test_weights_decay_and_step_sizes_do_not():
    # At so low a rate and so strong a decay the gradients themselves do next to nothing.
    decaying = replace(SETTINGS, lr=1e-6, weight_decay=1e4, optimizer="sgd", keep="last")
    models = [decaying, replace(decaying, weight_decay=0.0)]
    net = fit_stack(make_architecture(), models, [make_rows()] * 2)
    # Two steps an epoch.
    steps = np.repeat(net.history[:, "lr"], 2, axis=0)[:, 0]
    shrunk = np.prod(1.0 - 1e4 * steps)
    assert shrunk < 0.9
    weights = net.module_.weights.detach()
    torch.testing.assert_close(weights[0], shrunk * weights[1], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(net.module_.step_size.detach()[0].item(), 0.9, rtol=1e-3, atol=0.0)


def test_step_sizes_stay_in_their_models_range():
    model = replace(SETTINGS, lr=5.0, weight_decay=0.0, optimizer="sgd", step_size=(0.5,))
    models = [replace(model, step_size_range=(0.4, high)) for high in (0.6, 0.7)]
    net = fit_stack(make_architecture(), models, [make_rows()] * 2, dtype=torch.float32)
    sizes = np.stack(net.history[:, "step_size"])
    assert sizes.min() >= 0.4
    assert (sizes.max(axis=0) <= [0.6, 0.7]).all()
    assert net.module_.step_size.dtype == torch.float64


def test_a_new_net_holds_zeros_only():
    net = build_net(RegressionModel, make_architecture(), [SETTINGS], torch.float32)
    assert not net.module_.weights.any()
    assert net.module_.weights.dtype == torch.float32
    assert net.module_.weights.shape[1] % 16 == 0
