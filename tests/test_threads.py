"""Training leaves the number of threads of the process as it found it."""

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
