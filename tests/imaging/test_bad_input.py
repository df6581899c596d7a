"""Bad input is refused before any training, by a message that says what is wrong, and where."""

import numpy as np
import pytest
import torch
from PIL import Image
from skorch.callbacks import BatchScoring, Callback, EpochScoring, LRScheduler

from sklearn_reasoning import HybridReasoningDenoiser

NAN, INF = float("nan"), float("inf")
REFUSED = (ValueError, TypeError)


class NoTraining(Callback):
    """Fails the test once training begins."""

    def on_train_begin(self, net, **kwargs):
        raise AssertionError("training has begun")


def assert_refused(model, match, *data):
    before = dict(vars(model))
    with pytest.raises(REFUSED, match=match):
        model.fit(*data)
    assert vars(model) == before
    assert not model.__sklearn_is_fitted__()


def test_good_input_would_be_trained_on(small, data):
    with pytest.raises(AssertionError, match="training has begun"):
        small(callbacks=[NoTraining()]).fit(*data)


# ---------------------------------------------------------------------- parameters

BAD_PARAMETERS = {
    "algo": ["heavyball", "rnn", 3, None, ["gd"]],
    "k": [-1, 2.5, "10", None, True, NAN, [1]],
    "step_size": [0.0, -1.0, NAN, INF, "1", 100.0, 1e-9, True],
    "step_size_range": ["wide", None, (1.0,), (2.0, 1.0), (0.0, 1.0), (0.1, INF)],
    "learn_step_size": ["yes", None, 2],
    "L": [0.5, 0, -1.0, NAN, INF, "4", None, True],
    "f_channels": [0, -1, 2.5, None, True],
    "f_layers": [-1, 2.5, None, True],
    "g_channels": [0, -1, 2.5, None, True],
    "g_layers": [-1, 2.5, None, True],
    "shuffle": [0, -2, 1.5, None, True, 3],
    "patch_size": [0, 1, -4, 16.0, 15, None, True],
    "batch_size": [0, -1, 2.5, None, True],
    "max_steps": [0, -1, 2.5, None, True, INF],
    "lr": [0, -0.1, NAN, INF, "0.1", None, True],
    "lr_schedule": ["step", None, 3],
    "weight_decay": [-1e-4, NAN, INF, None, True],
    "augment": ["yes", None, 2],
    "loss": ["l1", None, 2],
    "mixed_precision": ["yes", None, 2],
    "device": ["gpu", "cuda:99", 3, None],
    "callbacks": ["print", [3], [print], [EpochScoring("r2")], [BatchScoring("r2")]],
    "verbose": ["yes", -1, None],
    "random_state": [-1, "seed", 1.5, np.random.default_rng(0)],
}


def test_every_parameter_is_listed():
    assert BAD_PARAMETERS.keys() == HybridReasoningDenoiser().get_params().keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param(name, value, id=f"{name}={value!r}".split(" at 0x")[0])
        for name, values in BAD_PARAMETERS.items()
        for value in values
    ],
)
def test_a_parameter_out_of_its_domain(small, data, name, value):
    model = small(callbacks=[NoTraining()])
    model.set_params(**{name: value})
    assert_refused(model, rf"\b{name}\b", *data)


def test_messages_help(small, data):
    for parameters, match in [
        ({"algo": "rnn"}, r"algo='rnn'.*every pixel is a problem of its own.*'gd', 'nag'"),
        ({"f_layers": 0, "g_layers": 0}, "f_layers=0 and g_layers=0 leave nothing to learn"),
        ({"patch_size": 15}, "patch_size=15 must be a multiple of shuffle=2"),
        ({"step_size": 7.5}, r"7\.5.*stable region.*gd"),
        ({"callbacks": [LRScheduler()]}, "LRScheduler: use lr_schedule"),
    ]:
        assert_refused(small(**parameters), match, *data)


# ---------------------------------------------------------------------- images

FINE = np.full((2, 8, 9), 0.5)


def with_value(value, index=1):
    images = FINE.copy()
    images[index, 3, 4] = value
    return images


