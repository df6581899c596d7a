"""What a user of the locally adaptive noise relies on, against plain loops."""

import math
import pickle

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks, get_tags

from sklearn_reasoning.datasets import LocallyAdaptiveNoise


def picture(height=14, width=17, seed=0):
    """A smooth ramp with a bright disc: flat parts, edges and everything between."""
    rows, columns = np.mgrid[:height, :width]
    disc = (rows - 0.4 * height) ** 2 + (columns - 0.6 * width) ** 2 < (0.25 * height) ** 2
    speckle = 0.02 * np.random.RandomState(seed).uniform(size=(height, width))
    return 0.2 + 0.3 * columns / width + 0.4 * disc + speckle


def reflected(index, size):
    """The pixel that stands at an index outside of the image: d c b a | a b c d | d c b a."""
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


def smoothed_by_hand(image, width):
    radius = int(4 * width + 0.5)
    kernel = [math.exp(-0.5 * (offset / width) ** 2) for offset in range(-radius, radius + 1)]
    height, breadth = image.shape
    result = np.zeros_like(image)
    for i in range(height):
        for j in range(breadth):
            for a, down in enumerate(kernel):
                for b, across in enumerate(kernel):
                    row = reflected(i + a - radius, height)
                    column = reflected(j + b - radius, breadth)
                    result[i, j] += down * across * image[row, column]
    return result / sum(kernel) ** 2


def slope_by_hand(image):
    height, width = image.shape
    result = np.zeros_like(image)
    for i in range(height):
        for j in range(width):
            above, below = max(i - 1, 0), min(i + 1, height - 1)
            left, right = max(j - 1, 0), min(j + 1, width - 1)
            down = (image[below, j] - image[above, j]) / (below - above)
            across = (image[i, right] - image[i, left]) / (right - left)
            result[i, j] = math.sqrt(down**2 + across**2)
    return result


def level_by_hand(image, low, high, width, percentile):
    edges = smoothed_by_hand(slope_by_hand(smoothed_by_hand(image, width)), width)
    ordered = sorted(edges.ravel())
    position = percentile / 100 * (len(ordered) - 1)
    before = int(position)
    after = min(before + 1, len(ordered) - 1)
    scale = ordered[before] + (position - before) * (ordered[after] - ordered[before])
    return np.array([[high - (high - low) * min(1, e / scale) for e in row] for row in edges])


@pytest.mark.parametrize(
    ("low", "high", "width", "percentile"),
    [(10 / 255, 40 / 255, 1.0, 95), (0.0, 0.3, 0.6, 50), (0.01, 0.02, 1.3, 100)],
)
def test_level_is_that_of_plain_loops(low, high, width, percentile):
    noise = LocallyAdaptiveNoise(low, high, width=width, percentile=percentile)
    expected = level_by_hand(picture(), low, high, width, percentile)

    np.testing.assert_allclose(noise.noise_level([picture()])[0], expected, rtol=0, atol=1e-14)


def test_defaults_are_those_of_the_docstring():
    expected = level_by_hand(picture(), 10 / 255, 40 / 255, 1.0, 95)

    level = LocallyAdaptiveNoise().noise_level([picture()])[0]

    np.testing.assert_allclose(level, expected, rtol=0, atol=1e-14)
    assert level.min() == pytest.approx(10 / 255, abs=1e-15)
    assert 10 / 255 <= level.min() <= level.max() <= 40 / 255
    assert (level == level.min()).sum() == pytest.approx(0.05 * level.size, abs=1)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("shape", [(2, 2), (9, 30), (9, 7, 3)])
def test_constant_image_has_the_high_level_everywhere(value, shape):
    level = LocallyAdaptiveNoise(low=0.1, high=0.2).noise_level([np.full(shape, value)])[0]

    np.testing.assert_array_equal(level, np.full(shape, 0.2))


