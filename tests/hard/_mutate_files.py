"""Change model files at random, load them, and count what comes of it.

``python tests/hard/_mutate_files.py --n 100000`` prints a JSON object; ``--keep FOLDER`` stores the
files that failed. Memory is limited: the process may take 512 MiB more than it has at the start.
"""

import argparse
import importlib.util
import json
import random
import resource
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.algorithms import RecurrentCell
from sklearn_reasoning.exceptions import ModelFileError

TESTS = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location(
    "documented_format", TESTS / "persistence" / "_documented_format.py"
)
documented = importlib.util.module_from_spec(spec)
spec.loader.exec_module(documented)

MORE_MEMORY = 512 * 2**20
CPU_SECONDS = 5.0
FEW_STEPS = 2_000


# ---------------------------------------------------------------------- what is changed


def bases(folder):
    """Yield name, content and inputs of files of many kinds of models."""
    for path in sorted((TESTS / "data" / "model_files").glob("*.safetensors")):
        yield (
            path.stem,
            path.read_bytes(),
            np.array(json.loads(path.with_suffix(".json").read_text())["X"]),
        )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 6)), rng.normal(size=(12, 3))

    def small(**parameters):
        options = {"k": 3, "q_hidden": 2, "b_hidden": 2, "max_epochs": 1, "random_state": 0}
        return HybridReasoningRegressor(**options | parameters)

    columns = ColumnTransformer(
        [("a", make_pipeline(RobustScaler(), PCA(2)), [0, 1, 2]), ("b", "drop", slice(3, 4))],
        remainder=MinMaxScaler(),
    )
    models = {
        "rnn": small(algo=RecurrentCell(width=2, n_layers=2), rotation="identity"),
        "per iteration": small(algo="heavy_ball", step_size_per_iteration=True),
        "predicted": small(algo="cg", rotation="predicted", q_hidden=None),
        "given": small(linear_term=[0, 2, 1], spectrum="anchored"),
        "columns": make_pipeline(columns, small()),
        "targets": TransformedTargetRegressor(
            make_pipeline(StandardScaler(), small()), transformer=StandardScaler()
        ),
    }
    for name, model in models.items():
        for dtype in ("float64", "float32") if name == "given" else ("float64",):
            path = folder / "base.safetensors"
            save_model(model.fit(X.astype(dtype), y), path)
            yield f"{name} {dtype}", path.read_bytes(), X


# ---------------------------------------------------------------------- changes of bytes


def flip_bits(content, rng, _):
    for _ in range(rng.randint(1, 4)):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def cut(content, rng, _):
    del content[rng.randrange(len(content)) :]


def put_in(content, rng, _):
    at = rng.randrange(len(content) + 1)
    content[at:at] = rng.randbytes(rng.randint(1, 40))


def take_out(content, rng, _):
    at = rng.randrange(len(content))
    del content[at : at + rng.randint(1, 40)]


def blank(content, rng, _):
    at = rng.randrange(len(content))
    length = min(rng.randint(1, 64), len(content) - at)
    content[at : at + length] = bytes([rng.choice((0, 255, 32, 48))]) * length


def splice(content, rng, other):
    at, length = rng.randrange(len(content)), rng.randint(1, 400)
    source = rng.choice((bytes(content), other))
    start = rng.randrange(len(source))
    content[at : at + length] = source[start : start + length]


def change_header_length(content, rng, _):
    number = rng.choice((0, 1, 7, 10**10, 2**63, 2**64 - 1, 10**8, len(content), len(content) - 8))
    content[:8] = number.to_bytes(8, "little")


BYTES = [flip_bits, flip_bits, flip_bits, cut, put_in, take_out, blank, splice]
BYTES += [change_header_length]

# ---------------------------------------------------------------------- changes of the document

