"""Files that are no models: refused by an error of ours, before anything large is made."""

import copy
import json
import struct
import tracemalloc

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.exceptions import ModelFileError


@pytest.fixture
def refused(path, documented):
    """Return a function that writes a file and says why loading refuses it."""

    def reason(document, tensors, **options):
        path.write_bytes(documented.put_together(document, tensors, **options))
        with pytest.raises(ModelFileError, match=path.name) as caught:
            load_model(path)
        return str(caught.value)

    return reason


@pytest.fixture(scope="module")
def stored(fitted, rows, denoiser, documented, tmp_path_factory):
    """Return {name: (document, tensors)} of files of some models."""
    path = tmp_path_factory.mktemp("stored") / "model.safetensors"
    X, y = rows
    regressor = HybridReasoningRegressor(max_epochs=2, random_state=0)
    models = {
        "regressor": fitted(X, y),
        "rnn": fitted(X, y, algo="rnn", k=2),
        "denoiser": denoiser,
        "pipeline": make_pipeline(StandardScaler(), PCA(3), regressor).fit(X, y),
    }
    found = {}
    for name, model in models.items():
        save_model(model, path)
        found[name] = documented.take_apart(path.read_bytes())
    return found


def test_a_file_that_is_put_together_by_the_documentation_loads(
    path, stored, documented, rows, fitted
):
    path.write_bytes(documented.put_together(*stored["regressor"], sign=False))
    X, y = rows
    np.testing.assert_array_equal(load_model(path).predict(X), fitted(X, y).predict(X))


@pytest.mark.parametrize("name", ["regressor", "denoiser", "pipeline"])
def test_each_flipped_bit_is_refused(name, path, stored, documented):
    content = documented.put_together(*stored[name], sign=False)
    rng = np.random.default_rng(0)
    for position in rng.integers(len(content), size=60):
        flipped = bytearray(content)
        flipped[position] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        with pytest.raises(ModelFileError, match="cannot be read as a model"):
            load_model(path)


def test_a_file_that_is_cut_short_is_refused(path, stored, documented):
    content = documented.put_together(*stored["regressor"], sign=False)
    for length in np.linspace(0, len(content) - 1, 40).astype(int):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match="cannot be read as a model"):
            load_model(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("regressor", {"format_version": 9}, "format version 9, this release reads 4"),
        ("regressor", {"format_version": 3}, "format version 3 is of a version of this package"),
        ("regressor", {"format_version": 1}, "Fit the model again and save it"),
        ("regressor", {"format_version": True}, "format version True"),
        ("regressor", {"model/class": "HybridReasoningDestructor"}, "is none of"),
        ("regressor", {"model/class": "StandardScaler"}, "StandardScaler has no parameters"),
        ("regressor", {"model/parameters/algo": 3}, "'algo' parameter"),
        ("regressor", {"model/parameters/callbacks": ["os.system"]}, "callbacks"),
        ("regressor", {"model/fitted/architecture/dict/algorithm/algorithm": "gnu"}, "'gnu'"),
        ("regressor", {"model/fitted/architecture/dict/n_features": 6}, "shape"),
        ("regressor", {"model/fitted/architecture/dict/spectrum": "bent"}, "'spectrum'"),
        ("regressor", {"model/fitted/settings/dict/k": -1}, "'k' parameter of settings"),
        ("regressor", {"model/fitted/settings/dict/k": 10**9}, "'k' parameter of settings"),
        ("regressor", {"model/fitted/settings/dict/lr": 10**400}, "too large"),
        ("regressor", {"model/fitted/_is_1d": "no"}, "_is_1d"),
        ("regressor", {"model/fitted": None}, "not fitted has tensors"),
        ("denoiser", {"model/fitted/architecture/dict/shuffle": 10**7}, "shape"),
        ("denoiser", {"model/fitted/architecture/dict/f_layers": 10**12}, "more layers"),
        ("pipeline", {"model/parameters/memory": "cache"}, "memory"),
    ],
    ids=str,
)
def test_a_changed_description_is_refused(name, change, message, stored, refused):
    document, tensors = copy.deepcopy(stored[name])
    ((path, value),) = change.items()
    *way, last = path.split("/")
    place = document
    for key in way:
        place = place[key]
    place[last] = value
    assert message in refused(document, tensors)


def test_a_changed_scaler_is_refused(stored, refused):
    document, tensors = stored["pipeline"]
    changed = {**tensors, "1.mean_": ("F64", [1], bytes(8))}
    assert "mean_ is not what 5 columns have" in refused(document, changed)


def test_an_estimator_that_is_none_of_ours_is_refused(stored, refused):
    document, tensors = copy.deepcopy(stored["pipeline"])
    document["model"]["parameters"]["steps"].pop()
    kept = {name: value for name, value in tensors.items() if not name.startswith("3.")}
    assert "none of its estimators is one of this package" in refused(document, kept)


