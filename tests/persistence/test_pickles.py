"""joblib and pickle: another release is warned of, and a GPU is not needed to load."""

import copy
import copyreg
import io
import pickle

import joblib
import numpy as np
import pytest
import torch
from skorch.exceptions import DeviceWarning

import sklearn_reasoning
from sklearn_reasoning import load_model, save_model
from sklearn_reasoning.exceptions import VersionMismatchWarning


@pytest.fixture(params=["regressor", "denoiser"])
def model(request, fitted, rows, denoiser):
    X, y = rows
    # After partial_fit there are moments of the optimiser too.
    return denoiser if request.param == "denoiser" else fitted(X, y).partial_fit(X, y)


def of_release(model, version):
    """Return the pickle of a model that another release wrote."""
    state = model.__getstate__()
    stamp = state.pop("_sklearn_reasoning_version")
    assert stamp == sklearn_reasoning.__version__
    if version is not None:
        state["_sklearn_reasoning_version"] = version

    class Pickler(pickle.Pickler):
        def reducer_override(self, value):
            if value is model:
                return copyreg.__newobj__, (type(model),), state
            return NotImplemented

    buffer = io.BytesIO()
    Pickler(buffer).dump(model)
    return buffer.getvalue()


def inputs(model, rows):
    return rows[0] if hasattr(model, "n_outputs_") else np.full((1, 6, 6), 0.5)


def test_the_same_release_is_silent(model, rows, tmp_path):
    joblib.dump(model, tmp_path / "model.joblib")
    X = inputs(model, rows)
    for again in (joblib.load(tmp_path / "model.joblib"), copy.deepcopy(model)):
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert vars(again).keys() == vars(model).keys()


@pytest.mark.parametrize(
    ("version", "message"), [("0.0.1", "release 0.0.1"), (None, "left no version")]
)
def test_another_release_is_warned_of(model, rows, version, message):
    content = of_release(model, version)
    with pytest.warns(VersionMismatchWarning, match=message):
        again = pickle.loads(content)
    X = inputs(model, rows)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert vars(again).keys() == vars(model).keys()


def test_a_model_file_of_another_release_is_warned_of(model, rows, path, documented):
    save_model(model, path)
    document, tensors = documented.take_apart(path.read_bytes())
    assert document["versions"]["sklearn_reasoning"] == sklearn_reasoning.__version__
    document["versions"]["sklearn_reasoning"] = "9.9"
    path.write_bytes(documented.put_together(document, tensors))
    with pytest.warns(VersionMismatchWarning, match=r"sklearn_reasoning 9\.9"):
        again = load_model(path)
    X = inputs(model, rows)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.fixture
def from_a_gpu(monkeypatch):
    """Mark what is pickled, for as long as the fixture is in use, as lying on a GPU.

    torch writes the device of each tensor into the file; here the tag of a GPU goes there.
    """
    tagged = [(-1, lambda storage: "cuda:0", lambda storage, location: None)]

    def dump(value):
        with monkeypatch.context() as patch:
            registry = torch.serialization._package_registry
            patch.setattr(torch.serialization, "_package_registry", tagged + registry)
            return pickle.dumps(value)

    return dump


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU takes what is tagged for it")
def test_a_pickle_from_a_gpu_loads_without_one(model, rows, from_a_gpu):
    with pytest.raises(RuntimeError, match="CUDA"):  # what a bare tensor does
        pickle.loads(from_a_gpu(torch.ones(3)))
    X = inputs(model, rows)
    expected = model.predict(X)
    on_gpu = copy.deepcopy(model)
    on_gpu.device = on_gpu.net_.device = "cuda"
    content = from_a_gpu(on_gpu)
    assert b"cuda:0" in content  # once, or for each tensor: as the release of torch writes them
    with pytest.warns(DeviceWarning):
        again = pickle.loads(content)
    np.testing.assert_array_equal(again.predict(X), expected)
    if hasattr(again, "partial_fit"):
        again.set_params(device="cpu").partial_fit(*rows)
        model.partial_fit(*rows)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


class OnGPU(torch.Tensor):
    """A tensor that is not on the CPU until it is asked to be."""

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.Tensor.cpu:
            return args[0].as_subclass(torch.Tensor)
        if function in (torch.Tensor.numpy, torch.Tensor.contiguous, torch.Tensor.data_ptr):
            raise RuntimeError("can't convert cuda:0 device type tensor")
        return super().__torch_function__(function, types, args, kwargs or {})


def test_a_model_file_holds_nothing_of_the_device(model, rows, path):
    X = inputs(model, rows)
    expected = model.predict(X)
    on_gpu = copy.deepcopy(model)
    module = on_gpu.net_.module_
    state = {name: value.as_subclass(OnGPU) for name, value in module.state_dict().items()}
    module.state_dict = lambda: state
    on_gpu.device = "cuda"
    save_model(on_gpu, path)
    again = load_model(path)
    assert again.device == "cuda"
    assert {value.device.type for value in again.module_.state_dict().values()} == {"cpu"}
    np.testing.assert_array_equal(again.predict(X), expected)