VALUES = [
    None,
    True,
    False,
    -1,
    0,
    1,
    2,
    3,
    1_000_000,
    2**31,
    2**63,
    10**12,
    10**400,
    -0.5,
    0.0,
    0.3,
    1e-320,
    1e308,
    "",
    "nag",
    "rnn",
    "opt",
    "given",
    "passthrough",
    "drop",
    "pandas",
    "Pipeline",
    "StandardScaler",
    "HybridReasoningRegressor",
    "os.system",
    "\ud800",
    "x" * 2_000,
    [],
    [1, 2],
    ["a"],
    {},
    {"dict": {}},
    {"dict": {"a": 1}},
    {"tuple": []},
    {"tuple": [3]},
    {"tuple": [10**9, 10**9]},
    {"tuple": ["a", "passthrough"]},
    {"slice": [None, None, None]},
    {"slice": [0, 2, -1]},
    {"algorithm": "cg", "options": {"dict": {}}},
    {"algorithm": "rnn", "options": {"dict": {"width": 2, "n_layers": 10**12}}},
    {"algorithm": "rnn", "options": {"dict": {"width": 10**9, "n_layers": 1}}},
    {"algorithm": "gd", "options": {"dict": {"name": "x"}}},
]


def places(value, found=None):
    """Return (container, key) of everything inside a JSON value."""
    found = [] if found is None else found
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        found.append((value, key))
        if isinstance(inner, dict | list):
            places(inner, found)
    return found


def copy_of(value):
    return json.loads(json.dumps(value))


def change_document(document, rng, other):
    found = places(document)
    container, key = rng.choice(found)
    value = container[key]
    kind = rng.randrange(12)
    if kind <= 1:
        container[key] = copy_of(rng.choice(VALUES))
    elif type(value) in (int, float) and kind <= 6:
        half = value + 0.5 if abs(value) < 1e300 else 0.5
        numbers = (value + 1, value - 1, 2 * value, -value, half, 0, 10**4, 10**9, 10**12)
        container[key] = rng.choice(numbers)
    elif kind in (2, 3, 9, 10, 11):  # what stands under the same key, here or elsewhere
        alike = [c[k] for c, k in places(rng.choice((document, other))) if k == key]
        container[key] = copy_of(rng.choice([v for v in alike if v != value] or VALUES))
    elif kind == 4:
        del container[key]
    elif kind == 5:
        there, at = rng.choice(places(other) if rng.random() < 0.5 else found)
        container[key] = copy_of(there[at])
    elif kind == 6:
        there, at = rng.choice(found)
        container[key], there[at] = copy_of(there[at]), copy_of(value)
    elif kind == 7 and isinstance(container, dict):
        container[rng.choice([*container, "a", "memory", "func", "n_jobs"])] = copy_of(value)
    elif kind == 8:
        for _ in range(rng.choice((1, 3, 20, 200, 3_000))):
            value = {rng.choice(("tuple", "tuple", "dict")): [value]}
        container[key] = value
    elif isinstance(container, list):
        container.insert(key, copy_of(value))


# ---------------------------------------------------------------------- changes of the tensors