def test_without_its_checksum_a_file_of_format_2_is_refused(stored, refused):
    document, tensors = stored["regressor"]
    unsigned = {key: value for key, value in document.items() if key != "sha256"}
    assert "no checksum" in refused(unsigned, tensors, sign=False)


def test_tensors_are_checked_against_the_architecture(stored, refused):
    document, tensors = stored["regressor"]
    assert "left over" in refused(document, {**tensors, "0.module.more": ("F64", [1], bytes(8))})
    assert "no place" in refused(document, {**tensors, "0.other": ("F64", [1], bytes(8))})
    assert "no estimator" in refused(document, {**tensors, "1.mean_": ("F64", [1], bytes(8))})
    _, shape, data = tensors["0.module.weights"]
    single = np.frombuffer(data).astype("f4").tobytes()
    assert "the architecture has" in refused(
        document, {**tensors, "0.module.weights": ("F32", shape, single)}
    )
    without = {name: value for name, value in tensors.items() if name != "0.module.unit"}
    assert "'unit'" in refused(document, without)


def test_columns_of_x_are_checked(stored, refused):
    document, tensors = stored["regressor"]
    twice = np.array([0, 1, 2, 3, 3]).tobytes()
    beyond = np.array([0, 1, 2, 3, 2**40]).tobytes()
    for data in (twice, beyond):
        changed = {**tensors, "0.columns.x": ("I64", [5], data)}
        assert "share out the columns" in refused(document, changed)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("rnn", {"n_layers": 10**9}),
        ("rnn", {"width": 10**6}),
        ("regressor", {"q_hidden": {"tuple": [10**9, 10**9]}}),
        ("regressor", {"n_outputs": 10**9}),
        ("denoiser", {"f_channels": 10**9}),
        ("denoiser", {"g_layers": 10**9}),
    ],
    ids=str,
)
def test_sizes_are_checked_before_anything_is_made(name, changes, stored, refused):
    document, tensors = copy.deepcopy(stored[name])
    architecture = document["model"]["fitted"]["architecture"]["dict"]
    for key, value in changes.items():
        place = (
            architecture if key in architecture else architecture["algorithm"]["options"]["dict"]
        )
        place[key] = value
    tracemalloc.start()
    refused(document, tensors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5e6


def test_an_empty_axis_does_not_stand_for_any_number_of_rows(stored, refused):
    document, tensors = stored["regressor"]
    names = [name for name in tensors if name.startswith("0.history.")]
    endless = {name: ("F64", [2**40, 0], b"") for name in names}
    assert "history" in refused(document, {**tensors, **endless})


@pytest.mark.parametrize("depth", [100, 10_000])
def test_deep_nesting_is_refused(depth, path, stored, documented):
    document, tensors = stored["regressor"]
    content = documented.put_together({**document, "deep": "DEEP"}, tensors)
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    text = header["__metadata__"]["sklearn_reasoning"]
    text = text.replace('"nag"', '{"tuple": [' * depth + "1" + "]}" * depth)
    text = text.replace(text[12:76], "0" * 64)
    text = text.replace("0" * 64, documented.checksum(text, tensors))
    header["__metadata__"]["sklearn_reasoning"] = text
    header = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + content[8 + length :])
    with pytest.raises(ModelFileError, match=r"algo|recursion"):
        load_model(path)


def test_pipelines_are_nested_only_so_deep(stored, refused):
    document, tensors = copy.deepcopy(stored["pipeline"])
    step = {"class": "FunctionTransformer", "number": 60, "parameters": {}, "fitted": None}
    for number in reversed(range(1, 60)):
        steps = [{"tuple": ["a", {"estimator": step}]}]
        step = {"class": "Pipeline", "number": number, "parameters": {"steps": steps}, "fitted": {}}
    document["model"]["parameters"]["steps"][0] = {"tuple": ["a", {"estimator": step}]}
    assert "nested more than 16 deep" in refused(document, tensors)


def test_a_header_that_claims_more_than_there_is_is_refused(path):
    for claimed in (10_000_000_000, 2**63, 99_000_000):
        path.write_bytes(struct.pack("<Q", claimed) + b'{"__metadata__": {}}')
        with pytest.raises(ModelFileError, match="cannot be read as a model"):
            load_model(path)


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": 1, "a": 2}', "[]", "3", '"', ""])
def test_what_is_no_description_is_refused(text, path, documented):
    content = documented.put_together({"text": "TEXT"}, {})
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="cannot be read as a model"):
        load_model(path)
    header = json.dumps({"__metadata__": {"sklearn_reasoning": text}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelFileError, match="cannot be read as a model"):
        load_model(path)


def test_very_many_tensors_of_nothing(path, documented):
    document = {"format_version": 4, "versions": {}, "model": {}}
    tensors = {f"0.{i}": ("U8", [0], b"") for i in range(10_001)}
    path.write_bytes(documented.put_together(document, tensors))
    with pytest.raises(ModelFileError, match="more than 10,000 tensors"):
        load_model(path)
