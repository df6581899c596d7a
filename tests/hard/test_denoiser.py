"""The denoiser over drawn hyperparameters, image shapes, channels and dtypes."""

import os
import pickle
import tempfile

import numpy as np
from hard._loops import iterates
from hard._running import holds_for
from hypothesis import strategies as st
from sklearn.base import clone

from sklearn_reasoning import HybridReasoningDenoiser, load_model, save_model

_algorithms = ["gd", "nag", "heavy_ball", "chebyshev", "cg", "opt"]


@st.composite
def denoisers(draw):
    """Draw a small denoiser."""
    shuffle = draw(st.integers(1, 3))
    f_layers = draw(st.integers(0, 2))
    return HybridReasoningDenoiser(
        draw(st.sampled_from(_algorithms)),
        k=draw(st.sampled_from([0, 1, 3, 20])),
        L=draw(st.sampled_from([1, 1.5, 4.0, 9.0])),
        learn_step_size=draw(st.booleans()),
        f_channels=draw(st.integers(1, 5)),
        f_layers=f_layers,
        g_channels=draw(st.integers(1, 5)),
        g_layers=draw(st.integers(0 if f_layers else 1, 2)),
        shuffle=shuffle,
        patch_size=shuffle * draw(st.integers(1, 4)) * 2,
        batch_size=draw(st.integers(1, 5)),
        max_steps=draw(st.integers(1, 3)),
        lr=draw(st.floats(1e-5, 1e-2)),
        lr_schedule=draw(st.sampled_from(["cosine", "constant"])),
        weight_decay=draw(st.sampled_from([0.0, 1e-3])),
        augment=draw(st.booleans()),
        loss=draw(st.sampled_from(["squared", "l2"])),
        mixed_precision=draw(st.sampled_from(["auto", False])),
        random_state=draw(st.integers(0, 2**31)),
    )


@st.composite
def pairs(draw):
    """Draw noisy and clean images: an array, or a list of unlike sizes, grey, colour or mixed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Three columns could be three channels: such arrays are refused.
    side = st.integers(4, 40)
    colour = st.sampled_from([(), (3,)])
    dtype = st.sampled_from(["float64", "float32", "uint8"])

    def image(shape, dtype):
        clean = rng.random(shape)
        noisy = clean + 0.1 * rng.standard_normal(shape)
        if dtype == "uint8":
            clean, noisy = ((255 * np.clip(x, 0, 1)).astype(np.uint8) for x in (clean, noisy))
        return noisy.astype(dtype), clean.astype(dtype)

    if draw(st.booleans()):
        shape = (draw(st.integers(1, 3)), draw(side), draw(side), *draw(colour))
        return image(shape, draw(dtype))
    drawn = [
        image((draw(side), draw(side), *draw(colour)), draw(dtype))
        for _ in range(draw(st.integers(1, 3)))
    ]
    return [noisy for noisy, _ in drawn], [clean for _, clean in drawn]


def as_lists(images):
    return [np.asarray(image) for image in images]


def assert_same(first, second):
    for one, other in zip(as_lists(first), as_lists(second), strict=True):
        np.testing.assert_array_equal(one, other)


@holds_for(denoisers(), pairs(), few=2, many=300)
def test_what_a_fit_is(model, data):
    noisy, clean = data
    model.fit(noisy, clean)
    restored = model.predict(noisy)
    assert type(restored) is type(noisy)
    for image, given in zip(restored, noisy, strict=True):
        assert image.shape == given.shape
        assert image.dtype == (np.float32 if given.dtype == np.uint8 else given.dtype)
        assert np.isfinite(image).all()
    assert_same(restored, model.predict(noisy, k=model.k))
    assert_same(restored, clone(model).fit(noisy, clean).predict(noisy))
    assert_same(restored, pickle.loads(pickle.dumps(model)).predict(noisy))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.safetensors")
        save_model(model, path)
        again = load_model(path)
    assert_same(restored, again.predict(noisy))
    assert again.score(noisy, clean) == model.score(noisy, clean)
    assert_same(restored, model.fit(noisy, clean).predict(noisy))


@holds_for(denoisers(), pairs(), few=2, many=200)
def test_each_pixel_is_a_loop_on_its_energy(model, data):
    noisy, clean = data
    model.fit(noisy, clean)
    step_size = model.step_size_
    if step_size is not None:
        low, high = model.algorithm_.stable_region(1.0, model.L)
        assert low <= step_size <= high
    diagonals, linear = model.predict_energy(noisy)
    for restored, diagonal, b in zip(model.predict(noisy), diagonals, linear, strict=True):
        assert diagonal.min() >= 1.0 - 1e-6
        assert diagonal.max() <= model.L * (1 + 1e-6)
        for i in [(0, 0), (-1, -1), (0, -1)]:
            q, c, y = (np.ravel(part[i])[:1].astype(np.float64) for part in (diagonal, b, restored))
            if model.algo == "opt":
                expected, largest = -c / q, np.abs(c).max()
            else:
                path = iterates(model.algo, q[:, None], c, [step_size or 1] * model.k, 1, model.L)
                expected, largest = path[-1], np.abs(path).max()
            # The layer is computed in float32.
            assert np.abs(y - expected).max() <= 1e-5 * (largest + 1e-3)
