"""The versions that pyproject.toml allows are those that the tests are run with."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements():
    extras = PROJECT["optional-dependencies"]
    return [Requirement(text) for text in (*PROJECT["dependencies"], *extras["images"])]


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {package.lower(): Version(version) for package, version in pairs}


@pytest.mark.parametrize("requirement", requirements(), ids=lambda r: r.name)
def test_the_lower_bound_is_what_test_oldest_installs(requirement):
    (lowest,) = (Version(s.version) for s in requirement.specifier if s.operator == ">=")
    assert pins("constraints-oldest.txt")[requirement.name.lower()] == lowest


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-oldest.txt"])
def test_pins_are_versions_that_are_allowed(name):
    found = pins(name)
    for requirement in requirements():
        assert found[requirement.name.lower()] in requirement.specifier
    test = PROJECT["optional-dependencies"]["test"]
    for requirement in map(Requirement, test):
        assert found[requirement.name.lower()] in requirement.specifier
