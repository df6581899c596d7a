"""What the denoiser computes, against plain loops and its own definition."""

import numpy as np
import pytest
import torch
from _covering import covering

from sklearn_reasoning import HybridReasoningDenoiser
from sklearn_reasoning.algorithms import get_algorithm, list_algorithms
from sklearn_reasoning.estimators.denoiser._tiles import energy_of, restore
from sklearn_reasoning.exceptions import DivergenceError

PER_PIXEL = [name for name in list_algorithms() if get_algorithm(name).commutes_with_rotations]


def mean_psnr(predicted, clean):
    errors = (np.clip(predicted, 0, 1) - clean).reshape(len(clean), -1)
    return np.mean([10 * np.log10(1 / np.mean(error**2)) for error in errors])


# ---------------------------------------------------------------------- the layer


def plain_loop(name, t, b, k, phi, L):
    """Run k steps on t y^2 / 2 + b y, a pixel at a time, from the textbook's formulas."""
    mu = 1.0
    y, before = 0.0, 0.0
    z, omega = 0.0, 1.0
    radius, centre = (L - mu) / 2, (L + mu) / 2
    for i in range(k):
        if name == "gd":
            y = y - phi * (t * y + b)
        elif name == "nag":
            beta = (1 - np.sqrt(mu * phi)) / (1 + np.sqrt(mu * phi))
            stepped = z - phi * (t * z + b)
            z, y = stepped + beta * (stepped - y), stepped
        elif name == "heavy_ball":
            beta = (1 - np.sqrt(mu * phi)) ** 2
            y, before = y - phi * (t * y + b) + beta * (y - before), y
        elif name == "fista":
            stepped = z - phi * (t * z + b)
            z, y = stepped + i / (i + 3) * (stepped - y), stepped
        elif name == "admm":
            w = y - phi * (t * y + b) if i == 0 else y
            y = (w - phi * b) / (1 + phi * t)
        elif name == "chebyshev":
            ratio = radius / centre
            omega = 1.0 if i == 0 else 1 / (1 - (ratio**2 / 2 if i == 1 else ratio**2 / 4 * omega))
            stepped = omega * (y - (t * y + b) / centre - before) + before
            y, before = stepped, y
        else:  # cg on a scalar problem, and opt, are exact
            y = -b / t
    return y


@covering("k, name", [1, 2, 7], PER_PIXEL)
def test_predictions_are_k_plain_steps_on_every_pixel(data, name, k, small):
    noisy, clean = data
    model = small(algo=name, k=5, L=3.0).fit(noisy, clean)
    diagonal, b = model.predict_energy(noisy[:1, :6, :6])
    assert 1.0 <= diagonal.min() < diagonal.max() <= 3.0
    predicted = model.predict(noisy[:1, :6, :6], k=k)
    for t, linear, y in zip(diagonal.flat, b.flat, predicted.flat, strict=True):
        expected = plain_loop(name, t, linear, k, model.step_size_, 3.0)
        assert y == pytest.approx(expected, abs=2e-6)


def test_k_defaults_to_the_trained_one(trained, data):
    np.testing.assert_array_equal(trained.predict(data[0]), trained.predict(data[0], k=20))
    assert not np.array_equal(trained.predict(data[0]), trained.predict(data[0], k=1))
    assert (trained.predict(data[0], k=0) == 0.0).all()


def test_many_steps_reach_the_minimiser(trained, data):
    diagonal, b = trained.predict_energy(data[0])
    np.testing.assert_allclose(trained.predict(data[0], k=1000), -b / diagonal, atol=1e-6)


