"""A file of every format version and kind of model that there has been since 4 still loads."""

import json
from pathlib import Path

import numpy as np
import pytest

from sklearn_reasoning import load_model
from sklearn_reasoning.persistence._model_files import FORMAT_VERSION

FILES = sorted((Path(__file__).parents[1] / "data" / "model_files").glob("*.safetensors"))


def test_there_is_a_file_of_each_format_version():
    versions = {int(file.name[1 : file.name.index("_")]) for file in FILES}
    assert versions == set(range(4, FORMAT_VERSION + 1))


# They were written by other releases, with other versions of scikit-learn.
@pytest.mark.filterwarnings("ignore::sklearn_reasoning.exceptions.VersionMismatchWarning")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_loads_and_predicts_what_it_did(file):
    expected = json.loads(file.with_suffix(".json").read_text())
    predicted = load_model(file).predict(np.array(expected["X"]))
    # Not the same bits: this may be another processor.
    tolerance = 1e-6 if "denoiser" in file.name else 1e-12
    np.testing.assert_allclose(predicted, expected["predictions"], rtol=0, atol=tolerance)
