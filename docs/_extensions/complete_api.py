"""A warning for every public name that the API reference leaves out."""

import pkgutil
from importlib import import_module

import sklearn_reasoning


def public_names():
    """Return the full names of what the public modules export, each once.

    A module exports its ``__all__``, or else what it defines itself without an underscore. Folders
    in a room are where it keeps things: users import from the room.
    """
    names = set()
    modules = pkgutil.iter_modules(sklearn_reasoning.__path__, "sklearn_reasoning.")
    for name in ["sklearn_reasoning", *sorted(m.name for m in modules)]:
        if "._" in name:
            continue
        module = import_module(name)
        exported = getattr(module, "__all__", None)
        if exported is None:
            exported = [
                key
                for key, value in vars(module).items()
                if not key.startswith("_") and getattr(value, "__module__", None) == name
            ]
        names |= {f"{name}.{key}" for key in exported}
    return names


def _value(full_name):
    module, _, name = full_name.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except ImportError:  # a method
        return None


def _compare(app, env):
    from sphinx.util import logging  # the tests take public_names where there is no Sphinx

    documented = {name: _value(name) for name in env.domaindata["py"]["objects"]}
    # Estimators are importable from the package and from their rooms; one page is enough.
    pages = {id(value) for value in documented.values() if value is not None}
    for name in sorted(public_names() - set(documented)):
        if id(_value(name)) not in pages:
            logging.getLogger(__name__).warning("%s is public and not in the API reference", name)


def setup(app):
    """Compare once everything is read."""
    app.connect("env-check-consistency", _compare)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
