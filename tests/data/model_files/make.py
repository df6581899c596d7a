"""Write a file of each kind of model in the current format, with its inputs and predictions.

``python tests/data/model_files/make.py`` adds the files of a new format version, once, with the
code that writes it; those that are there already are never written again.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor, save_model
from sklearn_reasoning.persistence._model_files import FORMAT_VERSION

FOLDER = Path(__file__).parent


def _regressor():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    model = HybridReasoningRegressor(
        "nag", k=4, q_hidden=3, b_hidden=3, max_epochs=3, random_state=0
    )
    return model.fit(X, y), X[:5]


def _denoiser():
    rng = np.random.default_rng(0)
    clean = np.kron(rng.random((2, 2, 2)), np.ones((8, 8)))
    noisy = clean + 0.1 * rng.standard_normal(clean.shape)
    model = HybridReasoningDenoiser(
        f_channels=2,
        f_layers=1,
        g_channels=2,
        g_layers=1,
        patch_size=16,
        batch_size=4,
        max_steps=20,
        random_state=0,
    )
    return model.fit(noisy, clean), noisy[:1, :6, :6]


def _pipeline():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(20, 7)), rng.normal(size=(20, 2))
    columns = ColumnTransformer(
        [
            ("standard", StandardScaler(), [0, 1]),
            ("range", MinMaxScaler((-1, 1)), [2]),
            ("robust", make_pipeline(RobustScaler(), MaxAbsScaler()), slice(3, 5)),
            ("kept", "passthrough", [5]),
        ],
    )
    regressor = HybridReasoningRegressor(
        "gd", k=3, q_hidden=0, b_hidden=3, max_epochs=3, random_state=0
    )
    targets = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    return make_pipeline(columns, PCA(4), Normalizer(), targets).fit(X, y), X[:5]


def main():
    """Write what is not there."""
    kinds = {"regressor": _regressor, "denoiser": _denoiser, "pipeline": _pipeline}
    for name, make in kinds.items():
        path = FOLDER / f"v{FORMAT_VERSION}_{name}.safetensors"
        if path.exists():
            print(f"{path.name} is there already")
            continue
        model, X = make()
        save_model(model, path)
        expected = {"X": X.tolist(), "predictions": model.predict(X).tolist()}
        path.with_suffix(".json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
