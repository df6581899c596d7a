"""Every error that an estimator, a file of one or a data set is said to raise, asked for.

A row is a public name, an error of its Raises section, a part of the message, and a call. Of an
ImportError the part is the module that is missing, and the call returns the call to make then.
"""

from functools import cache, partial

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sklearn_reasoning import (
    FewShotReasoningRegressor,
    HybridReasoningClassifier,
    HybridReasoningDenoiser,
    HybridReasoningFolder,
    HybridReasoningRegressor,
    datasets,
    load_model,
    save_model,
)
from sklearn_reasoning.imaging import denoise_files
from sklearn_reasoning.pretrained import load_denoiser

# Errors that take a training or a damaged file, and the tests that make them.
ELSEWHERE = {
    ("HybridReasoningDenoiser", "DivergenceError"): "imaging/test_denoiser.py",
    ("HybridReasoningDenoiser.fit", "DivergenceError"): "imaging/test_denoiser.py",
    ("load_bsd400", "OSError"): "datasets/test_bsd400.py",
    ("load_bsd400", "ImportError"): "datasets/test_bsd400.py",
    ("load_groups", "ImportError"): "datasets/test_groups.py",
    ("load_natural_images", "OSError"): "datasets/test_natural_images.py",
    ("load_sudoku_images", "ImportError"): "datasets/test_sudoku_images.py",
}

X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 2.0, 3.0])
DIVERGES = {"lr": 1e308, "optimizer": "sgd", "max_epochs": 3}
IMAGE = np.zeros((1, 4, 4))


def Regressor(algo="nag", max_epochs=1, **parameters):
    return HybridReasoningRegressor(algo, max_epochs=max_epochs, random_state=0, **parameters)


@cache
def fitted(**parameters):
    return Regressor(**parameters).fit(X, Y)


@cache
def problem():
    small = {"n_samples": 5, "population_size": 10, "random_state": 0}
    return datasets.make_quadratic_reasoning(**small, return_problem=True)[2]


def files(folder, inputs=(), out="out", model=None, **options):
    inputs = [str(folder / name) for name in inputs]
    return denoise_files(
        load_denoiser() if model is None else model, inputs, folder / out, **options
    )


def noise(method, image=IMAGE, **parameters):
    return getattr(datasets.LocallyAdaptiveNoise(**parameters), method)(image)


def written(folder, name="a.png", content=b"no image"):
    path = folder / name
    path.write_bytes(content)
    return path


def estimator_rows():
    for name, parameters, error, part in [
        ("HybridReasoningRegressor", {"k": -1}, "ValueError", "'k'"),
        ("HybridReasoningRegressor", {"algo": 3}, "TypeError", "'algo'"),
        (
            "HybridReasoningRegressor",
            {"lr": 1e308, "optimizer": "sgd", "max_epochs": 3},
            "DivergenceError",
            "lr",
        ),
    ]:
        yield name, error, part, lambda p=parameters: Regressor(**p).fit(X, Y)
        for method in ("fit", "partial_fit"):
            yield (
                f"{name}.{method}",
                error,
                part,
                lambda p=parameters, m=method: getattr(Regressor(**p), m)(X, Y),
            )
    yield (
        "HybridReasoningRegressor.fit",
        "ValueError",
        "sample_weight",
        partial(Regressor().fit, X, Y, [-1.0] * 4),
    )
    for method in ("predict", "predict_start", "predict_energy", "certify"):
        arguments = () if method == "certify" else (X,)
        name = f"HybridReasoningRegressor.{method}"
        yield name, "NotFittedError", "fitted", partial(getattr(Regressor(), method), *arguments)
        yield (
            name,
            "ValueError",
            "X has 2 features",
            lambda m=method: getattr(fitted(), m)(np.ones((2, 2))),
        )
    yield (
        "HybridReasoningRegressor.certify",
        "ValueError",
        "accuracy",
        lambda: fitted().certify(accuracy=0.0),
    )
    predict = "HybridReasoningRegressor.predict"
    yield predict, "TypeError", "k=1.5", lambda: fitted().predict(X, k=1.5)
    yield predict, "ValueError", "k=-1", lambda: fitted().predict(X, k=-1)
    yield predict, "ValueError", "k=11", lambda: fitted(step_size_per_iteration=True).predict(X, 11)
    yield "save_model", "TypeError", "Ridge", lambda folder: save_model(Ridge(), folder / "m")
    yield (
        "save_model",
        "NotFittedError",
        "fitted",
        lambda folder: save_model(Regressor(), folder / "m"),
    )
    yield (
        "save_model",
        "ValueError",
        "k=",
        lambda folder: save_model(fitted(algo="gd", k=2_000_000), folder / "m"),
    )
    yield (
        "save_model",
        "OSError",
        "none",
        lambda folder: save_model(fitted(), folder / "none" / "m"),
    )
    yield "load_model", "IsADirectoryError", "is a folder", lambda folder: load_model(folder)
    yield "load_model", "FileNotFoundError", "no file", lambda folder: load_model(folder / "m")
    yield (
        "load_model",
        "ModelFileError",
        "cannot be read",
        lambda folder: load_model(written(folder)),
    )