@pytest.mark.parametrize("name", ["gd", "nag", "heavy_ball"])
def test_memory_for_training_does_not_grow_with_k(name, images, small):
    def kept(k):
        """Return the bytes that the backward pass of one step needs."""
        model = small(algo=name, k=k, max_steps=1).fit(*images(1, 32, 32, seed=0))
        sizes = {}

        def pack(tensor):
            sizes[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model.module_.restore(torch.full((4, 1, 32, 32), 0.5)).sum().backward()
        return sum(sizes.values())

    # A doubling of k adds at most a constant, and from k = 4 on the closed form adds none.
    assert kept(1000) <= 1.01 * kept(4)


def test_turned_off_networks(images, small):
    noisy, clean = images(2, 32, 32, seed=0)
    plain = small(algo="opt", f_layers=0).fit(noisy, clean)
    diagonal, b = plain.predict_energy(noisy)
    assert (diagonal == 1.0).all()
    assert plain.module_.f is None
    np.testing.assert_array_equal(plain.predict(noisy), -b)
    darker = small(g_layers=0).fit(noisy, clean)
    _, b = darker.predict_energy(noisy)
    np.testing.assert_array_equal(b, -noisy.astype(np.float32))
    assert (np.abs(darker.predict(noisy)) <= np.abs(noisy) + 1e-6).all()


@pytest.mark.parametrize("L", [1.0, 1.3, 50.0])
def test_the_spectrum_is_bounded_whatever_the_networks_say(data, L, small):
    model = small(L=L, max_steps=1).fit(*data)
    for logit in (-1e4, 1e4):
        with torch.no_grad():
            model.module_.f.biases[-1].fill_(logit)
        diagonal, _ = model.predict_energy(data[0].astype(np.float32))
        # In float32, like the networks.
        assert np.allclose(diagonal, 1.0 if logit < 0 else L, rtol=2e-7, atol=0.0)


# ---------------------------------------------------------------------- sizes and containers


@pytest.mark.parametrize("shuffle", [1, 2, 3])
@pytest.mark.parametrize("shape", [(2, 2), (5, 7), (16, 16), (31, 24), (33, 50)])
def test_an_image_of_any_size_is_that_of_the_reflected_image_cut(shuffle, shape, images, small):
    noisy, clean = images(1, 33, 50, seed=2)
    model = small(shuffle=shuffle, patch_size=12).fit(noisy, clean)
    image = noisy[0][: shape[0], : shape[1]].astype(np.float32)
    (predicted,) = model.predict([image])
    assert predicted.shape == shape
    height, width = (-(-side // shuffle) * shuffle for side in shape)

    def reflected(length, side):
        """Return indices 0, 1, ..., side - 1, side - 2, ..., 0, 1, ... of some length."""
        period = 2 * (side - 1)
        return [min(i % period, period - i % period) for i in range(length)]

    whole = image[np.ix_(reflected(height, shape[0]), reflected(width, shape[1]))]
    with torch.no_grad():
        expected = model.module_.restore(torch.from_numpy(whole)[None, None])[0, 0]
    np.testing.assert_array_equal(predicted, expected[: shape[0], : shape[1]].numpy())


@pytest.mark.parametrize("shuffle", [1, 2, 3])
@pytest.mark.parametrize("tile_size", [10, 30])
def test_tiles_with_margins_are_the_whole_image(shuffle, tile_size, images, small):
    noisy, clean = images(1, 61, 45, seed=3)
    # Weights at random: a model that has learned little would hide a margin too small.
    model = small(shuffle=shuffle, patch_size=12, g_layers=3, max_steps=1).fit(noisy, clean)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for network in (model.module_.f, model.module_.g):
            for weight in network.weights:
                weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    image = noisy[0].astype(np.float32)
    whole = restore(model.module_, image, tile_size=1000)
    spread = whole.std()
    tiled = restore(model.module_, image, tile_size=tile_size)
    # Not always the same bits: kernels for other shapes sum in another order.
    assert np.abs(tiled - whole).max() <= 2e-6 * spread
    for map_whole, map_tiled in zip(
        energy_of(model.module_, image, tile_size=1000),
        energy_of(model.module_, image, tile_size=tile_size),
        strict=True,
    ):
        np.testing.assert_allclose(map_tiled, map_whole, atol=2e-6 * spread)


def test_a_margin_one_cell_smaller_would_be_too_small(monkeypatch, images, small):
    noisy, clean = images(1, 61, 45, seed=3)
    model = small(g_layers=3, max_steps=1).fit(noisy, clean)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.module_.g.weights:
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    image = noisy[0].astype(np.float32)
    whole = restore(model.module_, image, tile_size=1000)
    monkeypatch.setattr(type(model.module_), "margin", model.module_.margin - 2)
    assert np.abs(restore(model.module_, image, tile_size=16) - whole).max() > 1e-4 * whole.std()


def test_lists_of_unlike_sizes_are_their_images(trained, images):
    noisy, _ = images(1, 40, 40, seed=4)
    parts = [noisy[0][:20, :31], noisy[0], noisy[0][:13, 5:].astype(np.float32)]
    restored = trained.predict(parts)
    assert isinstance(restored, list)
    assert [image.shape for image in restored] == [part.shape for part in parts]
    assert [image.dtype for image in restored] == [np.float64, np.float64, np.float32]
    np.testing.assert_array_equal(restored[1], trained.predict(noisy)[0])
    assert isinstance(trained.predict(tuple(parts)), tuple)
    assert trained.predict(noisy).dtype == np.float64
    assert trained.predict(noisy.astype(np.float32)).dtype == np.float32


def test_uint8_is_the_same_as_floats(data, small):
    noisy, clean = ((255 * np.clip(part, 0, 1)).round().astype(np.uint8) for part in data)
    from_bytes = small().fit(noisy, clean)
    from_floats = small().fit(noisy / 255.0, clean / 255.0)
    from_singles = small().fit(noisy / np.float32(255), clean / np.float32(255))
    predicted = from_bytes.predict(noisy)
    assert predicted.dtype == np.float32
    for other in (
        from_floats.predict(noisy / 255.0),
        from_singles.predict(noisy / np.float32(255)),
    ):
        np.testing.assert_array_equal(predicted, other)
    assert from_bytes.score(noisy, clean) == pytest.approx(
        from_floats.score(noisy / 255.0, clean / 255.0)
    )


def test_colour_is_three_grey_images(trained, images, small):
    channels, clean = images(3, 30, 41, seed=5)
    colour = np.moveaxis(channels, 0, -1)
    (restored,) = trained.predict([colour])
    np.testing.assert_array_equal(np.moveaxis(restored, -1, 0), trained.predict(channels))
    np.testing.assert_array_equal(trained.predict(colour[None])[0], restored)
    for of_colour, of_grey in zip(
        trained.predict_energy([colour]), trained.predict_energy(channels), strict=True
    ):
        np.testing.assert_array_equal(np.moveaxis(of_colour[0], -1, 0), of_grey)
    # Training draws from all channels, as from so many grey images.
    as_colour = small().fit(colour[None], np.moveaxis(clean, 0, -1)[None])
    as_grey = small().fit(channels, clean)
    np.testing.assert_array_equal(as_colour.predict(channels), as_grey.predict(channels))


def test_images_smaller_than_a_patch_are_continued(data, small):
    noisy, clean = data
    model = small(patch_size=64).fit([noisy[0], noisy[1][:3, :5]], [clean[0], clean[1][:3, :5]])
    assert np.isfinite(model.predict(noisy)).all()


# ---------------------------------------------------------------------- training


def test_a_trained_model_is_better_than_its_input(trained, images):
    noisy, clean = images(6, 61, 50, seed=6)
    before = mean_psnr(noisy, clean)
    assert before == pytest.approx(20.0, abs=0.6)
    assert trained.score(noisy, clean) > before + 5.0
    assert trained.score(noisy, clean) == pytest.approx(mean_psnr(trained.predict(noisy), clean))


def test_the_score_clips(trained, images):
    noisy, _ = images(1, 20, 20, seed=0)
    bright = noisy + 4.0
    restored = trained.predict(bright)
    assert restored.min() > 1.0
    expected = -10 * np.log10(np.mean((1.0 - 0.25) ** 2))
    assert trained.score(bright, np.full_like(bright, 0.25)) == pytest.approx(expected)


def test_the_same_seed_gives_the_same_bits_and_leaves_global_states_alone(data, small):
    # The legacy state is the one to be left alone.
    np_before, torch_before = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    first = small(random_state=3).fit(*data)
    threads = torch.get_num_threads()
    torch.set_num_threads(2 if threads == 1 else 1)
    try:
        second = small(random_state=3).fit(*data)
    finally:
        torch.set_num_threads(threads)
    other = small(random_state=4).fit(*data)
    np.testing.assert_array_equal(first.predict(data[0]), second.predict(data[0]))
    assert first.step_size_ == second.step_size_
    assert not np.array_equal(first.predict(data[0]), other.predict(data[0]))
    assert not np.array_equal(
        small(random_state=None).fit(*data).predict(data[0]),
        small(random_state=None).fit(*data).predict(data[0]),
    )
    assert torch.equal(torch.get_rng_state(), torch_before)
    for before, after in zip(np_before, np.random.get_state(), strict=True):  # noqa: NPY002
        assert np.array_equal(before, after)


def test_a_random_state_is_drawn_from(data, small):
    rng = np.random.RandomState(0)
    first, second = (small(random_state=rng).fit(*data).predict(data[0]) for _ in range(2))
    assert not np.array_equal(first, second)


def test_the_history_has_a_row_every_hundred_steps(data, small):
    model = small(max_steps=250).fit(*data)
    assert model.n_steps_ == 250
    assert model.history_[:, "steps"] == [100, 200, 250]
    assert all(np.isfinite(model.history_[:, "train_loss"]))
    lr = 0.5 * 1.5e-3 * (1 + np.cos(np.pi * np.array([99, 199, 249]) / 250))
    np.testing.assert_allclose(model.history_[:, "lr"], lr)
    assert model.history_[-1, "step_size"] == model.step_size_


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"learn_step_size": False, "step_size": 0.2}, 0.2),
        ({"step_size_range": (0.25, 0.25)}, 0.25),
        ({"algo": "opt"}, None),
        ({"learn_step_size": False, "L": 8.0}, 1 / 8),
    ],
)
def test_the_step_size_that_is_asked_for(data, parameters, expected, small):
    assert small(**parameters).fit(*data).step_size_ == expected


