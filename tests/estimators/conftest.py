"""The rows that most tests of the regressor share."""

import pytest
from estimators._small_regressors import make_data


@pytest.fixture(scope="module")
def data():
    return make_data()
