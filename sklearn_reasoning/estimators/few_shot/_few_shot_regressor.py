"""The few-shot regressor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.numbers import readable_numbers
from sklearn_reasoning._support.random_state import seed_of
from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._deferred_fit import defer
from sklearn_reasoning.estimators._fitted_net import FittedNet
from sklearn_reasoning.estimators._parameters import check_k
from sklearn_reasoning.estimators._versioned import VersionStamped
from sklearn_reasoning.estimators._watch import (
    attributes_if_stopped,
    watch_of,
    with_callbacks,
)
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.properties import FittedLayer, MeasuredRows
from sklearn_reasoning.training import ModelNet, TrainedModel, trained_models

from ._adapt_name import ParameterAndMethod
from ._certificate import FewShotCertificate, certify_groups
from ._groups import GroupedRows, are_first, as_names, read_groups, read_names
from ._head_model import HeadModel
from ._known_groups import KnownGroups, Use, use_of
from ._parameters import CONSTRAINTS, check_relations, check_shots
from ._plan import task_of, warn_of_single_rows
from ._task import FewShotTask
from ._use_of_heads import UseOfHeads
from ._weights_model import WeightsModel

_Array = np.ndarray[Any, Any]


class FewShotReasoningRegressor(
    VersionStamped, FittedNet, MultiOutputMixin, RegressorMixin, BaseEstimator
):
    r"""Regression over groups of few rows, each with a head that k steps adapt.

    A network of features :math:`\Psi` and a start w_0 are shared by all groups. A group that has
    n rows gets a head of its own: k steps of an algorithm, from w_0, on

    .. math:: E(w) = \tfrac12 w'Qw + b'w, \quad Q = \Psi'\Psi / n + \lambda I, \quad
        b = -\Psi'y / n - \lambda w_0,

    and its predictions are :math:`\Psi(x) w_k`. Features, start, ridge :math:`\lambda` and step
    size are trained end to end, on groups that are cut into rows to adapt to and rows to predict,
    anew in every epoch. New groups are then learned from their few rows, without any training.

    Parameters
    ----------
    algo : str or Algorithm, default="nag"
        The algorithm: all but "rnn". "opt" solves for the minimiser. Training takes the same memory
        for every k with "gd", "nag", "heavy_ball", "admm" and "opt". Not used with ``adapt="all"``,
        whose steps are those of gradient descent.
    k : int, default=10
        Number of steps.
    basis_hidden : sequence of int or int, default=(64, 64)
        Hidden sizes of the network, which has rectifiers. 0 or () makes features that are linear in
        X.
    n_basis : int, default=32
        Number of basis functions, the outputs of the network; a constant comes on top, for the
        intercept. Not used with ``adapt="all"``.
    shots : int or "auto", default="auto"
        How many rows of a group are adapted to in training; the others are predicted. "auto" is
        half of the rows of each group. Groups of no more than ``shots`` rows are adapted to all but
        one of them.
    cut : {"random", "first", "mixed"}, default="mixed"
        Which rows of a group are adapted to in training: any, drawn anew in every epoch; the first,
        in the order of X; or in every epoch the first of half of the groups and any of the others.
        Where the order is time and new groups are known by their first rows, as ``score`` with
        ``shots`` takes them, "random" trains for another question, to fill gaps.
    adapt : {"head", "all"}, default="head"
        What the steps change. "head": the weights of the basis functions, an energy that is
        quadratic. "all": every weight of the network, by k plain gradient steps of learned sizes
        (MAML); nothing is then certified.
    optimizer : {"adam", "sgd"}, default="adam"
        The optimiser.
    lr : float, default=1e-2
        Learning rate.
    weight_decay : float or "auto", default="auto"
        L2 penalty on the matrices of the network. "auto" is (20/n)^2 for n groups to train on, at
        most 0.06: groups are what the network could learn by heart.
    max_epochs : int or "auto", default="auto"
        Number of passes over the groups. "auto" makes about 3,000 steps of the optimiser, in 4
        to 300 passes.
    batch_size : int or "auto", default="auto"
        Largest number of groups in a step; "auto" is 50.
    lr_schedule : {"one_cycle", "cosine", "constant"}, default="one_cycle"
        How the rate changes, step by step: it rises from 0 in the first three tenths of the
        training and falls to 0 in the rest; it falls from the start; or it stays.
    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the groups and stop once their loss has not
        fallen by ``tol``, relatively, for ``n_iter_no_change`` epochs.
    validation_fraction : float, default=0.1
        Share of the groups to hold out, in (0, 1); only with ``early_stopping``.
    tol : float, default=1e-4
        Smallest fall of the held-out loss that counts, in units of that loss; only with
        ``early_stopping``.
    n_iter_no_change : int, default=10
        Epochs without such a fall after which to stop; only with ``early_stopping``.
    keep : {"best", "last"}, default="last"
        Which epoch's parameters to keep: the one with the best loss, or the last. The training loss
        depends on how groups were cut.
    warm_start : bool, default=False
        Whether ``fit`` begins from the weights of the last one.
    device : str, default="cpu"
        A torch device.
    callbacks : list of skorch callbacks or None, default=None
        Those that watch the history, parameters or gradients. Copies are called.
    verbose : int, default=0
        Whether to print a line an epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, batches, how groups are cut, and which are held out. None takes
        fresh entropy; the global random states are never touched.

    Attributes
    ----------
    groups_ : ndarray of shape (n_groups,)
        Names of the groups that are known, from ``fit`` and ``adapt``; None stands for the group of
        all rows, where no groups were given.
    start_ : ndarray of shape (n_basis + 1, n_outputs)
        The learned start w_0, in units of the spread of y; the last row is the intercept, counted
        from the mean of y. None with ``adapt="all"``.
    ridge_ : float
        The learned :math:`\lambda`; None with ``adapt="all"``.
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        Its module.
    algorithm_ : Algorithm
        The instance that ``algo`` stands for.
    history_ : skorch.history.History
        A row an epoch: ``epoch``, ``steps``, ``train_loss``, ``valid_loss`` (with early stopping),
        ``lr``, ``step_size`` (the share of the stable region) and ``dur``, in seconds. Losses are
        mean squared errors over the variance of y.
    n_iter_ : int
        Number of epochs trained.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X; only where it has them.
    n_outputs_ : int
        Number of columns of y.

    Raises
    ------
    ValueError, TypeError
        From ``fit``, before any training: a parameter out of its domain, or data that do not fit
        it.
    DivergenceError
        From ``fit``, if the training loss becomes infinite or NaN.

    Warns
    -----
    UserWarning
        From ``fit``, where groups have a single row: it cannot be cut, and trains the start.

    Notes
    -----
    X and y are standardised inside. The rows of known groups are kept with the estimator, for
    other numbers of steps and for certificates. Training is in the dtype of X, float32 or float64,
    predictions in float64.

    The step size of a group lies at a learned share of the stable region of its own spectrum.

    References
    ----------
    Finn, Abbeel and Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
    ICML 2017. Bertinetto, Henriques, Torr and Vedaldi, "Meta-learning with differentiable
    closed-form solvers", ICLR 2019, adapt a head by ridge regression: ``algo="opt"``. Chen, Zhang,
    Reisinger and Song, "Understanding Deep Architectures with Reasoning Layer", NeurIPS 2020, the
    third example of its introduction.

    Examples
    --------
    Lines, of which each group has its own slope:

    >>> rng = np.random.default_rng(0)
    >>> slopes, x = rng.normal(size=(40, 1)), rng.normal(size=(40, 6))
    >>> X, y = x.reshape(-1, 1), (slopes * x).ravel()
    >>> groups = np.repeat(np.arange(40), 6)
    >>> model = FewShotReasoningRegressor(
    ...     basis_hidden=(), n_basis=4, max_epochs=100, random_state=0
    ... )
    >>> model = model.fit(X, y, groups)

    A group that it has never seen, from three rows:

    >>> new = model.adapt([[0.5], [1.0], [2.0]], [1.0, 2.0, 4.0], ["new"] * 3)
    >>> new.predict([[3.0]], ["new"]).round(1)
    array([6.])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        algo: str | Algorithm = "nag",
        k: int = 10,
        basis_hidden: Sequence[int] | int = (64, 64),
        n_basis: int = 32,
        shots: int | str = "auto",
        cut: str = "mixed",
        adapt: str = "head",
        optimizer: str = "adam",
        lr: float = 1e-2,
        weight_decay: float | str = "auto",
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        lr_schedule: str = "one_cycle",
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        keep: str = "last",
        warm_start: bool = False,
        device: str = "cpu",
        callbacks: list[Any] | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.algo = algo
        self.k = k
        self.basis_hidden = basis_hidden
        self.n_basis = n_basis
        self.shots = shots
        self.cut = cut
        self.adapt = adapt
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the constructor.

        Parameters
        ----------
        deep : bool, default=True
            Whether to return, too, the parameters of parameters that are estimators.

        Returns
        -------
        dict
            By name; ``adapt`` is the parameter, not the method.

        Examples
        --------
        >>> FewShotReasoningRegressor(adapt="all").get_params()["adapt"]
        'all'
        """
        parent: Any = super()
        params: dict[str, Any] = parent.get_params(deep)
        return {**params, "adapt": vars(self)["adapt"]}

    # ------------------------------------------------------------------ fitting

    @with_callbacks
    def fit(self, X: Any, y: Any, groups: Any = None) -> FewShotReasoningRegressor:
        """Train on groups of rows, which are known from then on.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Features. Training runs in its dtype, float32 or float64.
        y : array-like of shape (n,) or (n, d)
            Targets.
        groups : array-like of shape (n,) or None, default=None
            The group of each row: numbers, strings, or other objects with a hash. None: all rows
            are one group.

        Returns
        -------
        FewShotReasoningRegressor
            This estimator. It is as it was before if anything goes wrong.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its domain, X, y and the groups do not fit one another, no
            group has more rows than ``shots``, or a group is missing (NaN); before any training.
        DivergenceError
            If the training loss or the trained parameters leave the finite numbers.

        Warns
        -----
        UserWarning
            Where groups have a single row: it cannot be cut, and trains the start.
        """
        n_epochs = self.max_epochs if isinstance(self.max_epochs, Integral) else None
        watch = watch_of(self, n_epochs, X, y, self._as_if_stopped)
        before = dict(self.__dict__)
        with self._unchanged_on_failure(), training_context():
            self._validate_params()
            self.algorithm_ = check_relations(self)
            rows, dtype = self._read(X, y, groups, reset=True)
            check_shots(self.shots, rows)
            self._known = KnownGroups(rows, None)
            warn_of_single_rows(rows, stacklevel=3)
            last = before.get("net_") if self.warm_start else None
            task = task_of(self, rows, seed_of(self.random_state), dtype, last)
            if watch is None and defer(self, task):
                return self
            net = task.train_beside(
                [task],
                initial=last,
                callbacks=self.callbacks,
                verbose=self.verbose,
                watch=watch,
            )
            (trained,) = trained_models(net)
            self._finish_fit(task, trained)
        if watch is not None:
            watch.end()
        return self

    def _read(self, X: Any, y: Any, groups: Any, *, reset: bool) -> tuple[GroupedRows, torch.dtype]:
        """Return what is learned from, group by group."""
        X, y = validate_data(
            self,
            readable_numbers("X", X),
            readable_numbers("y", y),
            reset=reset,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
        )
        if reset:
            self.n_outputs_, self._is_1d = 1 if y.ndim == 1 else y.shape[1], y.ndim == 1
        y = self._as_columns(y)
        dtype = torch.float32 if X.dtype == np.float32 else torch.float64
        names = read_groups(groups, len(X))
        return GroupedRows.of(X.astype(np.float64, order="C"), y, names), dtype

    def _finish_fit(self, task: FewShotTask, trained: TrainedModel) -> None:
        """Become fitted, with what was trained for the task."""
        net = trained.net
        finite = all(bool(torch.isfinite(p).all()) for p in net.module_.parameters())
        if trained.diverged or not finite:
            raise DivergenceError("Training left the finite numbers. Lower lr.")
        self.n_iter_ = trained.n_iter
        # Moments of the optimiser are two thirds of a saved model, and fit begins anew.
        net.optimizer_.forget()
        self.net_ = net
        self._known = KnownGroups.of(self._known.rows, self._use())
        if self._known.heads is not None and not np.isfinite(self._known.heads).all():
            raise DivergenceError("Adaptation left the finite numbers. Lower lr.")

    def _as_if_stopped(self, net: ModelNet) -> dict[str, Any]:
        """Return what ``fit`` would set if it stopped now, beyond what it has set before."""
        found = attributes_if_stopped(net)
        known = KnownGroups.of(self._known.rows, use_of(found["net_"].module_))
        return {**found, "_known": known}

    # ------------------------------------------------------------------ using

    @ParameterAndMethod
    def adapt(self, X: Any, y: Any, groups: Any = None) -> FewShotReasoningRegressor:
        """Return an estimator that knows these groups, too, from all of their rows here.

        Nothing is trained, and this estimator stays as it is.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        y : array-like of shape (n,) or (n, d)
            Targets, with as many columns as in ``fit``.
        groups : array-like of shape (n,) or None, default=None
            The group of each row. A group that is known already is replaced. None: all rows are one
            group, the one that ``predict`` then uses where it is given no groups.

        Returns
        -------
        FewShotReasoningRegressor
            Another estimator, with the same net.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError, TypeError
            If X or y does not have the columns of ``fit``, or the groups do not fit them.

        Examples
        --------
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
        >>> model = FewShotReasoningRegressor(max_epochs=1, random_state=0).fit(X, y, list("aabb"))
        >>> model.adapt([[1.0]], [2.0], ["c"]).groups_, model.groups_
        (array(['a', 'b', 'c'], dtype='<U1'), array(['a', 'b'], dtype='<U1'))
        """
        check_is_fitted(self)
        rows, _ = self._read(X, y, groups, reset=False)
        other: FewShotReasoningRegressor = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._known = self._known.with_others(rows, self._use())
        return other

    def predict(self, X: Any, groups: Any = None, k: int | None = None) -> _Array:
        """Return the predictions of rows, each by the head of its group.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        groups : array-like of shape (n,) or None, default=None
            The group of each row; the learned start predicts for those that are not known. None:
            the group of all rows that ``fit`` or ``adapt`` was last given without groups, or else
            the start.
        k : int or None, default=None
            Number of steps; None is that of the training, 0 the start for every group.

        Returns
        -------
        ndarray of shape (n,) or (n, d)
            As y was in ``fit``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``k`` is no whole number.
        ValueError
            If it is negative, X does not have the columns of ``fit``, the groups do not fit X, or
            the steps of a group leave the finite numbers, as those on all weights can where its
            rows are much larger than those of ``fit``.
        """
        check_is_fitted(self)
        steps = None if k is None else check_k(k)
        x = validate_data(self, readable_numbers("X", X), reset=False, dtype=np.float64)
        codes = self._known.codes(read_groups(groups, len(x)))
        outputs = self._known.predict(self._use(), x, codes, steps)
        return outputs[:, 0] if self._is_1d else outputs

    @documented_like(predict)
    def score(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        shots: int | None = None,
        sample_weight: Any = None,
    ) -> float:
        """Return R^2 of the predictions.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        y : array-like of shape (n,) or (n, d)
            The right targets.
        groups : array-like of shape (n,) or None, default=None
            The group of each row.
        shots : int or None, default=None
            None: each group is predicted by what is known of it. A number: each group is adapted to
            its first so many rows here, whatever is known of it, and its other rows are scored;
            groups without other rows are left out. 0 scores the start.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights of the rows.

        Returns
        -------
        float
            At most 1; the mean over columns of y.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``shots`` is no whole number.
        ValueError
            If it is negative or leaves no row to score, or the arguments do not fit one another.

        Examples
        --------
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]] * 2, [0.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 4.0]
        >>> model = FewShotReasoningRegressor(max_epochs=50, random_state=0)
        >>> model = model.fit(X, y, list("aaaabbbb"))
        >>> model.score(X, y, list("ccccdddd"), shots=2) > model.score(X, y, list("ccccdddd"))
        True
        """
        if shots is None:
            outputs = self.predict(X, groups)
            targets = readable_numbers("y", y)
            return float(r2_score(targets, outputs, sample_weight=sample_weight))
        check_is_fitted(self)
        shots = check_k(shots, "shots")
        X, y = readable_numbers("X", X), readable_numbers("y", y)
        x, targets = validate_data(
            self, X, y, reset=False, dtype=np.float64, multi_output=True, y_numeric=True
        )
        names = read_groups(groups, len(x))
        weight = (
            None
            if sample_weight is None
            else _check_sample_weight(sample_weight, x, dtype=np.float64, ensure_non_negative=True)
        )
        is_first = are_first(names, shots)
        if is_first.all():
            sizes = {name: names.count(name) for name in set(names)}
            largest = max(sizes, key=lambda name: sizes[name])
            raise ValueError(
                f"shots={shots!r} leaves no row to score: the largest group, {largest!r}, has "
                f"{sizes[largest]} rows."
            )
        rest = ~is_first
        targets = self._as_columns(targets)
        use, known = self._use(), self._known.none()
        if shots:
            rows = GroupedRows.of(x[is_first], targets[is_first], list(compress(names, is_first)))
            known = known.with_others(rows, use)
        codes = known.codes(list(compress(names, rest)))
        outputs = known.predict(use, x[rest], codes, None)
        weight = None if weight is None else weight[rest]
        return float(r2_score(targets[rest], outputs, sample_weight=weight))

    def _as_columns(self, y: _Array) -> _Array:
        """Return targets as columns; a ValueError if there are not as many as outputs."""
        y = y.reshape(len(y), -1).astype(np.float64, order="C")
        if y.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {y.shape[1]} columns; the model has {self.n_outputs_} outputs."
            )
        return y

    def certify(self, groups: Any = None, *, accuracy: float = 0.01) -> FewShotCertificate:
        """Certify how converged, stable and sensitive the adaptation of each group is.

        Parameters
        ----------
        groups : array-like of shape (n_groups,) or None, default=None
            Names of known groups; None is all of them.
        accuracy : float, default=0.01
            The fraction of the distance to the minimiser above which a group is far, and to which
            ``steps_needed`` refers.

        Returns
        -------
        FewShotCertificate
            A :class:`~sklearn_reasoning.properties.ModelCertificate` of the group with the largest
            L, whose ``rows`` are the groups; ``table()`` has a row for each, ``far()`` names those
            that are far from their minimisers, and ``of(group)`` certifies one.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``adapt`` is "all": nothing is proven then; or a group is not known, or none is.

        Examples
        --------
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0]
        >>> model = FewShotReasoningRegressor(
        ...     "opt", max_epochs=1, random_state=0
        ... ).fit(X, y, list("aabb"))
        >>> model.certify(["b"]).far()
        array([], dtype='<U1')
        """
        check_is_fitted(self)
        return certify_groups(self._use_to_certify(), self._named(groups), accuracy)

    def _use_to_certify(self) -> UseOfHeads:
        use = self._use()
        if not isinstance(use, UseOfHeads):
            raise ValueError(
                "adapt='all' takes gradient steps on a loss that is not convex: nothing is proven "
                "of them. Fit with adapt='head' for certificates."
            )
        return use

    def _named(self, groups: Any) -> GroupedRows:
        """Return the rows of known groups, by their names."""
        known = self._known
        names = known.rows.names if groups is None else tuple(dict.fromkeys(read_names(groups)))
        return known.named(names)

    def _fitted_layer(self) -> FittedLayer:
        check_is_fitted(self)
        return certify_groups(self._use_to_certify(), self._known.rows, 0.01).layer

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return what the model does on known groups, whose names stand in place of X."""
        rows = certify_groups(self._use_to_certify(), self._named(X), 0.01).rows
        assert rows is not None
        return rows

    # ------------------------------------------------------------------ what it is made of

    @property
    def module_(self) -> HeadModel | WeightsModel:
        """The module of the net."""
        module: HeadModel | WeightsModel = self._net().module_
        return module

    @property
    def groups_(self) -> _Array:
        """The names of the groups that are known."""
        self._net()
        return as_names(self._known.rows.names)

    @property
    def start_(self) -> _Array | None:
        """The learned start, in the weights of the basis functions."""
        start = self._use().start
        return None if start is None else start.cpu().numpy()

    @property
    def ridge_(self) -> float | None:
        """The learned ridge, the mu of every group."""
        ridge = self._use().ridge
        return None if ridge is None else float(ridge)

    def _use(self) -> Use:
        return use_of(self.module_)
