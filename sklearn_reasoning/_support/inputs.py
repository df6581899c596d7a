"""What users hand in, as something that scikit-learn's validation reads without surprises."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import scipy.sparse
import torch

# Frames that hold a query instead of numbers, by library, and what carries the query out.
_LAZY = {
    "dask": ".compute()",
    "duckdb": ".df()",
    "ibis": ".to_pandas()",
    "narwhals": ".collect()",
    "polars": ".collect()",
    "pyspark": ".toPandas()",
    "sqlframe": ".toPandas()",
}
_LAZY_CLASSES = ("LazyFrame", "DataFrame", "Series", "Table", "Column", "DuckDBPyRelation")

# What reads frames of other libraries: through Arrow's stream, through the interchange protocol.
_READERS = {
    "__arrow_c_stream__": (("pyarrow", "table"), ("polars", "DataFrame")),
    "__dataframe__": (("pyarrow.interchange", "from_dataframe"), ("polars", "from_dataframe")),
}


def readable(name: str, data: Any) -> Any:
    """Return data in a form that scikit-learn reads, names of columns included.

    Arrays of numpy, frames of pandas and polars, tables of pyarrow and lists are returned as
    they are. What scikit-learn would misread (it takes the values under the mask of a masked
    array, and computes a dask frame under the names of no column) is refused: a ValueError if
    values are masked, or a tensor holds none; a TypeError, which says what to do, if nothing reads
    it. ``name`` is what the caller's argument is called.
    """
    if isinstance(data, torch.Tensor):
        return _from_tensor(name, data)
    if isinstance(data, np.ma.MaskedArray):
        data = _unmasked(name, data)
    if isinstance(data, np.ndarray):
        return _plain(name, data)
    if scipy.sparse.issparse(data):
        raise TypeError(
            f"{name}: sparse data was passed, but dense data is required. Use .toarray()."
        )
    if isinstance(data, Mapping):
        raise TypeError(f"{name} is a mapping; make a frame of it, pandas.DataFrame({name}).")
    _refuse_lazy(name, data)
    _refuse_sparse_frame(name, data)
    if type(data).__module__.startswith("narwhals."):
        return readable(name, data.to_native())
    return _of_other_libraries(name, data)


def _plain(name: str, array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.names is not None:
        raise TypeError(
            f"{name} is a structured array; numpy.lib.recfunctions.structured_to_unstructured "
            "makes a plain one of it."
        )
    # float32 in the byte order of FITS files is float32 all the same.
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _from_tensor(name: str, tensor: torch.Tensor) -> Any:
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} is a tensor of layout {tensor.layout}; use .to_dense().")
    if tensor.device.type == "meta":
        raise ValueError(f"{name} is a tensor on the device 'meta', which holds no numbers.")
    tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
    # numpy has no such numbers; half precision is made float64 by validation too.
    return (tensor.double() if tensor.dtype == torch.bfloat16 else tensor).numpy()


def _unmasked(name: str, array: np.ma.MaskedArray[Any, Any]) -> np.ndarray[Any, Any]:
    n_masked = int(np.ma.getmaskarray(array).sum())
    if n_masked:
        raise ValueError(
            f"{name} is a masked array with {n_masked} masked values, which would be read as if "
            "they were not masked. Drop their rows, or fill them: .filled(numpy.nan) and an "
            "imputer."
        )
    return np.ma.getdata(array)


def _refuse_lazy(name: str, data: Any) -> None:
    for kind in type(data).__mro__:
        library = kind.__module__.partition(".")[0].partition("_")[0]
        way_out = _LAZY.get(library)
        eager = library in ("polars", "narwhals") and kind.__name__ != "LazyFrame"
        if way_out is not None and not eager and kind.__name__ in _LAZY_CLASSES:
            raise TypeError(
                f"{name} is a {kind.__name__} of {library}, which is not computed yet: hand in "
                f"{name}{way_out}."
            )


def _refuse_sparse_frame(name: str, data: Any) -> None:
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame) or not len(data.columns):
        return
    if all(isinstance(dtype, pandas.SparseDtype) for dtype in data.dtypes):
        raise TypeError(
            f"{name}: a frame of sparse columns was passed, but dense data is required. Use "
            f"{name}.sparse.to_dense()."
        )


def _of_other_libraries(name: str, data: Any) -> Any:
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(data, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([data])
    if hasattr(data, "__array_namespace__"):
        return _from_array_api(name, data)
    if hasattr(data, "__array__") or hasattr(data, "__len__"):
        return data
    for protocol, readers in _READERS.items():
        if hasattr(data, protocol):
            return _read(name, data, readers)
    return data


def _from_array_api(name: str, data: Any) -> Any:
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        raise TypeError(
            f"{name} is a {type(data).__name__} that numpy cannot read ({error}). Move it to the "
            "CPU and hand in a numpy array."
        ) from error


def _read(name: str, data: Any, readers: tuple[tuple[str, str], ...]) -> Any:
    for library, function in readers:
        try:
            return getattr(import_module(library), function)(data)
        except (ImportError, TypeError):
            continue  # not installed, or too old for the protocol
    libraries = " or ".join(dict.fromkeys(library.partition(".")[0] for library, _ in readers))
    raise TypeError(
        f"{name} is a {type(data).__name__}, which {libraries} would read; none that can is "
        "installed."
    )