def test_rounding_is_no_edge():
    image = np.full((20, 20), 0.3)
    image[:, 10:] += 5e-16  # nine times the spacing of floats there

    level = LocallyAdaptiveNoise(low=0.1, high=0.2).noise_level([image])[0]

    assert np.ptp(image) > 0
    assert (level == 0.2).all()


def test_edges_of_a_nearly_constant_image_have_the_low_level():
    image = np.zeros((60, 60))
    image[30, 30] = 1.0  # its blur covers less than the 5 % from which on the level is low

    level = LocallyAdaptiveNoise(low=0.1, high=0.2, width=0.5).noise_level([image])[0]

    assert level[30, 30] == pytest.approx(0.1, abs=1e-15)
    assert level[31, 30] == pytest.approx(0.1, abs=1e-15)
    assert (level[:20] == 0.2).all()


def test_noise_has_the_stated_level_and_is_gaussian_and_white():
    clean = np.stack([picture(100, 120, seed) for seed in range(5)])
    noise = LocallyAdaptiveNoise(random_state=0)

    z = (noise.transform(clean) - clean) / noise.noise_level(clean)

    n = z.size
    assert abs(z.mean()) < 5 / math.sqrt(n)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)
    for one, other in [
        (z[:, 1:], z[:, :-1]),
        (z[:, :, 1:], z[:, :, :-1]),
        (z[1:], z[:-1]),  # images have unlike noise
    ]:
        assert abs((one * other).mean()) < 5 / math.sqrt(one.size)


def test_equal_levels_are_uniform_noise():
    clean = np.stack([picture(80, 80)] * 3)
    noise = LocallyAdaptiveNoise(0.1, 0.1, random_state=0)

    assert (noise.noise_level(clean) == 0.1).all()
    assert (noise.transform(clean) - clean).std() == pytest.approx(0.1, rel=0.03)
    np.testing.assert_array_equal(LocallyAdaptiveNoise(0, 0).transform(clean), clean)


def test_channels_share_the_level_of_their_mean_but_not_the_noise():
    colour = np.stack([picture(40, 50, seed) ** (1 + seed) for seed in range(3)], axis=2)
    noise = LocallyAdaptiveNoise(random_state=0)

    level = noise.noise_level([colour])[0]
    noisy = noise.transform([colour])[0]

    grey_level = noise.noise_level([colour.mean(axis=2)])[0]
    assert level.shape == noisy.shape == (40, 50, 3)
    for channel in range(3):
        np.testing.assert_allclose(level[:, :, channel], grey_level, rtol=1e-12)
    z = (noisy - colour) / level
    assert abs(np.corrcoef(z.reshape(-1, 3).T)[np.triu_indices(3, 1)]).max() < 5 / math.sqrt(2000)


def test_containers_and_types_are_kept():
    array = np.stack([picture(), picture(seed=1)])
    noise = LocallyAdaptiveNoise(random_state=0)
    expected = noise.transform(array)
    objects = np.empty(2, dtype=object)
    objects[:] = list(array)

    assert type(expected) is np.ndarray
    assert expected.dtype == np.float64
    for container in (list(array), tuple(array), objects):
        for method in (noise.transform, noise.noise_level):
            result = method(container)
            assert type(result) is type(container)
            np.testing.assert_array_equal(np.stack(list(result)), method(array))
    assert noise.transform(objects).dtype == object
    # A list stays a list although its images could be stacked, and nested lists are images.
    assert isinstance(noise.transform(array.tolist()), list)
    np.testing.assert_array_equal(noise.transform(array.tolist())[1], expected[1])

    single = array.astype(np.float32)
    assert noise.transform(single).dtype == noise.noise_level(single).dtype == np.float32
    np.testing.assert_allclose(noise.transform(single), expected, atol=1e-6)
    assert noise.transform([array[0].astype(np.float16)])[0].dtype == np.float32

    colour = np.stack([np.stack([picture()] * 3, axis=2)] * 2)
    assert noise.transform(colour).shape == noise.noise_level(colour).shape == (2, 14, 17, 3)


