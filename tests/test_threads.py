"""Training leaves the number of threads of the process as it found it."""

import os
import threading

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_reasoning.training import one_thread


def numbers_of_threads():
    return sorted((pool["filepath"], pool["num_threads"]) for pool in threadpool_info())


@pytest.fixture
def two_threads():
    with threadpool_limits(2):
        yield numbers_of_threads()


def test_one_thread_inside_and_as_before_outside(two_threads):
    with one_thread():
        assert torch.get_num_threads() == 1
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert numbers_of_threads() == two_threads


@pytest.fixture
def torch_given_two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("torch_given_two_threads")
def test_overlapping_threads_leave_no_limit_behind(two_threads):
    second_is_in, first_is_out = threading.Event(), threading.Event()
    seen = []

    def second():
        with one_thread():
            seen.append(torch.get_num_threads())
            second_is_in.set()
            first_is_out.wait(10)
            seen.append(torch.get_num_threads())

    other = threading.Thread(target=second)
    with one_thread():
        other.start()
        assert second_is_in.wait(10)
    first_is_out.set()
    other.join()
    assert seen == [1, 1]
    assert numbers_of_threads() == two_threads


def test_an_error_inside_restores_the_limits(two_threads):
    with pytest.raises(ValueError, match="inside"), one_thread():
        raise ValueError("inside")
    assert numbers_of_threads() == two_threads


FORK = """
import os, sys, torch
from sklearn_reasoning import HybridReasoningRegressor
from sklearn_reasoning.datasets import make_quadratic_reasoning

X, y = make_quadratic_reasoning(100, random_state=0)
torch.set_num_threads(2)  # which gives MKL a number of its own
x = torch.ones(64, 100, 100, dtype=torch.float64)
torch.bmm(x, x)  # from here on there is a second thread, which no fork has
child = os.fork()
if child == 0:
    model = HybridReasoningRegressor(linear_term="given", rotation="given", max_epochs=1)
    model.fit(X, y).predict(X)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_trains_although_torch_was_given_threads(new_process):
    done = new_process(FORK)
    assert done.returncode == 0, done.stderr
