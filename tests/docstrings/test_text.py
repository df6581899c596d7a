"""What every public name's docstring must say: read by programs, so that it stays said.

The public names are those of each room's ``__all__``, with the public methods and properties
that our own classes define. Numbered rules of numpydoc come from numpydoc's own validation.
"""

import ast
import inspect
import re
import textwrap
from pathlib import Path

from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import sklearn_reasoning

# numpydoc's checks of sections and their order, summaries, parameters, returns and yields.
CHECKS = {
    *("GL03", "GL05", "GL06", "GL07", "GL08", "GL10"),
    *("SS01", "SS02", "SS03", "SS04", "SS05", "SS06"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR08", "PR09", "PR10"),
    *("RT01", "RT03", "RT04", "RT05", "YD01"),
}

MATHEMATICAL_ROOMS = ("algorithms", "energies", "penalties", "layer", "properties", "bounds")
REGISTRY = {"get_algorithm", "list_algorithms", "register_algorithm"}
MATHEMATICAL_NAMES = {
    "mean_l2_loss",
    "make_quadratic_reasoning",
    "QuadraticReasoningProblem",
    "decompose_gap",
    "LocallyAdaptiveNoise",
    "HybridReasoningRegressor",
    "HybridReasoningDenoiser",
    "HybridReasoningClassifier",
}
# "Eq. 9", "Lemma 4.1", "Table 1", "(Polyak 1964)"
SOURCE = re.compile(r"\b(Eqs?\.|Sec\.|Fig\.|Lemma|Theorem|Table) \d|\w \d{4}\)")

ARRAY = re.compile(r"array|\bTensor\b")
SHAPE = re.compile("shape|broadcast", re.I)
ELSEWHERE = re.compile(r"\b[Aa]s (for|from|in|of) :")  # documented by the one that it links to


def test_docstring(public):
    found = problems(public)
    assert not found, f"{public.name}:\n  " + "\n  ".join(found)


def test_constant(constant):
    root = Path(sklearn_reasoning.__file__).parent
    sources = [path.read_text(encoding="utf-8") for path in root.rglob("*.py")]
    comment = re.compile(rf"^#: [A-Z].+\.\n{constant} = ", re.M)  # the documentation shows these
    assert any(map(comment.search, sources)), f"no comment '#: ...' above {constant}"


def problems(public):
    """Return what is missing from, or wrong in, one docstring."""
    if not public.text:
        return ["no docstring"]
    rules = [_numpydoc, _raises, _class_attributes]
    if not public.overrides:  # the rest is said where the method is first defined
        rules += [_defaults, _returns, _shapes, _units, _source, _example]
    return [problem for rule in rules for problem in rule(public)]


def _numpydoc(public):
    checks = set(CHECKS)
    if getattr(public.obj, "_is_protocol", False):
        checks -= {"PR01"}  # a protocol is not made, though inspect gives it *args, **kwargs
    if public.overrides:
        checks = {c for c in checks if c[:2] in ("GL", "SS")}
    if public.is_property:
        checks -= {"RT01", "RT03"}
    for code, message in validate(public.path.replace("#", "."))["errors"]:
        # numpydoc takes a first parameter of this name for that of a class method.
        if code in checks and not (code == "PR02" and message.endswith("{'cls'}")):
            yield f"{code} {message}"


def _defaults(public):
    if public.is_property:
        return
    try:
        parameters = inspect.signature(public.target).parameters
    except ValueError:
        return
    for names, kind, _ in public.sections["Parameters"]:
        names = names.split(", ")
        stated = re.search(r"default[=: ]\s*(.*)$", kind)
        values = stated.group(1).split(" and ") if stated else []
        for i, name in enumerate(names):
            if name not in parameters:
                continue
            default = parameters[name].default
            if default is inspect.Parameter.empty:
                if stated:
                    yield f"{name} has no default, but one is stated"
            elif not stated:
                yield f"{name}: default={default!r} is not stated"
            elif not _says(values[min(i, len(values) - 1)], default):
                yield f"{name}: default={default!r} is stated as {stated.group(1)}"


def _returns(public):
    """Ask for Returns or Yields by the annotation; numpydoc does not see into class methods."""
    if inspect.isclass(public.obj) or public.is_property:
        return
    result = inspect.signature(public.target).return_annotation
    documented = public.sections["Returns"] or public.sections["Yields"]
    if (result not in (None, "None")) != bool(documented):
        yield f"returns {result}, of which Returns says {'something' if documented else 'nothing'}"


def _says(text, value):
    quotient = re.fullmatch(r"(\d+)/(\d+)", text)
    if quotient:
        return int(quotient[1]) / int(quotient[2]) == value
    try:
        return ast.literal_eval(text) == value
    except (ValueError, SyntaxError):
        return text in (repr(value), getattr(value, "__name__", None)) or "factory" in repr(value)


def _documented(public):
    for section in ("Parameters", "Attributes", "Returns", "Yields"):
        for names, kind, lines in public.sections[section]:
            # An unnamed return is a type alone.
            yield section, names, kind or names, " ".join(lines)


def _shapes(public):
    together = "broadcast against one another" in public.text
    for section, names, kind, description in _documented(public):
        stated = SHAPE.search(f"{kind} {description}") or ELSEWHERE.search(description)
        if section == "Parameters" and together:
            continue
        if ARRAY.search(kind) and not stated:
            yield f"{section}: {names or kind} states no shape"


# What has a unit, and the words of which the docstring must hold one. Q is measured in curvature
# (energy per squared unit of y), b in energy per unit of y, a step size in 1/curvature.
CURVATURE = r"spectrum|eigenvalue|curvature|units of Q"
STEP_SIZE = r"1/curvature"
LOSS = r"units? of (y|the loss)"
PER_B = r"per unit of (the norm of )?b|largest :math:`\\\|b|for this b|\(Eq\. [678]\)"
UNITS = {
    **dict.fromkeys(["mu", "L", "eigenvalue", "eigenvalues"], CURVATURE),
    **dict.fromkeys(["representation_error", "Q_distance"], CURVATURE + "|" + LOSS),
    **dict.fromkeys(["step_size", "step_size_", "step_size_range", "phi", "initial"], STEP_SIZE),
    **dict.fromkeys(["step_size_radius", "step_size_distance"], STEP_SIZE),
    **dict.fromkeys(["b_norm", "sigma_b"], r"units of b"),
    **dict.fromkeys(["stability", "sensitivity", "in_Q"], PER_B),
    **dict.fromkeys(["M", "distance", "empirical_loss_", "empirical", "held_out", "gap"], LOSS),
    **dict.fromkeys(["empirical_se", "held_out_se", "gap_se", "estimate"], LOSS),
    **dict.fromkeys(["per_draw", "standard_error"], LOSS + "|units of Q"),
    **dict.fromkeys(["mean_squared_loss", "level"], r"square"),
    **dict.fromkeys(["noise", "low", "high"], r"units of|1/curvature"),
    **dict.fromkeys(["accuracy", "relative_distance"], r"fraction|norm of the minimiser|distance"),
    **dict.fromkeys(["width", "patch_size", "min_size"], r"pixels|units per output"),
    "complexity": LOSS + "|units of Q",
    "tol": r"units of",
    "eps": r"units of|distance of the|Euclidean norm",
}
# The unit of what a function returns.
RETURNED_UNITS = {
    **dict.fromkeys(["mean_l2_loss", "approximation_bound", "loss_difference_bound"], LOSS),
    **dict.fromkeys(["local_rademacher_bound", "rademacher_transfer_bound"], LOSS),
    "representation_bound": r"squared units of Q|curvature",
    "HybridReasoningDenoiser.score": r"dB",
    "LocallyAdaptiveNoise.noise_level": r"units of the pixels' range",
}


def _units(public):
    for section, names, kind, description in _documented(public):
        for name in names.split(", "):
            if kind.startswith(("str", "bool", "{")) or ELSEWHERE.search(description):
                continue  # the name of a thing, or linked to where its unit is said
            if name in UNITS and not re.search(UNITS[name], f"{kind} {description}"):
                yield f"{section}: {name} does not say its unit ({UNITS[name]})"
        unit = RETURNED_UNITS.get(public.name) if section == "Returns" else None
        if unit and not re.search(unit, description):
            yield f"Returns: does not say its unit ({unit})"


def _source(public):
    mathematical = public.name in MATHEMATICAL_NAMES or (
        public.room in MATHEMATICAL_ROOMS and public.name not in REGISTRY
    )
    if (
        mathematical
        and not public.owners
        and not (
            SOURCE.search(public.text) or re.search(r"^(Notes|References)\n-", public.text, re.M)
        )
    ):
        yield "no source: an equation of the paper, a reference, or Notes"


def _example(public):
    if public.is_property or re.search(
        r"^\s*>>> (?!.*# doctest: \+SKIP)(?!import|from)", public.text, re.M
    ):
        return
    method = public.name.rpartition(".")[2]
    examples = "\n".join(
        line
        for cls in public.owners
        for line in inspect.getdoc(cls).splitlines()
        if line.startswith((">>>", "..."))
    )
    if not re.search(rf"\.{method}\(", examples):
        yield "no example"


def _class_attributes(public):
    """Find what a class has as plain attributes: fields, options and facts declared on it."""
    if not inspect.isclass(public.obj):
        return
    documented = set()
    classes = [cls for cls in public.obj.__mro__ if cls.__module__.startswith("sklearn_reasoning")]
    for cls in classes:
        doc = NumpyDocString(inspect.getdoc(cls) or "")
        for names, _, description in doc["Parameters"] + doc["Attributes"]:
            documented.update(names.split(", "))
            if not description:
                yield f"attribute {names} has no description"
    for cls in classes:
        for name in {**vars(cls), **vars(cls).get("__annotations__", {})}:
            value = vars(cls).get(name)
            plain = not (callable(value) or hasattr(value, "__get__"))
            if not name.startswith("_") and plain and name not in documented:
                yield f"attribute {name} is not documented"


def _raises(public):
    for name in sorted(raised_by(public) - set(public.errors)):
        yield f"raises {name}, which is not documented"


def raised_by(public):
    """Return the exceptions that a function raises in its own body, or a class when made."""
    if inspect.isclass(public.obj):
        makers = [vars(public.obj).get(name) for name in ("__init__", "__post_init__", "__new__")]
        functions = [
            f
            for f in makers
            if inspect.isfunction(f) and f.__module__ != "typing"  # a protocol
        ]
    else:
        functions = [public.target]
    names = set()
    for function in functions:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, SyntaxError):  # made by dataclass or namedtuple: no source
            continue
        for node in _outside_of_with(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                names.add(ast.unparse(node.exc.func))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "check_is_fitted":
                names.add("NotFittedError")
    return names


def _outside_of_with(node):
    """Yield all nodes but those in ``with``, which may turn an error into another."""
    yield node
    if not isinstance(node, ast.With):
        for child in ast.iter_child_nodes(node):
            yield from _outside_of_with(child)