def classifier_rows():
    Classifier = partial(HybridReasoningClassifier, max_epochs=1, random_state=0)
    y = np.array([[0, 1], [1, 2], [0, 1], [1, 2]])
    for name in ("HybridReasoningClassifier", "HybridReasoningClassifier.fit"):
        yield name, "ValueError", "'k'", partial(Classifier(k=-1).fit, X, y)
        yield name, "TypeError", "'algo'", partial(Classifier(3).fit, X, y)
        diverging = HybridReasoningClassifier(**DIVERGES, random_state=0)
        yield name, "DivergenceError", "lr", partial(diverging.fit, X, y)
    model = Classifier(concavity=0.3).fit(X, y)
    for method, more in [
        *((method, ()) for method in ("predict", "predict_proba", "predict_energy")),
        *((method, (y,)) for method in ("score", "cell_accuracy")),
    ]:
        name, call = f"HybridReasoningClassifier.{method}", getattr(model, method)
        yield name, "NotFittedError", "fitted", partial(getattr(Classifier(), method), X, *more)
        yield name, "ValueError", "features", partial(call, np.ones((4, 2)), *more)
    for method in ("predict", "predict_proba"):
        name, call = f"HybridReasoningClassifier.{method}", getattr(model, method)
        yield name, "TypeError", "k=1.5", partial(call, X, 1.5)
    name = "HybridReasoningClassifier.certify"
    yield name, "NotFittedError", "fitted", Classifier().certify
    yield name, "ValueError", "concave", model.certify


def few_shot_rows():
    FewShot = partial(FewShotReasoningRegressor, max_epochs=1, random_state=0)
    for name in ("FewShotReasoningRegressor", "FewShotReasoningRegressor.fit"):
        yield name, "ValueError", "shots=7", partial(FewShot(shots=7).fit, X, Y)
        yield name, "TypeError", "'algo'", partial(FewShot(3).fit, X, Y)
        diverging = FewShotReasoningRegressor(**DIVERGES, random_state=0)
        yield name, "DivergenceError", "lr", partial(diverging.fit, X, Y)
    model = FewShot().fit(X, Y)
    for method, more in [("adapt", (Y,)), ("predict", ()), ("score", (Y,))]:
        name, call = f"FewShotReasoningRegressor.{method}", getattr(model, method)
        yield name, "NotFittedError", "fitted", partial(getattr(FewShot(), method), X, *more)
        yield name, "ValueError", "groups", partial(call, X, *more, [1])
    yield (
        "FewShotReasoningRegressor.adapt",
        "TypeError",
        "hash",
        partial(model.adapt, X, Y, [{}] * 4),
    )
    yield (
        "FewShotReasoningRegressor.predict",
        "TypeError",
        "k=1.5",
        partial(model.predict, X, None, 1.5),
    )
    name = "FewShotReasoningRegressor.score"
    yield name, "TypeError", "shots=1.5", partial(model.score, X, Y, shots=1.5)
    name = "FewShotReasoningRegressor.certify"
    yield name, "NotFittedError", "fitted", FewShot().certify
    yield name, "ValueError", "adapt='all'", FewShot(adapt="all", k=1).fit(X, Y).certify


