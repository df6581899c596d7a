"""Write a file of each kind of model in the current format, with its inputs and predictions.

``python tests/data/model_files/make.py`` adds the files of a new format version, once, with the
code that writes it; those that are there already are never written again.
"""

import json
from pathlib import Path

import numpy as np

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor, save_model
from sklearn_reasoning.persistence import FORMAT_VERSION

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


def main():
    """Write what is not there."""
    for name, make in {"regressor": _regressor, "denoiser": _denoiser}.items():
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