def test_eight_bit_images_are_divided_by_255():
    grey_levels = np.random.RandomState(0).randint(256, size=(2, 8, 9), dtype=np.uint8)
    noise = LocallyAdaptiveNoise(random_state=0)

    noisy = noise.transform(grey_levels)

    assert noisy.dtype == np.float64
    np.testing.assert_array_equal(noisy, noise.transform(grey_levels / 255))


def test_input_is_not_changed():
    clean = np.stack([picture()])
    before = clean.copy()
    LocallyAdaptiveNoise(clip=True, random_state=0).fit_transform(clean)

    np.testing.assert_array_equal(clean, before)


def test_images_of_unlike_sizes_and_the_noise_of_the_first_ones():
    images = [picture(10, 12), picture(30, 7), np.stack([picture(5, 6)] * 3, axis=2)]
    noise = LocallyAdaptiveNoise(random_state=3)

    many = noise.transform(images)

    assert [image.shape for image in many] == [(10, 12), (30, 7), (5, 6, 3)]
    for n in (1, 2):
        for few, more in zip(noise.transform(images[:n]), many[:n], strict=True):
            np.testing.assert_array_equal(few, more)
    # The place counts, not the neighbours.
    swapped = noise.transform([images[1], images[0], images[2]])
    np.testing.assert_array_equal(swapped[2], many[2])
    assert not np.array_equal(swapped[1], many[0])


def test_clip_clips_the_same_noise():
    clean = np.stack([picture()])
    options = {"high": 0.5, "random_state": 0}
    free = LocallyAdaptiveNoise(**options).transform(clean)
    clipped = LocallyAdaptiveNoise(**options, clip=True).transform(clean)

    assert free.min() < 0
    assert free.max() > 1
    np.testing.assert_array_equal(clipped, np.clip(free, 0, 1))


def test_seeds():
    clean = np.stack([picture()])
    first, second = (LocallyAdaptiveNoise(random_state=7).transform(clean) for _ in range(2))
    other = LocallyAdaptiveNoise(random_state=8).transform(clean)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)

    fresh = LocallyAdaptiveNoise()
    assert not np.array_equal(fresh.transform(clean), fresh.transform(clean))

    going_on = LocallyAdaptiveNoise(random_state=np.random.RandomState(7))
    once = going_on.transform(clean)
    np.testing.assert_array_equal(once, first)
    assert not np.array_equal(going_on.transform(clean), once)


def test_global_random_state_is_untouched():
    before = np.random.get_state()  # noqa: NPY002
    LocallyAdaptiveNoise().fit_transform(np.stack([picture()]))
    after = np.random.get_state()  # noqa: NPY002

    np.testing.assert_array_equal(before[1], after[1])
    assert before[2:] == after[2:]


@pytest.mark.parametrize(
    "check",
    [
        "check_mixin_order",
        "check_no_attributes_set_in_init",
        "check_get_params_invariance",
        "check_set_params",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_parameters_default_constructible",
        "check_estimator_repr",
        "check_estimator_cloneable",
        "check_estimator_tags_renamed",
        "check_valid_tag_types",
    ],
)
def test_scikit_learns_checks_that_apply(check):
    getattr(estimator_checks, check)("LocallyAdaptiveNoise", LocallyAdaptiveNoise())


def test_it_is_a_stateless_transformer():
    clean = np.stack([picture()])
    noise = LocallyAdaptiveNoise(0.1, high=0.2, random_state=0)
    expected = noise.transform(clean)  # without fit

    assert noise.fit(clean) is noise
    assert vars(noise) == noise.get_params()
    for copy in (clone(noise), pickle.loads(pickle.dumps(noise))):
        np.testing.assert_array_equal(copy.fit_transform(clean), expected)
    tags = get_tags(noise)
    assert not tags.requires_fit
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    pipeline = make_pipeline(FunctionTransformer(np.sqrt), noise).fit(clean)
    np.testing.assert_array_equal(pipeline.transform(clean), noise.transform(np.sqrt(clean)))
    with config_context(transform_output="pandas"):
        np.testing.assert_array_equal(noise.fit_transform(clean), expected)


