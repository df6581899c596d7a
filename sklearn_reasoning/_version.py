"""The version of the package, for what is below its root."""

from importlib.metadata import version

__version__ = version("sklearn-reasoning")
