"""Sphinx: `make docs` builds docs/_build/html, offline; warnings are errors."""

import os
import sys
from importlib.metadata import version as installed
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

# The gallery draws into files, and its searches' processes do too.
os.environ.setdefault("MPLBACKEND", "Agg")

project = "sklearn_reasoning"
author = "The sklearn_reasoning developers"
copyright = f"2026, {author}"
release = version = installed("sklearn-reasoning")

extensions = [
    "api_index",
    "complete_api",
    "markdown_source",
    "mathml",
    "myst_parser",
    "numpydoc",
    "offline",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "wide_figures",
]
root_doc = "index"
exclude_patterns = [
    "README.md",  # included by index.rst
    "_build",
    "gallery/**/*.ipynb",
    "gallery/**/*.py",
]
language = "en"
nitpicky = True
nitpick_ignore_regex = [
    # No inventory is fetched, so names of other packages have nothing to point to.
    (r"py:.*", r"(sklearn|skorch|torch|numpy|scipy|matplotlib|pandas|joblib)\b.*"),
]

# ------------------------------------------------------------------ Markdown and formulas
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

# ------------------------------------------------------------------ the API
# Methods of estimators that take metadata.
_ROUTED = ("fit", "partial_fit", "predict", "predict_proba", "score")
autosummary_generate = True
autosummary_imported_members = True  # rooms show what their private modules define
autodoc_typehints = "none"  # the docstrings state types, with shapes
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    # Made by scikit-learn for every estimator; its own documentation explains them. And a class
    # that is an attribute, which the docstrings list, would be shown as if it were one of its own.
    "exclude-members": ", ".join([f"set_{method}_request" for method in _ROUTED] + ["criterion"]),
}
numpydoc_show_class_members = False  # autodoc lists them, once
numpydoc_class_members_toctree = False
templates_path = ["_templates"]

# ------------------------------------------------------------------ the gallery
sphinx_gallery_conf = {
    "examples_dirs": [str(HERE.parent / "examples")],
    "gallery_dirs": ["gallery"],
    # An example whose data another package ships is left out where that is missing.
    "ignore_pattern": r"__init__\.py" if find_spec("skfolio") else r"__init__\.py|plot_long_only",
    "within_subsection_order": "gallery_order.GalleryOrder",
    "doc_module": ("sklearn_reasoning",),
    "backreferences_dir": None,
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "image_srcset": ["2x"],
    "min_reported_time": 1000,  # times of a shared machine tell readers nothing
    "write_computation_times": False,
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
    "remove_config_comments": True,
    "matplotlib_animations": False,
    "plot_gallery": "True",
}

# ------------------------------------------------------------------ copy buttons
# Code has one, and gives neither its prompts nor what it printed; formulas and output have none.
copybutton_selector = ".notranslate:not(.highlight-text, .highlight-none) > div.highlight > pre"
copybutton_prompt_text = r">>> |\.\.\. |\.\.\.$|\$ "
copybutton_prompt_is_regexp = True

# ------------------------------------------------------------------ HTML
html_theme = "furo"
html_title = f"sklearn_reasoning {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_use_index = (
    False  # the search and the reference find names; on wide screens its table overflows
)
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": False}