SIZES = {"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1, "BF16": 2}


def change_tensors(tensors, rng, others):
    name = rng.choice(list(tensors))
    dtype, shape, data = tensors[name]
    kind = rng.randrange(9)
    if kind == 0:
        other = rng.choice(list(tensors))
        tensors[name], tensors[other] = tensors[other], tensors[name]
    elif kind == 1:  # other numbers in the same bytes
        dtype = rng.choice(list(SIZES))
        shape = [*shape[:-1], len(data)] if len(shape) < 2 else [len(data)]
        shape[-1] //= SIZES[dtype]
        tensors[name] = dtype, shape, data[: int(np.prod(shape)) * SIZES[dtype]]
    elif kind == 2:
        shape = rng.choice(
            (shape[::-1], [1, *shape], [*shape, 1], [int(np.prod(shape))], shape[1:])
        )
        tensors[name] = dtype, shape, data[: int(np.prod(shape)) * SIZES[dtype]]
    elif kind == 3:
        shape = rng.choice(([0], [0, *shape], [2**40, 0], [0] * 40))
        tensors[name] = dtype, shape, b""
    elif kind == 4:
        del tensors[name]
    elif kind == 5:
        other = rng.choice(list(others))
        tensors[rng.choice((name, other, f"9.{other}", "a", ""))] = others[other]
    elif kind == 6:
        tensors[rng.choice((f"{name}.1", name[2:], f"0.{name}", "\0"))] = tensors.pop(name)
    elif kind == 7 and dtype in ("F64", "F32"):
        number = rng.choice((np.nan, np.inf, -np.inf, 0.0, -1.0, 1e300, 1e-300))
        with np.errstate(over="ignore", under="ignore"):
            data = np.full(len(data) // SIZES[dtype], number).astype(f"f{SIZES[dtype]}").tobytes()
        tensors[name] = dtype, shape, data
    else:
        tensors[name] = dtype, shape, rng.randbytes(len(data))


# ---------------------------------------------------------------------- what comes of it


def mutant(rng, content, other):
    """Return changed bytes, and whether their checksum is right."""
    if rng.random() < 0.25:
        changed = bytearray(content)
        rng.choice(BYTES)(changed, rng, other)
        return bytes(changed), False
    # What is made here may nest deeper than the package reads.
    sys.setrecursionlimit(30_000)
    try:
        while True:
            try:
                return _mutant_with_checksum(rng, content, other), True
            except RecursionError:  # the json of Python 3.12 has a limit of its own
                continue
    finally:
        sys.setrecursionlimit(1_000)


def _mutant_with_checksum(rng, content, other):
    document, tensors = documented.take_apart(content)
    other_document, other_tensors = documented.take_apart(other)
    for _ in range(rng.choice((1, 1, 1, 1, 2))):
        if rng.random() < 0.65 or not tensors:
            change_document(document, rng, other_document)
            if not document:
                break
        else:
            change_tensors(tensors, rng, other_tensors)
    return documented.put_together(document, tensors)


def steps_of(estimator):
    """Return the largest k inside an estimator."""
    nested = estimator.get_params().values() if hasattr(estimator, "get_params") else ()
    parts = [estimator, getattr(estimator, "regressor_", None), *nested]
    parts += [getattr(part, "regressor_", None) for part in parts]
    found = [0]
    for part in parts:
        if "net_" in getattr(part, "__dict__", {}):
            k = part.module_.k if hasattr(part.module_, "k") else part.module_.architecture.k
            found.append(max(k) if isinstance(k, tuple) else k)
    return max(found)


def outcome(path, X, expected, signed, is_first_format):
    """Return what loading and predicting came to, or raise."""
    try:
        model = load_model(path)
    except ModelFileError as error:
        if isinstance(error.__cause__, MemoryError) or "alloc" in str(error):
            raise AssertionError("it asked for memory") from error
        return "refused"
    if steps_of(model) > FEW_STEPS:
        return "many steps"
    try:
        predicted = model.predict(X)
    except ValueError:
        assert signed or is_first_format, "an unsigned change gave another model"
        return "predict refused"
    if np.array_equal(predicted, expected, equal_nan=True):
        return "right"
    assert signed or is_first_format, "an unsigned change gave another answer"
    return "another model"


class TooLongError(BaseException):
    """A file kept the processor busy."""


def too_long(*_):
    raise TooLongError


def main():
    """Run, and print the counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="the number of the first change")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    signal.signal(signal.SIGVTALRM, too_long)
    counts, failures = Counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model.safetensors"
        pool = []
        for name, content, X in bases(folder):
            path.write_bytes(content)
            pool.append((name, content, X, load_model(path).predict(X)))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MORE_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        for i in range(arguments.first, arguments.first + arguments.n):
            rng = random.Random(f"{arguments.seed} {i}")
            name, content, X, expected = rng.choice(pool)
            changed, signed = mutant(rng, content, rng.choice(pool)[1])
            path.write_bytes(changed)
            kind = "signed" if signed else "bytes"
            signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
            try:
                came_to = outcome(path, X, expected, signed, name.startswith("v1"))
            except (Exception, TooLongError) as error:
                came_to = "failed"
                last = traceback.extract_tb(error.__traceback__)[-1]
                failures.append(
                    f"{i} {name} {kind}: {type(error).__name__}: {error} "
                    f"({Path(last.filename).name}:{last.lineno})"
                )
                if arguments.keep:
                    arguments.keep.mkdir(exist_ok=True)
                    (arguments.keep / f"{i}.safetensors").write_bytes(changed)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            counts[f"{kind}: {came_to}"] += 1
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "n": arguments.n,
                "counts": dict(sorted(counts.items())),
                "n_failures": len(failures),
                "failures": failures[:200],
                "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
                "peak_mib": round(usage.ru_maxrss / 1024),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
