"""Pipelines in model files: the same bits back, and nothing in them that could be code."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from sklearn_reasoning import HybridReasoningRegressor, load_model, save_model
from sklearn_reasoning.exceptions import ModelFileError, VersionMismatchWarning

pandas = pytest.importorskip("pandas")


def regressor(**parameters):
    return HybridReasoningRegressor(max_epochs=3, random_state=0, **parameters)


def columns(**parameters):
    return ColumnTransformer(
        [
            ("scaled", StandardScaler(), [0, -1]),
            ("kept", "passthrough", slice(1, 3)),
            ("left", "drop", np.array([False, False, False, True, False])),
        ],
        **parameters,
    )


MODELS = {
    "StandardScaler": make_pipeline(StandardScaler(), regressor()),
    "without a mean": make_pipeline(StandardScaler(with_mean=False, with_std=False), regressor()),
    "MinMaxScaler": make_pipeline(MinMaxScaler((-1, 2), clip=True), regressor()),
    "MaxAbsScaler": make_pipeline(MaxAbsScaler(), regressor()),
    "RobustScaler": make_pipeline(RobustScaler(quantile_range=(10, 90)), regressor()),
    "Normalizer": make_pipeline(Normalizer("l1"), regressor()),
    "PCA": make_pipeline(StandardScaler(), PCA(3, whiten=True, random_state=0), regressor()),
    "passthrough": make_pipeline("passthrough", FunctionTransformer(), regressor()),
    "nested": make_pipeline(make_pipeline(MaxAbsScaler(), RobustScaler()), regressor()),
    "columns": make_pipeline(columns(), regressor()),
    "weighted columns": make_pipeline(
        columns(remainder=MinMaxScaler(), transformer_weights={"scaled": 2.0}), regressor()
    ),
    "columns in columns": make_pipeline(
        ColumnTransformer([("a", make_pipeline(StandardScaler(), PCA(2)), [0, 1, 2])], n_jobs=1),
        regressor(),
    ),
    "targets": TransformedTargetRegressor(
        make_pipeline(StandardScaler(), regressor()), transformer=MinMaxScaler()
    ),
    "targets as they are": make_pipeline(
        StandardScaler(), TransformedTargetRegressor(regressor(linear_term=[0, 1, 2]))
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits_come_back(name, path, rows):
    X, y = rows
    model = clone(MODELS[name]).fit(X, y)
    save_model(model, path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert type(again) is type(model)
    # It is the same model in everything else too: what it is fitted to anew is the same.
    np.testing.assert_array_equal(clone(again).fit(X, y).predict(X), model.predict(X))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("one_output", [False, True])
def test_shapes_and_dtypes_of_the_targets_come_back(dtype, one_output, path, rows):
    X, y = rows
    X, y = X.astype(dtype), y[:, 0] if one_output else y
    model = TransformedTargetRegressor(regressor(), transformer=StandardScaler()).fit(X, y)
    save_model(model, path)
    predicted = load_model(path).predict(X)
    assert predicted.shape == y.shape
    np.testing.assert_array_equal(predicted, model.predict(X))
    assert predicted.dtype == model.predict(X).dtype


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_column_names_come_back(output, path, rows):
    X, y = rows
    X = pandas.DataFrame(X, columns=list("abcde"))
    model = make_pipeline(
        ColumnTransformer(
            [
                ("first", StandardScaler(), ["a", "b"]),
                ("last", PCA(1), np.array(X.columns[3:], dtype=object)),
            ],
            remainder="passthrough",
        ).set_output(transform=output),
        regressor(),
    ).fit(X, y)
    save_model(model, path)
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.predict(X[list("edcba")]), model.predict(X))
    assert list(again.feature_names_in_) == list("abcde")
    names = [list(m[0].get_feature_names_out()) for m in (model, again)]
    assert names[0] == names[1]
    with pytest.raises(ValueError, match="columns are missing"):
        again.predict(X.drop(columns="b"))


def test_missing_values_that_a_scaler_counted_come_back(path, rows):
    X, y = rows
    holes = X.copy()
    holes[::7, 2] = np.nan
    scaler = StandardScaler().fit(holes)
    assert np.ndim(scaler.n_samples_seen_) == 1
    model = Pipeline([("scale", scaler), ("model", regressor())])
    model[-1].fit(scaler.transform(X), y)
    save_model(model, path)
    again = load_model(path)
    np.testing.assert_array_equal(again[0].n_samples_seen_, scaler.n_samples_seen_)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again[0].partial_fit(X).mean_, scaler.partial_fit(X).mean_)


class CountingScaler(StandardScaler):
    """A subclass may compute something else, and its code is not in the package."""


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (FunctionTransformer(np.log1p), r"the step 'first'.*FunctionTransformer: .*func=.*log1p"),
        (
            ColumnTransformer([("all", StandardScaler(), make_column_selector())]),
            r"the step 'first'.*the step 'all'.*make_column_selector",
        ),
        (SimpleImputer(), r"the step 'first'.*knows .*, not SimpleImputer.*joblib"),
        (CountingScaler(), r"the step 'first'.*, not CountingScaler"),
    ],
    ids=["function", "selector", "unknown class", "subclass"],
)
def test_a_step_that_may_hold_code_is_refused_by_name(step, message, path, rows):
    X, y = rows
    X = pandas.DataFrame(abs(X), columns=list("abcde"))
    model = Pipeline([("first", step), ("second", regressor())]).fit(X, y)
    with pytest.raises(TypeError, match=message):
        save_model(model, path)
    assert not path.exists()


def test_functions_of_the_targets_are_refused(path, rows):
    X, y = rows
    model = TransformedTargetRegressor(regressor(), func=np.sinh, inverse_func=np.arcsinh)
    model.fit(X, y)
    with pytest.raises(TypeError, match=r"TransformedTargetRegressor: .*func="):
        save_model(model, path)


def test_a_scaler_alone_is_no_model(path, rows):
    with pytest.raises(TypeError, match="HybridReasoningRegressor"):
        save_model(StandardScaler().fit(rows[0]), path)


def test_the_memory_of_a_pipeline_is_left_out_with_a_warning(path, rows, tmp_path):
    X, y = rows
    model = make_pipeline(StandardScaler(), regressor(), memory=str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match="Pipeline: memory .* not saved"):
        save_model(model.fit(X, y), path)
    assert load_model(path).memory is None


def test_a_random_state_deep_inside_is_left_out_with_a_warning(path, rows):
    X, y = rows
    inner = regressor().set_params(random_state=np.random.RandomState(0))
    with pytest.warns(UserWarning, match=r"the step 'r'.*random_state"):
        save_model(Pipeline([("r", inner)]).fit(X, y), path)
    assert load_model(path)[-1].random_state is None


def test_another_scikit_learn_is_warned_of(path, rows, documented):
    X, y = rows
    save_model(MODELS["StandardScaler"].fit(X, y), path)
    document, tensors = documented.take_apart(path.read_bytes())
    assert document["versions"]["sklearn"] == sklearn.__version__
    document["versions"]["sklearn"] = "1.0.0"
    path.write_bytes(documented.put_together(document, tensors))
    with pytest.warns(VersionMismatchWarning, match=r"sklearn 1\.0\.0"):
        load_model(path)


def test_two_saves_give_the_same_bytes(path, rows):
    X, y = rows
    model = clone(MODELS["columns"]).fit(X, y)
    save_model(model, path)
    before = path.read_bytes()
    save_model(load_model(path), path)
    assert path.read_bytes() == before


def test_a_name_that_is_not_among_the_columns_is_refused(path, rows, documented):
    X, y = rows
    X = pandas.DataFrame(X, columns=list("abcde"))
    model = make_pipeline(ColumnTransformer([("one", MaxAbsScaler(), ["a"])]), regressor())
    save_model(model.fit(X, y), path)
    document, tensors = documented.take_apart(path.read_bytes())
    inner = document["model"]["parameters"]["steps"][0]["tuple"][1]["estimator"]
    inner["fitted"]["transformers_"][0]["tuple"][2] = ["z"]
    path.write_bytes(documented.put_together(document, tensors))
    with pytest.raises(ModelFileError, match="takes the column 'z', which is none of X"):
        load_model(path)


def changed(path, documented, change):
    """Change the description of the model in a file, and sign it anew."""
    document, tensors = documented.take_apart(path.read_bytes())
    change(document["model"])
    path.write_bytes(documented.put_together(document, tensors))


def test_what_cannot_do_its_part_is_refused(path, rows, documented):
    X, y = rows
    unfitted = {"class": "Normalizer", "number": 3, "parameters": {}, "fitted": None}

    def no_way_back(model):
        regressor_number = model["fitted"]["regressor_"]["estimator"]["number"]
        model["fitted"]["transformer_"] = {"estimator": unfitted | {"number": regressor_number + 1}}

    save_model(TransformedTargetRegressor(regressor()).fit(X, y), path)
    changed(path, documented, no_way_back)
    with pytest.raises(ModelFileError, match="its transformer has no inverse_transform"):
        load_model(path)

    def twice_the_same_name(model):
        model["parameters"]["steps"][1]["tuple"][0] = "standardscaler"

    def backwards(model):
        model["parameters"]["steps"].reverse()
        for number, step in enumerate(model["parameters"]["steps"], start=1):
            step["tuple"][1]["estimator"] |= {"number": number, "fitted": None}

    for change, message in (
        (twice_the_same_name, "are not unique"),
        (backwards, "no transform|has tensors"),
    ):
        save_model(make_pipeline(StandardScaler(), regressor()).fit(X, y), path)
        changed(path, documented, change)
        with pytest.raises(ModelFileError, match=message):
            load_model(path)
