"""Algorithms as values, and by name."""

import copy
import pickle

import pytest

from sklearn_reasoning.algorithms import (
    Algorithm,
    GradientDescent,
    RecurrentCell,
    _registry,
    get_algorithm,
    list_algorithms,
    register_algorithm,
)


class Slow(GradientDescent):
    name = "slow"


@pytest.fixture
def registry(monkeypatch):
    """A registry that forgets what a test puts into it."""
    monkeypatch.setattr(_registry, "_ALGORITHMS", dict(_registry._ALGORITHMS))


def test_the_promised_names_are_there():
    names = ["gd", "nag", "heavy_ball", "chebyshev", "cg", "rnn", "opt", "fista", "admm"]
    assert list_algorithms() == names


@pytest.mark.parametrize("name", list_algorithms())
def test_names_and_instances(name):
    algorithm = get_algorithm(name)
    assert isinstance(algorithm, Algorithm)
    assert algorithm.name == name
    assert get_algorithm(algorithm) is algorithm
    for twin in (
        get_algorithm(name),
        copy.deepcopy(algorithm),
        pickle.loads(pickle.dumps(algorithm)),
    ):
        assert twin == algorithm
        assert hash(twin) == hash(algorithm)
    others = [get_algorithm(other) for other in list_algorithms() if other != name]
    assert algorithm not in others


def test_the_exact_minimiser_takes_no_steps():
    with pytest.raises(NotImplementedError, match="'opt' is solved for, not stepped"):
        get_algorithm("opt").step((0.0,), None, None)


def test_options_count_for_equality():
    assert RecurrentCell(width=3) == RecurrentCell(width=3)
    assert RecurrentCell(width=3) != RecurrentCell()
    assert repr(RecurrentCell(width=3)) == "RecurrentCell(n_layers=1, width=3)"
    assert len({RecurrentCell(width=3), RecurrentCell(width=3), RecurrentCell()}) == 2


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("heavyball", "Did you mean 'heavy_ball'?"),
        ("chebychev", "Did you mean 'chebyshev'?"),
        ("nesterov", "Did you mean 'nag'?"),
        ("NAG", "Did you mean 'nag'?"),
        ("FISTA", "Did you mean 'fista'?"),
        ("Douglas-Rachford", "Did you mean 'admm'?"),
        ("NesterovAcceleratedGradient", "Did you mean 'nag'?"),
        ("gradient_descent", "Did you mean 'gd'?"),
        ("gradient descent", "Did you mean 'gd'?"),
        ("conjugate-gradients", "Did you mean 'cg'?"),
        ("polyak", "Did you mean 'heavy_ball'?"),
        ("recurrent", "Did you mean 'rnn'?"),
        ("exact", "Did you mean 'opt'?"),
        ("Adam", "it is an optimizer, not the algorithm of a layer."),
        ("qqqqq", "or registered first."),
    ],
)
def test_unknown_names_list_the_known_and_suggest(wrong, hint):
    with pytest.raises(ValueError, match=f"algo='{wrong}' is not one of") as caught:
        get_algorithm(wrong)
    assert str(list_algorithms()) in str(caught.value)
    assert str(caught.value).endswith(hint)


@pytest.mark.parametrize("wrong", [None, 3, GradientDescent])
def test_what_is_no_algorithm(wrong):
    with pytest.raises(TypeError, match="algo must be a name or an Algorithm instance"):
        get_algorithm(wrong)


def test_registering_ones_own(registry):
    assert register_algorithm(Slow) is Slow
    assert list_algorithms()[-1] == "slow"
    assert get_algorithm("slow") == Slow()
    register_algorithm(Slow)  # a notebook's cell is run twice


def test_a_name_is_given_once(registry):
    class Thief(GradientDescent):
        pass

    with pytest.raises(ValueError, match="'gd' is already the name of GradientDescent"):
        register_algorithm(Thief)
    assert get_algorithm("gd") == GradientDescent()


def test_tests_leave_the_registry_alone():
    assert "slow" not in list_algorithms()


class Nameless(GradientDescent):
    name = None


class WithArguments(GradientDescent):
    name = "with_arguments"

    def __init__(self, power):
        self.power = power


class Abstract(Algorithm):
    name = "abstract"


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (Nameless, ValueError, "Nameless has no name .* set name = '...' in the class, got None"),
        (type("Empty", (GradientDescent,), {"name": ""}), ValueError, "Empty has no name"),
        (type("Property", (GradientDescent,), {"name": property(repr)}), ValueError, "no name"),
        (type("Unnamed", (Algorithm,), {"step": None}), ValueError, "Unnamed has no name"),
        (WithArguments, TypeError, "WithArguments cannot be made .* defaults, or pass an instance"),
        (Abstract, TypeError, "Abstract cannot be made without arguments"),
        (Slow(), TypeError, r"takes a class, got the instance Slow\(\): register Slow"),
        ("slow", TypeError, "takes a subclass of Algorithm, got 'slow'"),
        (int, TypeError, "takes a subclass of Algorithm, got <class 'int'>"),
    ],
)
def test_what_no_name_could_stand_for(registry, wrong, error, message):
    before = list_algorithms()
    with pytest.raises(error, match=message):
        register_algorithm(wrong)
    assert list_algorithms() == before