BAD_NOISY = {
    "0 to 255 as floats": (FINE * 300, r"noisy\[0\] has values from 150 to 150.*255.*uint8"),
    "one bright pixel": (with_value(200.0), r"noisy\[1\] has values from 0\.5 to 200"),
    "NaN": (with_value(NAN), r"noisy\[1\] holds NaN"),
    "infinite": (with_value(-INF), r"noisy\[1\] holds infinite"),
    "NaN in a list": ([FINE[0], FINE[0], with_value(NAN)[1]], r"noisy\[2\] holds NaN"),
    "int64": (np.ones((2, 8, 9), dtype=int), r"noisy\[0\] has dtype int64"),
    "uint16": (np.ones((2, 8, 9), np.uint16), r"uint16.*65535"),
    "bool": (FINE > 0, r"noisy\[0\] has dtype bool"),
    "complex": (FINE + 0j, r"noisy\[0\] has dtype complex"),
    "strings": ([["a", "b"], ["c", "d"]], r"noisy\[0\] has dtype <U1"),
    "a single image": (FINE[0], r"shape \(8, 9\): a single image.*\[image\]"),
    "a single colour image": (np.full((8, 9, 3), 0.5), r"one image with three channels.*list"),
    "channels first": (np.full((2, 3, 8, 9), 0.5), r"noisy\[0\].*channels come first.*moveaxis"),
    "channels first in a list": (
        [np.full((8, 9, 3), 0.5), np.full((3, 8, 9), 0.5)],
        r"noisy\[1\] has shape \(3, 8, 9\).*channels come first",
    ),
    "an axis of one": (FINE[..., None], r"noisy\[0\].*image\[\.\.\., 0\]"),
    "alpha": (np.full((2, 8, 9, 4), 0.5), r"noisy\[0\].*image\[\.\.\., :3\]"),
    "vectors": ([FINE[0], np.ones(5)], r"noisy\[1\] has shape \(5,\)"),
    "numbers": ([1.0, 2.0], r"noisy\[0\] has shape \(\)"),
    "five axes": (np.full((1, 2, 8, 9, 3), 0.5), r"shape \(1, 2, 8, 9, 3\)"),
    "one pixel": (np.full((2, 1, 1), 0.5), r"noisy\[0\] has shape \(1, 1\).*2 x 2"),
    "a line": ([FINE[0], FINE[0][:1]], r"noisy\[1\] has shape \(1, 9\).*2 x 2"),
    "no pixel": (np.empty((2, 0, 9)), r"noisy\[0\] has shape \(0, 9\)"),
    "nothing": (np.empty((0, 8, 9)), "noisy holds no image"),
    "an empty list": ([], "noisy holds no image"),
    "None": (None, "noisy=NoneType must be an array"),
    "a path": ("image.png", "noisy=str must be an array"),
    "a generator": ((image for image in FINE), "noisy=generator must be an array"),
    "a palette's indices": (
        [Image.fromarray((255 * FINE[0]).astype(np.uint8)).convert("P")],
        r"noisy\[0\] is a Pillow image of mode 'P'.*convert\('RGB'\)",
    ),
    "inks": (
        [FINE[0], Image.new("CMYK", (9, 8))],
        r"noisy\[1\] is a Pillow image of mode 'CMYK'.*convert\('RGB'\)",
    ),
    "another colour space": ([Image.new("YCbCr", (9, 8))], r"noisy\[0\].*'YCbCr'.*'RGB'"),
    "ragged": ([[[0.1, 0.2], [0.3]]], r"noisy\[0\] is no image"),
}


@pytest.mark.parametrize("name", BAD_NOISY)
def test_bad_images(small, trained, name):
    noisy, match = BAD_NOISY[name]
    assert_refused(small(callbacks=[NoTraining()]), match, noisy, FINE)
    for method in (trained.predict, trained.predict_energy):
        with pytest.raises(REFUSED, match=match):
            method(noisy)
    with pytest.raises(REFUSED, match=match):
        trained.score(noisy, FINE)
    if noisy is not None:
        with pytest.raises(REFUSED, match=match.replace("noisy", "images")):
            trained.certify(noisy)


BAD_CLEAN = {
    "below 0": (with_value(-0.1), r"clean\[1\] has values from -0\.1"),
    "above 1": (with_value(1.5, index=0), r"clean\[0\] has values from 0\.5 to 1\.5.*\[0, 1\]\."),
    "NaN": (with_value(NAN), r"clean\[1\] holds NaN"),
    "other length": (FINE[:1], "noisy holds 2 images and clean 1"),
    "transposed": (FINE.swapaxes(1, 2), r"noisy\[0\] has shape \(8, 9\) and clean\[0\] \(9, 8\)"),
    "one of another shape": (
        [FINE[0], FINE[0][:5]],
        r"noisy\[1\] has shape \(8, 9\) and clean\[1\] \(5, 9\)",
    ),
    "in colour": (
        [FINE[0], np.full((8, 9, 3), 0.5)],
        r"noisy\[1\] has shape \(8, 9\) and clean\[1\] \(8, 9, 3\)",
    ),
    "None": (None, "clean=NoneType"),
}


@pytest.mark.parametrize("name", BAD_CLEAN)
def test_bad_targets(small, trained, name):
    clean, match = BAD_CLEAN[name]
    assert_refused(small(callbacks=[NoTraining()]), match, FINE, clean)
    with pytest.raises(REFUSED, match=match):
        trained.score(FINE, clean)


def test_images_of_pillow_are_arrays(trained):
    image = Image.fromarray((255 * FINE[0]).astype(np.uint8))
    for one in (image, image.convert("RGB")):
        expected = trained.predict([np.asarray(one)])
        np.testing.assert_array_equal(trained.predict([one]), expected)


def test_noise_may_leave_the_range(small):
    noisy = FINE + np.linspace(-3, 3, 9)
    assert np.isfinite(small(max_steps=1).fit(noisy, FINE).predict(noisy)).all()


@pytest.mark.parametrize("k", [-1, 2.5, "3", True, [1, 2]])
def test_another_k_is_checked(trained, k):
    with pytest.raises(REFUSED, match=r"\bk="):
        trained.predict(FINE, k=k)


def test_tensors_are_images_too(trained):
    tensor = torch.full((2, 8, 9), 0.5, dtype=torch.float64)
    np.testing.assert_array_equal(trained.predict(tensor), trained.predict(FINE))
    np.testing.assert_array_equal(trained.predict(list(tensor))[0], trained.predict(FINE)[0])
