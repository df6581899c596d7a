"""What ``fit`` and ``plot`` leave on an object is what its Attributes section lists."""

import numpy as np
import pytest
from numpydoc.docscrape import ClassDoc
from sklearn.linear_model import Ridge

from sklearn_reasoning import (
    FewShotReasoningRegressor,
    HybridReasoningClassifier,
    HybridReasoningDenoiser,
    HybridReasoningFolder,
    HybridReasoningRegressor,
)
from sklearn_reasoning.inspection import (
    AlgorithmPropertiesDisplay,
    BoundDisplay,
    CertificateDisplay,
    ResidualPolynomialDisplay,
    StepsDisplay,
    StructureDisplay,
)
from sklearn_reasoning.model_selection import (
    BatchedGridSearchCV,
    BatchedRandomizedSearchCV,
    GeneralizationGapDisplay,
)

X, Y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 2.0, 3.0])
IMAGE = np.zeros((1, 16, 16))

OBJECTS = {
    "regressor": lambda: HybridReasoningRegressor(max_epochs=1).fit(X, Y),
    "partially fitted regressor": lambda: HybridReasoningRegressor().partial_fit(X, Y),
    "classifier": lambda: HybridReasoningClassifier(max_epochs=1).fit(X, [[0, 1], [1, 2]] * 2),
    "few-shot regressor": lambda: FewShotReasoningRegressor(max_epochs=1).fit(X, Y),
    "denoiser": lambda: HybridReasoningDenoiser(
        f_channels=2, g_channels=2, max_steps=1, patch_size=4
    ).fit(IMAGE, IMAGE),
    "folder": lambda: HybridReasoningFolder(max_epochs=1).fit(["GGGAAAACCC"], ["(((....)))"]),
    "grid search": lambda: BatchedGridSearchCV(Ridge(), {"alpha": [1.0]}, cv=2).fit(X, Y),
    "randomized search": lambda: BatchedRandomizedSearchCV(
        Ridge(), {"alpha": [1.0]}, n_iter=1, cv=2
    ).fit(X, Y),
    "properties": lambda: AlgorithmPropertiesDisplay.from_algorithms("gd", k=[1, 2]),
    "polynomials": lambda: ResidualPolynomialDisplay.from_algorithms("gd", k=2),
    "bound": lambda: BoundDisplay.from_table({"k": [1, 2], "bound": [1.0, 2.0], "gap": [0.5, 0.5]}),
    "certificate": lambda: CertificateDisplay.from_estimator(
        HybridReasoningRegressor(max_epochs=1).fit(X, Y), X
    ),
    "steps": lambda: StepsDisplay.from_estimator(
        HybridReasoningClassifier(max_epochs=1).fit(X, Y), X, Y
    ),
    "structure": lambda: StructureDisplay("GGGAAAACCC", "(((....)))").plot(),
    "gap": lambda: GeneralizationGapDisplay.from_estimator(
        Ridge(), X, Y, param_name="alpha", param_range=[1.0], cv=2
    ),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_fitted_attributes(name):
    fitted = OBJECTS[name]()
    documented = {
        attribute
        for names, *_ in ClassDoc(type(fitted), config={"show_class_members": False})["Attributes"]
        for attribute in names.split(", ")
        if attribute.endswith("_")
    }
    # Optional, and set only for frames.
    assert _left_on(fitted) | {"feature_names_in_"} == documented | {"feature_names_in_"}


def _left_on(fitted):
    names = (name for name in dir(fitted) if name.endswith("_") and not name.startswith("_"))
    return {name for name in names if hasattr(fitted, name)}