def folder_rows():
    S, T = ["GGGGAAAACCCC"], ["((((....))))"]
    Folder = partial(HybridReasoningFolder, max_epochs=1, random_state=0)
    for name in ("HybridReasoningFolder", "HybridReasoningFolder.fit"):
        yield name, "ValueError", "'k'", partial(Folder(k=-1).fit, S, T)
        yield name, "TypeError", "single string", partial(Folder().fit, S[0], T)
        yield name, "DivergenceError", "lr", partial(Folder(lr=1e38, max_epochs=4).fit, S, T)
        yield name, "ImportError", "RNA", lambda: partial(Folder(prior="vienna").fit, S, T)
    model = Folder().fit(S, T)
    for method in ("predict", "predict_pairs", "predict_proba", "certify", "score"):
        more = (T,) if method == "score" else ()
        name, call = f"HybridReasoningFolder.{method}", getattr(model, method)
        yield name, "NotFittedError", "fitted", partial(getattr(Folder(), method), S, *more)
        yield name, "TypeError", "single string", partial(call, S[0], *more)
        yield name, "ValueError", "is empty", partial(call, [""], *more)


def image_rows():
    Denoiser = partial(HybridReasoningDenoiser, max_steps=1, random_state=0)
    fit = partial(Denoiser().fit, IMAGE)
    for name in ("HybridReasoningDenoiser", "HybridReasoningDenoiser.fit"):
        yield name, "ValueError", "'k'", partial(Denoiser(k=-1).fit, IMAGE, IMAGE)
        yield name, "ValueError", "shape", partial(fit, np.zeros((1, 4, 5)))
        yield name, "TypeError", "dtype", partial(fit, IMAGE.astype(complex))
    model = load_denoiser()
    for method, more in [("predict", ()), ("predict_energy", ()), ("score", (IMAGE,))]:
        name, call = f"HybridReasoningDenoiser.{method}", getattr(model, method)
        yield name, "NotFittedError", "fitted", partial(getattr(Denoiser(), method), IMAGE, *more)
        yield name, "TypeError", "dtype", partial(call, IMAGE.astype(complex), *more)
        yield name, "ValueError", "noisy", partial(call, np.full_like(IMAGE, np.nan), *more)
    yield (
        "HybridReasoningDenoiser.predict",
        "TypeError",
        "k=1.5",
        partial(model.predict, IMAGE, 1.5),
    )
    yield "HybridReasoningDenoiser.predict", "ValueError", "k=-1", partial(model.predict, IMAGE, -1)
    name = "HybridReasoningDenoiser.certify"
    yield name, "NotFittedError", "fitted", Denoiser().certify
    yield name, "TypeError", "dtype", partial(model.certify, IMAGE.astype(complex))
    yield name, "ValueError", "accuracy", partial(model.certify, accuracy=0.0)
    yield "denoise_files", "TypeError", "model", lambda folder: files(folder, model=Ridge())
    yield "denoise_files", "TypeError", "k=1.5", lambda folder: files(folder, ["."], k=1.5)
    yield (
        "denoise_files",
        "NotFittedError",
        "fitted",
        lambda folder: files(folder, model=Denoiser()),
    )
    yield "denoise_files", "FileNotFoundError", "b.png", lambda folder: files(folder, ["b.png"])
    yield "denoise_files", "ValueError", "inputs", files
    yield "denoise_files", "ValueError", "k=-1", lambda folder: files(folder, ["."], k=-1)
    yield (
        "denoise_files",
        "OSError",
        "not a folder",
        lambda folder: files(folder, [written(folder).name], out="a.png"),
    )
    yield (
        "denoise_files",
        "ImportError",
        "PIL",
        lambda folder: partial(files, folder, [written(folder).name]),
    )
    for method in ("fit", "transform", "noise_level"):
        name = f"LocallyAdaptiveNoise.{method}"
        yield name, "ValueError", "above high", partial(noise, method, low=0.3, high=0.1)
        yield name, "TypeError", "'width'", partial(noise, method, width="a")
        yield name, "ValueError", "X", partial(noise, method, np.full_like(IMAGE, np.nan))


