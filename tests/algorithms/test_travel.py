"""Names of users' own algorithms in other processes."""

import copy
import pickle
import sys
import threading

import pytest

from sklearn_reasoning import HybridReasoningDenoiser, HybridReasoningRegressor
from sklearn_reasoning._runs.identity import identity
from sklearn_reasoning.algorithms import (
    GradientDescent,
    _registry,
    _travel,
    get_algorithm,
    list_algorithms,
    register_algorithm,
)


@pytest.fixture
def registry(monkeypatch):
    """A registry that forgets what a test puts into it."""
    monkeypatch.setattr(_registry, "_ALGORITHMS", dict(_registry._ALGORITHMS))
    monkeypatch.setattr(_travel, "_ARRIVED", {})


@pytest.fixture
def elsewhere(registry):
    """What unpickles as another process would, in which nothing is registered."""

    def load(content):
        for name in list_algorithms()[7:]:
            del _registry._ALGORITHMS[name]
        _travel.class_of.cache_clear()
        return pickle.loads(content)

    return load


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of a user, with an algorithm."""
    (tmp_path / "own_module.py").write_text(
        "from sklearn_reasoning.algorithms import GradientDescent\n\n\n"
        "class Imported(GradientDescent):\n    name = 'imported'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import own_module

    yield own_module
    sys.modules.pop("own_module", None)


def local_algorithm(factor=0.5):
    class Local(GradientDescent):
        name = "local"

        def step(self, state, problem, phi):
            (y,) = state
            return (problem.descend(y, factor * phi),)

        def _residual(self, t, k, phi, mu, L):
            return (1.0 - factor * phi * t) ** k

    return Local


@pytest.mark.parametrize("estimator", [HybridReasoningRegressor, HybridReasoningDenoiser])
def test_estimators_take_registered_classes_along(registry, elsewhere, estimator):
    register_algorithm(local_algorithm(0.25))
    # A search changes algo only there.
    elsewhere(pickle.dumps(estimator("gd")))
    assert "local" not in list_algorithms()
    assert float(get_algorithm("local").residual(1.0, k=1, step_size=1.0)) == 0.75


def test_modules_are_imported_where_the_name_is_asked_for(module, elsewhere):
    register_algorithm(module.Imported)
    content = pickle.dumps(HybridReasoningRegressor("imported"))
    del sys.modules["own_module"]
    elsewhere(content)
    assert "own_module" not in sys.modules
    assert type(get_algorithm("imported")).__module__ == "own_module"
    assert type(get_algorithm("imported")) is type(get_algorithm("imported"))


def test_the_last_class_of_a_name_counts(elsewhere):
    for factor in (0.25, 0.5):
        register_algorithm(local_algorithm(factor))
        elsewhere(pickle.dumps(HybridReasoningRegressor()))
        assert float(get_algorithm("local").residual(1.0, k=1, step_size=1.0)) == 1.0 - factor


def test_what_is_registered_here_comes_first(registry):
    mine = register_algorithm(local_algorithm())
    pickle.loads(pickle.dumps(HybridReasoningRegressor()))
    assert type(get_algorithm("local")) is mine


def test_they_travel_on(elsewhere):
    register_algorithm(local_algorithm())
    there = elsewhere(pickle.dumps(HybridReasoningRegressor()))
    content = pickle.dumps(there)
    _travel._ARRIVED.clear()
    elsewhere(content)
    assert get_algorithm("local").name == "local"


def test_a_missing_module_is_missed_by_name_alone(module, elsewhere):
    register_algorithm(module.Imported)
    content = pickle.dumps(HybridReasoningRegressor())
    del sys.modules["own_module"]
    sys.path.remove(str(module.__file__).rpartition("/")[0])
    elsewhere(content)  # a model with gd needs no module of anybody
    with pytest.raises(ValueError, match=r"algo='imported' was registered as own_module:Imported"):
        get_algorithm("imported")


def test_what_cannot_be_sent_keeps_no_model_from_being_sent(registry, elsewhere):
    class Holder(GradientDescent):
        name = "holder"
        held = threading.Lock()  # no pickle holds one

    register_algorithm(Holder)
    elsewhere(pickle.dumps(HybridReasoningRegressor()))
    with pytest.raises(ValueError, match="algo='holder' was registered as"):
        get_algorithm("holder")


def test_nothing_is_added_where_nothing_is_registered(registry):
    assert "_own_algorithms" not in HybridReasoningRegressor().__getstate__()


def test_copies_are_as_they_were(registry):
    before = vars(copy.deepcopy(HybridReasoningRegressor()))
    register_algorithm(local_algorithm())
    assert vars(copy.deepcopy(HybridReasoningRegressor())) == before


def test_checkpoints_compare_what_registered_algorithms_do(registry):
    found = []
    for factor in (0.25, 0.5, 0.5):
        register_algorithm(local_algorithm(factor))
        found.append(identity(HybridReasoningRegressor("local")))
    assert found[0] != found[1] == found[2]


def test_a_class_of_a_script_goes_along_itself(elsewhere, monkeypatch):
    """No import finds it: __main__ is another module there."""
    scripted = local_algorithm()
    scripted.__module__, scripted.__qualname__ = "__main__", "Scripted"
    monkeypatch.setattr(sys.modules["__main__"], "Scripted", scripted, raising=False)
    register_algorithm(scripted)
    content = pickle.dumps(HybridReasoningRegressor("local", k=1, max_epochs=1))
    monkeypatch.delattr(sys.modules["__main__"], "Scripted")
    model = elsewhere(content).fit([[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]])
    assert type(model.algorithm_).__qualname__ == "Scripted"