def test_the_step_size_stays_in_its_range_at_every_step(data, small):
    from skorch.callbacks import Callback

    class Watch(Callback):
        sizes = ()

        def on_batch_end(self, net, **kwargs):
            self.sizes += (net.module_.step_size.item(),)

        def on_grad_computed(self, net, **kwargs):
            # Whatever the data say: push it up, faster than the range is wide.
            net.module_.step_size.grad.fill_(-1.0)

    low, high = 0.2, 0.21
    model = small(step_size_range=(low, high), step_size=0.205, lr=0.02, callbacks=[Watch()])
    assert model.fit(*data).step_size_ == high
    watch = dict(model.net_.callbacks_)["Watch"]  # the copy that was called
    assert len(watch.sizes) == 10
    assert all(low <= size <= high for size in watch.sizes)


@pytest.mark.parametrize("loss", ["squared", "l2"])
def test_the_recorded_loss_is_that_of_the_patches(loss, images, small):
    # One patch, the whole image, at a rate too small to move: the loss can be told from outside.
    noisy, clean = images(1, 16, 16, seed=0)
    model = small(loss=loss, lr=1e-12, max_steps=3, batch_size=2, augment=False).fit(noisy, clean)
    mse = np.mean((model.predict(noisy) - clean) ** 2)
    expected = mse if loss == "squared" else np.sqrt(mse)
    assert model.history_[-1, "train_loss"] == pytest.approx(expected, rel=1e-4)


