"""The regressor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.random_state import seed_of
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._deferred_fit import defer
from sklearn_reasoning.estimators._fitted_net import FittedNet
from sklearn_reasoning.estimators._parameters import (
    CONSTRAINTS,
    check_k,
    check_relations,
)
from sklearn_reasoning.estimators._versioned import VersionStamped
from sklearn_reasoning.estimators._watch import (
    IS_WRAPPED,
    attributes_if_stopped,
    watch_of,
    with_callbacks,
)
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.penalties import Penalty
from sklearn_reasoning.properties import MeasuredRows, ModelCertificate, certify
from sklearn_reasoning.training import (
    Given,
    RegressionModel,
    Rows,
    TrainedModel,
    TrainingTask,
    fit_stack,
    predict,
    predict_energy,
    single_start,
    trained_models,
)

from ._allowed import resolve_penalty
from ._architecture import architecture_of, settings_of
from ._certificate import measure_rows, start_of_layer
from ._given_term import warn_of_misfit
from ._loss_parameter import LossParameter
from ._outputs import mean_norm, output_dtypes
from ._reading import read_given, read_rows
from ._task import net_to_go_on_from, task_of

_Array = np.ndarray[Any, Any]


class HybridReasoningRegressor(
    VersionStamped, FittedNet, MultiOutputMixin, RegressorMixin, BaseEstimator
):
    r"""Regression by a predicted energy that k steps of an algorithm minimise.

    Networks predict the matrix Q and the linear term b of :math:`E(y) = \tfrac12 y'Qy + b'y`
    from x; the prediction is :math:`y = Alg^k_\phi(Q_\theta(x), b)`, k steps from the starting
    point (Eq. 2, 3). Networks, start and step size are trained end to end.

    Parameters
    ----------
    algo : str or Algorithm, default="nag"
        The algorithm: "gd", "nag", "heavy_ball", "chebyshev", "cg", "rnn", "opt", "fista",
        "admm", or an instance of :class:`~sklearn_reasoning.algorithms.Algorithm`.
    k : int, default=10
        Number of steps, at least 0.
    q_hidden : sequence of int, int or None, default=(16,)
        Hidden sizes of the network that predicts Q. 0 or () is a linear map, None a constant
        Q that x does not move.
    step_size : float or None, default=None
        Initial step size, in 1/curvature; None is 1/L, for admm 1/sqrt(mu L). Ignored by cg,
        chebyshev, opt and rnn.
    step_size_range : "stable" or (float, float), default="stable"
        The step size is kept in this range, in 1/curvature, after every update; "stable" is
        ``stable_region(algo, mu, L)``.
    learn_step_size : bool, default=True
        Whether the step size is trained.
    step_size_per_iteration : bool, default=False
        Whether each of the k iterations has a step size of its own. Learned ones
        begin evenly spread over the tenth below ``step_size``: equal ones could stay equal.
    mu, L : float, default=0.1 and 1.0
        Bounds of the spectrum of Q.
    spectrum : {"auto", "anchored", "free"}, default="auto"
        "anchored": eigenvalues [L, softmax..., mu] (the paper's; at least 3 outputs); "free":
        each in [mu, L]; "auto": anchored where the rotation is given and y has at least 3
        columns.
    rotation : {"shared", "identity", "predicted", "given"} or list, default="shared"
        The eigenvectors R of Q: one learned R, begun at the principal axes of y; the identity;
        predicted from x; or read from the last d * d columns of X, row by row. A list holds
        the names or indices of those columns. Learned and predicted axes turn into each other by
        the less, the less one of them varies beside the other.
    linear_term : {"learned", "given", "corrected"} or list, default="learned"
        "learned": b is a ridge regression, by a penalty that generalised cross-validation
        chooses, and what a network of x adds to it. "given": b is read from the d columns of X
        after x; a list holds their names or indices. "corrected": it is read from there, and a
        network adds to it what it is wrong by. Both networks begin at 0.
    b_hidden : sequence of int or int, default=(64,)
        Hidden sizes of the network of b, and of the one that predicts the start. Unused where b
        is given and the start is not predicted.
    loss : {"l2", "squared"}, default="l2"
        Training loss: mean over samples of the norm of the error (Eq. 10), or of its square. Of a
        fitted model, ``model.loss(X, y)`` is the mean norm on other rows, in the units of y,
        whichever of the two it was trained with.
    optimizer : {"adam", "sgd"}, default="adam"
        The optimiser; "sgd" is the plain one, without momentum.
    lr : float, default=1e-2
        Learning rate.
    weight_decay : float or "auto", default="auto"
        L2 penalty on the matrices of the networks; biases, rotation, start, cell and step sizes
        do not decay. "auto" is 1/n where b is given or corrected, and where it is
        learned 10 v/(1 - v)/n, at most 200/n: n counts the rows that differ, v is the share of
        noise in what the ridge regression of b leaves, by kernel ridge regression and
        generalised cross-validation, or 1/2 with given rotations; with
        ``optimizer="sgd"`` at most 1/lr. ``net_.models[0].weight_decay`` has it.
    max_epochs : int, default=200
        Number of passes over the rows.
    batch_size : int or "auto", default="auto"
        Largest number of rows in a step; rows are cut into batches of even length. "auto" is
        50 rows, or a 20th of the rows where that is more, and all rows up to 64.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        Whether the rate falls to 0 over ``max_epochs``.
    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the rows and stop once their loss has
        not fallen by ``tol``, relatively, for ``n_iter_no_change`` epochs. The parameters with
        the best held-out loss are then those that ``keep="best"`` keeps.
    validation_fraction : float, default=0.1
        Share of the rows to hold out, in (0, 1); only with ``early_stopping``.
    tol : float, default=1e-4
        Smallest fall of the held-out loss that counts, in units of the best one so far; only
        with ``early_stopping``.
    n_iter_no_change : int, default=10
        Epochs without such a fall after which to stop; only with ``early_stopping``.
    keep : {"best", "last"}, default="best"
        Which epoch's parameters to keep: the one with the best training loss, or the last.
    warm_start : bool, default=False
        Whether ``fit`` begins from the weights of the last one.
    device : str, default="cpu"
        A torch device.
    callbacks : list of skorch callbacks or None, default=None
        Those that watch the history, parameters or gradients; not those that score data or
        need a torch optimiser. Copies are called; ``net_.callbacks_`` has them.
    verbose : int, default=0
        Whether to print a line an epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, batches and the validation split. None takes fresh entropy; the
        global random states are never touched.
    start : {"auto", "zero", "mean", "learned", "predicted"}, default="auto"
        Where the k steps begin: at 0 (the paper's), at the weighted mean of y, at one learned
        vector, or at what a network predicts from x; the last two begin their training at the
        mean. "auto" is "mean" where b is learned, "zero" where it is given or corrected.
    initial_weights : {"small", "glorot"}, default="small"
        How networks are drawn before training. "small": weights within 1/sqrt(inputs), and a last
        layer of 0, so that Q is at first the same for all rows. "glorot": within the wider bounds
        of Glorot and Bengio (2010), the last layer of Q's network too, as in the paper's study.
    constraint : {"nonnegative", "simplex"}, (float, float), Penalty or None, default=None
        The set that outputs obey, at every k: "simplex" is not negative with the sum 1, a pair the
        bounds (low, high) of all outputs; others are in ``sklearn_reasoning.penalties``, in
        the units of y. Bounds of each row are read from columns of X
        (:class:`~sklearn_reasoning.penalties.Columns`), which are then no part of x.
    penalty : Penalty or None, default=None
        A term that is added to the energy, such as ``L1(0.1)``. Beside a constraint only where
        the proximal step of both is known.
    project : {"each_step", "last_step"}, default="each_step"
        Whether every step is proximal, for algorithms that take a penalty, such as "gd" and
        "nag"; or k free steps are taken from the projected start, by any algorithm, and
        the last iterate is projected, once. Trained through either way. "last_step" is for sets
        alone; without a constraint it says nothing.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        Its module, a stack of one model.
    algorithm_ : Algorithm
        The instance that ``algo`` stands for.
    step_size_ : float, ndarray of shape (k,) or None
        The trained step size(s), in 1/curvature.
    start_ : ndarray of shape (d,) or None
        Where the steps begin, in the units of y and inside the constraint; None where rows differ:
        where it is predicted, or bounds are read from X.
    history_ : skorch.history.History
        A row an epoch: ``epoch``, ``train_loss``, ``valid_loss`` (with early stopping), ``lr``,
        ``step_size`` (where there is one) and ``dur``, in seconds.
    n_iter_ : int
        Number of epochs trained.
    empirical_loss_ : float
        Mean norm of the error on the training rows (Eq. 13), in the units of y, weighted as they
        were.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X; only where it has them.
    n_outputs_ : int
        Number of columns of y, d; 1 for a y of one dimension.

    Raises
    ------
    ValueError, TypeError
        From ``fit``, before any training: a parameter out of its domain, or data that do not
        fit it.
    DivergenceError
        From ``fit``, if the training loss becomes infinite or NaN.

    Warns
    -----
    UserWarning
        From ``fit``, if a given or corrected b has a scale or a sign that cannot fit y within
        [mu, L]; :func:`~sklearn_reasoning.energies.suggest_spectrum` proposes the two.
        From ``fit``, once, if rows of y are outside the constraint, with their number and the
        largest distance.

    Notes
    -----
    The energy in use is returned by :meth:`predict_energy`, in y: :meth:`predict` is what k steps
    make of :meth:`predict_start`. With a constraint Y or a penalty g a step is

    .. math:: y_{j+1} = prox_{\phi g}(y_j - \phi (Q y_j + b)),

    the projection onto Y where there is no g, and with ``project="last_step"`` the prediction is
    the projection of the last free iterate. A learned b is :math:`b_\theta(x) - Q(x) \bar y` with
    :math:`\bar y` the mean of y, whatever the start: b_theta is learned around the mean, and a
    large mean costs nothing. It is such a linear map of x plus a network that the untrained
    model predicts the ridge regression (but for ``algo="rnn"``, and for an anchored spectrum with
    given rotations); training keeps the linear map. Rows of weight zero are left out before
    anything else.

    Examples
    --------
    >>> from sklearn.datasets import load_linnerud
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_linnerud(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), HybridReasoningRegressor(random_state=0))
    >>> model.fit(X, y).predict(X).shape
    (20, 3)
    >>> fitted = model[-1]
    >>> bool(abs(fitted.loss(model[:-1].transform(X), y) - fitted.empirical_loss_) < 1e-9)
    True

    Shares of a total:

    >>> shares = y / y.sum(axis=1, keepdims=True)
    >>> model[-1].set_params(constraint="simplex")
    HybridReasoningRegressor(constraint='simplex', random_state=0)
    >>> predicted = model.fit(X, shares).predict(X)
    >>> bool((predicted >= 0.0).all()), bool(abs(predicted.sum(axis=1) - 1.0).max() < 1e-12)
    (True, True)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    # The parameter, and loss(X, y): the mean norm of the error on X and y (Eq. 13).
    loss = LossParameter()

    def __init__(
        self,
        algo: str | Algorithm = "nag",
        k: int = 10,
        q_hidden: Sequence[int] | int | None = (16,),
        step_size: float | None = None,
        step_size_range: str | tuple[float, float] = "stable",
        learn_step_size: bool = True,
        step_size_per_iteration: bool = False,
        mu: float = 0.1,
        L: float = 1.0,
        spectrum: str = "auto",
        rotation: str | Sequence[Any] = "shared",
        linear_term: str | Sequence[Any] = "learned",
        b_hidden: Sequence[int] | int = (64,),
        loss: str = "l2",
        optimizer: str = "adam",
        lr: float = 1e-2,
        weight_decay: float | str = "auto",
        max_epochs: int = 200,
        batch_size: int | str = "auto",
        lr_schedule: str = "cosine",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        keep: str = "best",
        warm_start: bool = False,
        device: str = "cpu",
        callbacks: list[Any] | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
        start: str = "auto",
        initial_weights: str = "small",
        constraint: str | tuple[float, float] | Penalty | None = None,
        penalty: Penalty | None = None,
        project: str = "each_step",
    ) -> None:
        self.algo = algo
        self.k = k
        self.q_hidden = q_hidden
        self.step_size = step_size
        self.step_size_range = step_size_range
        self.learn_step_size = learn_step_size
        self.step_size_per_iteration = step_size_per_iteration
        self.mu = mu
        self.L = L
        self.spectrum = spectrum
        self.rotation = rotation
        self.linear_term = linear_term
        self.b_hidden = b_hidden
        self.loss = loss
        self.optimizer = optimizer
        self.lr = lr
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr_schedule = lr_schedule
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.keep = keep
        self.warm_start = warm_start
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state
        self.start = start
        self.initial_weights = initial_weights
        self.constraint = constraint
        self.penalty = penalty
        self.project = project

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's parameters.

        Parameters
        ----------
        deep : bool, default=True
            As for every scikit-learn estimator; nothing here is nested.

        Returns
        -------
        dict
            Names and values, as they were set.

        Examples
        --------
        >>> HybridReasoningRegressor(k=3).get_params()["k"]
        3
        """
        # The loss as it was set: clone() compares identities.
        return {**super().get_params(deep), "loss": vars(self)["loss"]}

    @classmethod
    def _get_param_names(cls) -> list[str]:
        # clone asks for them several times, and reading a signature this long takes a third of it.
        names = _PARAMETERS.get(cls)
        if names is None:
            names = _PARAMETERS[cls] = super()._get_param_names()
        return list(names)

    # ------------------------------------------------------------------ fitting

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HybridReasoningRegressor:
        """Train on X and y.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns [x | b | R row by row], of which b and R are there only where given.
            Training runs in its dtype, float32 or float64.
        y : array-like of shape (n,) or (n, d)
            Targets.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights of the samples in the loss; only their ratios count.

        Returns
        -------
        HybridReasoningRegressor
            This estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its domain, or X, y and the weights do not fit one another or
            the parameters; before any training.
        DivergenceError
            If the training loss or the trained parameters leave the finite numbers. The estimator
            is then as it was before, as after every error.
        """
        watch = watch_of(self, self.max_epochs, X, y, attributes_if_stopped, sample_weight)
        with self._unchanged_on_failure():
            task = task_of(self, *self._validated_rows(X, y, sample_weight, reset=True))
            if defer(self, task):
                return self
            warn_of_misfit(task.architecture, task.rows, stacklevel=2 + IS_WRAPPED)
            initial = None
            if self.warm_start and hasattr(self, "net_"):
                initial = net_to_go_on_from(self, task.architecture, "warm_start=True")
            net = task.train_beside(
                [task],
                initial=initial,
                callbacks=self.callbacks,
                verbose=self.verbose,
                watch=watch,
            )
            (trained,) = trained_models(net)
            self._finish_fit(task, trained)
        if watch is not None:
            watch.end()
        return self

    def _finish_fit(self, task: TrainingTask, trained: TrainedModel) -> None:
        """Become fitted, with what was trained for the task."""
        # Moments of the optimiser are two thirds of a saved model, and fit begins anew.
        trained.net.optimizer_.forget()
        self._set_fitted(trained, task.rows)

    @documented_like(fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> HybridReasoningRegressor:
        """Train for one epoch more, at a constant rate.

        Centre, scale and principal axes of the targets, where they are used, are those of the
        first call; of columns that were constant until now, those of the first rows that vary.

        Parameters
        ----------
        X, y, sample_weight

        Returns
        -------
        HybridReasoningRegressor

        Raises
        ------
        ValueError, TypeError
            As from :meth:`fit`, and if a parameter that changes the shapes of the net was set since
            the last call.
        DivergenceError
            If the training loss or the trained parameters leave the finite numbers.

        Examples
        --------
        >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]
        >>> model = HybridReasoningRegressor(random_state=0)
        >>> for _ in range(3):
        ...     _ = model.partial_fit(X, y)
        >>> model.n_iter_
        3
        """
        first = not hasattr(self, "net_")
        with self._unchanged_on_failure():
            rows, dtype = self._validated_rows(X, y, sample_weight, reset=first)
            architecture = architecture_of(self)
            net = None if first else net_to_go_on_from(self, architecture, "partial_fit")
            seed = seed_of(self.random_state) if net is None else net.models[0].seed
            if first:
                warn_of_misfit(architecture, rows, stacklevel=2)
            settings = replace(
                settings_of(self, len(rows.y), seed),
                lr_schedule="constant",
                keep="last",
                patience=None,
            )
            net = fit_stack(
                architecture,
                [settings],
                [rows],
                initial=net,
                goes_on=True,
                epochs=1,
                dtype=dtype,
                device=self.device,
                callbacks=self.callbacks,
                verbose=self.verbose,
            )
            (trained,) = trained_models(net)
            self._set_fitted(trained, rows)
            self.n_iter_ = len(net.history)
        return self

    def _validated_rows(
        self, X: Any, y: Any, sample_weight: Any, reset: bool
    ) -> tuple[Rows, torch.dtype]:
        self._check_parameters()
        return read_rows(self, X, y, sample_weight, reset=reset)

    def _check_parameters(self) -> None:
        self._validate_params()
        self.algorithm_ = check_relations(self)
        self._penalty = resolve_penalty(self, self.algorithm_)

    def _set_fitted(self, trained: TrainedModel, rows: Rows) -> None:
        self.net_ = trained.net
        self.n_iter_ = trained.n_iter
        if trained.diverged:
            n_epochs = len(trained.net.history)
            raise DivergenceError(
                f"The training loss is not finite after epoch {n_epochs}. Lower lr or step_size, "
                "or scale the features of X."
            )
        predicted = predict(trained.net.module_, *rows.given)
        self.empirical_loss_ = mean_norm(predicted, rows)
        if not np.isfinite(self.empirical_loss_):
            # The very last step may be the one that diverges; no epoch's loss shows it.
            raise DivergenceError("The trained parameters are not finite. Lower lr or step_size.")

    # ------------------------------------------------------------------ using

    def predict(self, X: Any, k: int | None = None) -> _Array:
        """Return the outputs of k steps on the predicted energies, from the starting points.

        Computes in float64 whatever the training dtype: a row's prediction then depends on the
        rows around it in the last digits of float64 only.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        k : int or None, default=None
            Another number of steps than the one trained with. 0 gives the starting points.

        Returns
        -------
        ndarray of shape (n,) or (n, d)
            As y was in ``fit``, in the training dtype; in float64 where float32 could not tell the
            values of an output apart, their mean being 10,000 times their spread or more.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``k`` is no whole number.
        ValueError
            If ``k`` is negative, or above the trained k where each iteration has a step size; if X
            does not have the columns of ``fit``, or leaves a row no output that obeys.
        """
        check_is_fitted(self)
        if k is not None:
            self._check_k(k)
        return self._as_trained(
            predict(self.module_, *self._split(X), k=None if k is None else int(k))
        )

    def predict_start(self, X: Any) -> _Array:
        """Return the points at which the k steps begin.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.

        Returns
        -------
        ndarray of shape (n, d)
            In the units of y, float64, inside the constraint; equal rows unless the start is
            predicted or bounds are read from X.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X does not have the columns of ``fit``.

        Examples
        --------
        >>> model = HybridReasoningRegressor(max_epochs=1, random_state=0)
        >>> model.fit([[0.0], [1.0]], [2.0, 4.0]).predict_start([[0.5]])
        array([[3.]])
        """
        check_is_fitted(self)
        return predict(self.module_, *self._split(X), k=0)

    @documented_like(predict_start)
    def predict_energy(self, X: Any) -> tuple[_Array, _Array]:
        r"""Return the energies :math:`\tfrac12 y'Qy + b'y` that the layer minimises.

        They are the smooth part alone, whatever the constraint and the penalty.

        Parameters
        ----------
        X

        Returns
        -------
        Q : ndarray of shape (n, d, d)
            Symmetric, with its spectrum in [mu, L].
        b : ndarray of shape (n, d)
            In the scale of y: the exact minimiser is ``-solve(Q, b)``. A learned b holds the mean
            of y, as ``b_theta(x) - Q mean``.

        Raises
        ------
        NotFittedError, ValueError

        Examples
        --------
        >>> X, y = [[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]]
        >>> model = HybridReasoningRegressor(max_epochs=1, random_state=0).fit(X, y)
        >>> Q, b = model.predict_energy(X)
        >>> Q.shape, b.shape
        ((2, 2, 2), (2, 2))
        """
        check_is_fitted(self)
        return predict_energy(self.module_, *self._split(X))

    def certify(self, X: Any = None, *, accuracy: float = 0.01) -> ModelCertificate:
        """Certify how converged, stable and sensitive the layer of this fitted model is.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or None, default=None
            Rows on which to measure the spectrum of Q and the distance to the minimisers.
        accuracy : float, default=0.01
            The fraction of the distance to the minimiser to which ``steps_needed`` refers.

        Returns
        -------
        ModelCertificate
            As from :func:`~sklearn_reasoning.properties.certify`. With a constraint or a penalty
            distances are to the minimiser of energy and penalty together. With
            ``project="last_step"`` they are to the projected free one, and at most Cvg times that
            from the start to the free one: bounds are those of the free steps, since a projection
            moves no two points apart.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``accuracy`` is not positive, or X does not have the columns of ``fit``.

        Examples
        --------
        >>> model = HybridReasoningRegressor("gd", k=30, max_epochs=1, learn_step_size=False)
        >>> certificate = model.fit([[0.0], [1.0]], [0.0, 1.0]).certify()
        >>> round(float(certificate.convergence.certified), 4)  # 0.9^30
        0.0424
        """
        return certify(self, X, accuracy=accuracy)

    # ------------------------------------------------------------------ attributes

    @property
    def module_(self) -> RegressionModel:
        """The module of the net."""
        module: RegressionModel = self._net().module_
        return module

    @property
    def start_(self) -> _Array | None:
        """Where the steps begin, of shape (d,); None where it is predicted."""
        return single_start(self.module_)

    @property
    def step_size_(self) -> float | _Array | None:
        """The trained step size(s), in 1/curvature."""
        step_size = self.module_.step_size
        if step_size is None:
            return None
        values: _Array = step_size.detach()[0].cpu().numpy().copy()
        return values if values.ndim else float(values)

    # ------------------------------------------------------------------ behind them

    def _check_k(self, k: int) -> None:
        check_k(k)
        trained, step_size = self.module_.k[0], self.step_size_
        if np.ndim(step_size) and k > trained:  # type: ignore[arg-type]  # None has no axes
            raise ValueError(
                f"k={k!r} is above the {trained} iterations that have a trained step size "
                "(step_size_per_iteration=True)."
            )

    def _split(self, X: Any) -> Given:
        return read_given(self, X, self.module_.weights.dtype)

    def _as_trained(self, y: _Array) -> _Array:
        """Return outputs in the shape of y in ``fit``, and in the dtype."""
        (dtype,) = output_dtypes(self.module_)
        y = y.astype(dtype, copy=False)
        return y[:, 0] if self._is_1d else y

    def _start_of_layer(self) -> dict[str, Any]:
        return start_of_layer(self.module_)

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return spectra and distances on X, for ``certify``; after another k steps if given."""
        return measure_rows(self.module_, self._split(X), k)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        # Arbitrary columns taken for b or R cannot fit arbitrary targets.
        given = (
            not (isinstance(self.linear_term, str) and self.linear_term == "learned")
            or not isinstance(self.rotation, str)
            or self.rotation == "given"
        )
        # Nor can outputs that are to obey something.
        tags.regressor_tags.poor_score = (
            given or self.constraint is not None or self.penalty is not None
        )
        return tags


_PARAMETERS: dict[type, list[str]] = {}