GOOD = np.full((4, 5), 0.5)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], "X holds no image"),
        (np.empty((0, 4, 5)), "X holds no image"),
        ([GOOD, 255 * GOOD], r"X\[1\] has values from 127.5 to 127.5; .* Divide"),
        ([GOOD - 0.6], r"X\[0\] has values from -0.1 to -0.1"),
        ([GOOD, GOOD, np.full((4, 5), np.nan)], r"X\[2\] holds NaN"),
        ([np.full((4, 5), np.inf)], r"X\[0\] holds infinite"),
        ([np.ones((4, 5), dtype=int)], r"X\[0\] has dtype int64; .* uint8"),
        ([np.ones((4, 5), dtype=np.uint16)], r"X\[0\] has dtype uint16"),
        ([np.ones((4, 5), dtype=bool)], r"X\[0\] has dtype bool"),
        ([np.ones((4, 5), dtype=complex)], r"X\[0\] has dtype complex128"),
        ([GOOD, np.full((1, 1), 0.5)], r"X\[1\] has shape \(1, 1\); .* at least 2 x 2"),
        ([np.full((9, 1), 0.5)], r"X\[0\] has shape \(9, 1\); .* at least 2 x 2"),
        ([np.full((1, 1, 3), 0.5)], r"X\[0\] has shape \(1, 1, 3\); .* at least 2 x 2"),
        ([np.empty((0, 4))], r"X\[0\] has shape \(0, 4\); .* at least 2 x 2"),
        ([GOOD, np.stack([GOOD] * 3)], r"X\[1\] has shape \(3, 4, 5\).*channels come first"),
        (np.stack([[GOOD] * 3] * 2), r"X\[0\] has shape \(3, 4, 5\).*channels come first"),
        ([GOOD[None]], r"X\[0\] has shape \(1, 4, 5\)"),
        ([GOOD[:, :, None]], r"X\[0\] has shape \(4, 5, 1\).*Drop the last axis"),
        ([np.stack([GOOD] * 4, axis=2)], r"X\[0\] has shape \(4, 5, 4\).*Drop what is no colour"),
        ([GOOD[0]], r"X\[0\] has shape \(5,\)"),
        ([[[0.1, 0.2], [0.3]]], r"X\[0\] is no image"),
        (["picture.png"], r"X\[0\] has dtype <U11"),
        (GOOD, r"X has shape \(4, 5\): a single image .*\[image\]"),
        (np.full((40, 50, 3), 0.5), r"X has shape \(40, 50, 3\), which may be 40 images"),
        (np.full((1, 1, 1, 4, 4), 0.5), r"X has shape \(1, 1, 1, 4, 4\)"),
        (0.5, "X=float must be an array"),
        (None, "X=NoneType must be an array"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "noise_level"])
def test_what_is_no_image_is_named(method, images, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(LocallyAdaptiveNoise(), method)(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": -0.1}, "'low'"),
        ({"high": math.nan}, "'high'"),
        ({"high": math.inf}, "'high'"),
        ({"low": 0.2, "high": 0.1}, "low=0.2 is above high=0.1.* Swap"),
        ({"width": -1.0}, "'width'"),
        ({"percentile": 0}, "'percentile'"),
        ({"percentile": 101}, "'percentile'"),
        ({"clip": "yes"}, "'clip'"),
        ({"random_state": "zero"}, "'random_state'"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "transform", "noise_level"])
def test_wrong_parameters_are_named(method, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(LocallyAdaptiveNoise(**options), method)([GOOD])