def test_augmentation_shows_every_position_of_the_square(monkeypatch):
    from sklearn_reasoning.estimators.denoiser._patches import Patches

    image = np.arange(4, dtype=np.float32).reshape(2, 2)

    def seen(augment):
        patches = Patches([image], [-image], patch_size=2, batch_size=200, augment=augment, seed=0)
        noisy, clean = patches.draw()
        assert torch.equal(noisy, -clean)
        return {tuple(patch.ravel().tolist()) for patch in noisy.numpy()}

    turns = [np.rot90(image, i) for i in range(4)]
    assert seen(augment=True) == {
        tuple(p.ravel().tolist()) for turn in turns for p in (turn, turn.T)
    }
    assert seen(augment=False) == {tuple(image.ravel().tolist())}


def test_patches_come_from_images_by_area_and_from_every_place():
    from sklearn_reasoning.estimators.denoiser._patches import Patches

    large, small_one = np.zeros((9, 10), np.float32), np.ones((5, 6), np.float32)
    large += np.arange(90, dtype=np.float32).reshape(9, 10) / 1000
    patches = Patches(
        [large, small_one], [large, small_one], patch_size=4, batch_size=4000, augment=False, seed=0
    )
    corners = patches.draw()[0][:, 0, 0, 0].numpy()
    share = np.mean(corners < 0.5)
    assert share == pytest.approx(90 / 120, abs=0.03)
    # 6 x 7 places for the corner of a patch of side 4.
    places, counts = np.unique(corners[corners < 0.5], return_counts=True)
    assert len(places) == 42
    assert counts.min() > 0.5 * counts.mean()