def dataset_rows():
    archiveii = datasets.load_archiveii
    yield "load_archiveii", "FileNotFoundError", "path", lambda folder: archiveii(folder / "none")
    yield "load_archiveii", "ValueError", "no rows", lambda folder: archiveii(written(folder))
    yield "make_hairpins", "ValueError", "n_samples", partial(datasets.make_hairpins, 0)
    load, make = datasets.load_bsd400, datasets.make_quadratic_reasoning
    sudoku_images = partial(datasets.load_sudoku_images, subset="all")
    yield "load_bsd400", "FileNotFoundError", "path", lambda folder: load(folder / "none")
    yield "load_bsd400", "NotADirectoryError", "path", lambda folder: load(written(folder))
    yield "load_bsd400", "ValueError", "holds 0 PNG files", lambda folder: load(folder)
    yield "load_bsd400", "ValueError", "'split'", lambda folder: load(folder, split="a")
    yield (
        "load_natural_images",
        "ValueError",
        "min_size",
        partial(datasets.load_natural_images, min_size=10**6),
    )
    yield "load_natural_images", "ImportError", "PIL", lambda: datasets.load_natural_images
    yield (
        "load_digits_restoration",
        "ValueError",
        "n_train",
        partial(datasets.load_digits_restoration, 1700),
    )
    yield "load_sudoku_images", "ValueError", "'subset'", sudoku_images
    yield "load_groups", "ValueError", "name", partial(datasets.load_groups, "chicks")
    yield "make_few_shot", "ValueError", "task", partial(datasets.make_few_shot, task="sine")
    yield "make_sudoku", "ValueError", "n_givens", partial(datasets.make_sudoku, n_givens=16)
    yield "make_sudoku", "ValueError", "size", partial(datasets.make_sudoku, size=6)
    yield "make_quadratic_reasoning", "ValueError", "n_samples", partial(make, 20_000)
    yield "make_quadratic_reasoning", "ValueError", "mu", partial(make, mu=2.0)
    yield (
        "make_quadratic_reasoning",
        "ValueError",
        "condition",
        partial(make, mu=0.2, condition=9.0),
    )
    for method in ("eigenvalues", "energy", "solution"):
        yield (
            f"QuadraticReasoningProblem.{method}",
            "ValueError",
            "columns",
            lambda m=method: getattr(problem(), m)(np.ones((2, 3))),
        )


ROWS = [
    row
    for rows in (
        estimator_rows,
        classifier_rows,
        few_shot_rows,
        folder_rows,
        image_rows,
        dataset_rows,
    )
    for row in rows()
]


@pytest.mark.parametrize(("name", "error", "part", "call"), ROWS, ids=[row[0] for row in ROWS])
def test_error(name, error, part, call, provoke):
    provoke(error, part, call)


def test_every_documented_error_is_asked_for(documented_errors):
    asked = {(name, error) for name, error, *_ in ROWS} | set(ELSEWHERE)
    assert asked == documented_errors("datasets", "estimators", "imaging", "persistence")