def test_divergence_is_named(data, small):
    model = small(lr=1e30, max_steps=20)
    with pytest.raises(DivergenceError, match="Lower lr"):
        model.fit(*data)
    assert not model.__sklearn_is_fitted__()


def test_bfloat16_convolutions_train_the_same_model_roughly(data, small):
    half, full = (small(mixed_precision=mixed, max_steps=5).fit(*data) for mixed in (True, False))
    again = small(mixed_precision=True, max_steps=5).fit(*data)
    a, b = half.predict(data[0]), full.predict(data[0])
    assert not np.array_equal(a, b)
    np.testing.assert_allclose(a, b, atol=0.02)
    np.testing.assert_array_equal(a, again.predict(data[0]))
    assert all(p.dtype == torch.float32 for p in half.module_.f.parameters())


# ---------------------------------------------------------------------- certificates


@pytest.mark.parametrize("name", PER_PIXEL)
def test_the_certificate_bounds_what_is_measured(data, name, small):
    noisy, clean = data
    model = small(algo=name, k=3).fit(noisy, clean)
    certificate = model.certify(noisy)
    assert (certificate.mu, certificate.L, certificate.k) == (1.0, 4.0, 3)
    assert certificate.step_size == model.step_size_
    assert certificate.holds
    diagonal, b = (part.reshape(len(noisy), -1) for part in model.predict_energy(noisy))
    spectra = np.stack([diagonal.min(axis=1), diagonal.max(axis=1)], axis=1)
    np.testing.assert_allclose(certificate.rows.eigenvalues, spectra)
    minimiser = -b / diagonal
    distance = np.linalg.norm(model.predict(noisy).reshape(len(noisy), -1) - minimiser, axis=1)
    np.testing.assert_allclose(certificate.rows.distance, distance, atol=1e-5)
    if name == "gd":
        expected = max(abs(1 - model.step_size_ * t) for t in (1.0, 4.0)) ** 3
        assert float(certificate.convergence.certified) == pytest.approx(expected, rel=1e-6)


def test_a_certificate_of_unlike_and_colour_images(trained, images):
    noisy, _ = images(3, 20, 24, seed=0)
    certificate = trained.certify([noisy[0], np.moveaxis(noisy, 0, -1)])
    assert certificate.rows.distance.shape == (2,)
    assert certificate.rows.eigenvalues.shape == (2, 2)
    assert "2 rows" in str(certificate)
    assert trained.certify().rows is None


def test_defaults_are_the_documented_ones():
    assert HybridReasoningDenoiser().get_params() == {
        "algo": "gd",
        "k": 20,
        "step_size": None,
        "step_size_range": "stable",
        "learn_step_size": True,
        "L": 4.0,
        "f_channels": 16,
        "f_layers": 3,
        "g_channels": 48,
        "g_layers": 6,
        "shuffle": 2,
        "patch_size": 40,
        "batch_size": 16,
        "max_steps": 14_000,
        "lr": 1.5e-3,
        "lr_schedule": "cosine",
        "weight_decay": 0.0,
        "augment": True,
        "loss": "squared",
        "mixed_precision": "auto",
        "device": "cpu",
        "callbacks": None,
        "verbose": 0,
        "random_state": None,
    }
