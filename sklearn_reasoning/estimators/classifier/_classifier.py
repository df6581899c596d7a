"""The classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.numbers import readable_numbers
from sklearn_reasoning._support.random_state import independent_random_state, seed_of
from sklearn_reasoning._support.training_context import training_context
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._fitted_net import FittedNet
from sklearn_reasoning.estimators._versioned import VersionStamped
from sklearn_reasoning.estimators._watch import (
    attributes_if_stopped,
    watch_of,
    with_callbacks,
)
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.properties import FittedLayer, MeasuredRows, ModelCertificate, certify
from sklearn_reasoning.training import ModelNet

from ._certificate import check_convex, fitted_layer, measure
from ._coupled_model import CoupledModel, columns_of
from ._labels import Labels
from ._parameters import CONSTRAINTS, check_relations
from ._prediction_options import check_n_restarts, readable_scale, steps_to_take
from ._reading import read_rows
from ._relax import Relaxation, Relaxed
from ._restarts import energies_of, search
from ._scores import RightAnswers, right_answers
from ._task import task_of

_Array = np.ndarray[Any, Any]


class HybridReasoningClassifier(
    VersionStamped, FittedNet, MultiOutputMixin, ClassifierMixin, BaseEstimator
):
    r"""Classification of many coupled cells by an energy that k steps of an algorithm minimise.

    Each of the cells of a row has a distribution over its classes. A perception network gives
    evidence for each class of each cell, a coupling that is learned says which answers go
    together, and the prediction is what k steps of an algorithm from the uniform distributions make
    of

    .. math:: E(y) = \tfrac12 y'Qy - evidence(x)'y, \qquad Q = A'A + e L I,

    over the product of simplices (over [0, 1] for a multilabel indicator). Network, A and e are
    trained end to end. Sudoku is the example: 81 cells of nine classes each.

    Parameters
    ----------
    algo : str or Algorithm, default="fista"
        The algorithm: "fista", "gd", and, with ``concavity=0``, "nag", "heavy_ball", "admm", "opt",
        or an instance. The default needs no strong convexity and is the fastest of those.
    k : int, default=24
        Number of steps in training. Few are enough to learn from; predictions may take more
        (``predict_k``).
    perception : {"joint", "per_cell", "per_cell_image"} or callable, default="joint"
        What reads x. "joint": one network for all cells, which knows of no structure in X.
        "per_cell": X is cut into equal blocks of columns, one for each cell, and one shared network
        reads each. "per_cell_image": the blocks are square images, and the network is
        convolutional. A callable makes a torch module, from ``(n_features, n_cells, n_classes)`` or
        as many of them as it takes; the module maps (n, n_features) to (n, n_cells, n_classes), or
        the same flattened. What it draws, as dropout does, follows from ``random_state``, and it
        is in evaluation mode where it predicts.
    perception_hidden : sequence of int or int, default=(100,)
        Hidden sizes of that network; of "per_cell_image" after its convolutions. 0 or () is a
        linear map.
    coupling : {"classwise", "full"} or None, default="classwise"
        "classwise": A has a column for each cell, and couples cells in the same way for every
        class. "full": it has one for each class of each cell; it can learn all rules, and needs
        more rows. None: cells are independent.
    rank : int or "auto", default="auto"
        Rows of A. "auto" is two fifths of its columns, at least 27 where there are as many: ranks
        from 27 to 60 do equally well on the 81 cells of Sudoku.
    concavity : float, default=0.01
        The share of L by which the energy may be concave, e >= -concavity, in [0, 1). A little
        makes whole answers attractive; much ends in wrong ones. 0 keeps the energy convex, and
        certificates apply.
    predict_k : int, "converged" or None, default=None
        The steps that ``predict``, ``predict_proba`` and ``score`` take, and with them searches and
        calibration, which cannot pass ``k``. None is k; "converged" goes on until no row moves by
        more than 1e-6, for at most 5,000 steps. It is read at prediction, as ``n_restarts`` is;
        other parameters that are set after ``fit`` wait for the next one.
    missing_label : object, default=None
        Entries of y that are equal to it are left out of the loss, cell by cell; ``np.nan`` is
        allowed, and stands for None and pandas' NA, too. None: there are none.
    coupling_start : {"repulsive", "mixed"}, default="repulsive"
        Whether the entries of A begin as absolute values of normal numbers, so that equal classes
        repel each other, or as the numbers themselves. The rules of Sudoku are of the former kind;
        without labels of the givens they are learned from that start alone. With
        ``coupling="full"`` each row of A begins with entries of one class alone.
    permute_classes : bool, default=False
        Whether the layer is shown the classes of each row in an order of their own, drawn anew in
        every epoch of the training: for classes that are exchangeable, as the digits of Sudoku are.
        It is what keeps ``coupling="full"`` from learning by heart; to the other couplings it makes
        no difference. All cells must have the same classes, each seen in every cell.
    input_noise : float or "auto", default="auto"
        Standard deviation of the normal numbers that are added to X in training, anew in every
        epoch, as a share of the spread of each column; of a perception that reads cells, of the
        spread of all that it reads, and blocks of zeros stay as they are. "auto" is 0.5 where such
        a perception reads the same blocks again and again, as images that are drawn from a few: it
        would learn them by heart. It is 0 for others, and where X has nothing but zeros and ones.
    evidence_scale : float, default=1.0
        What the evidence is multiplied with in predictions, above 0. A network that is too sure of
        what it reads is not corrected by the coupling: try 0.5, 0.25 and 0.1 on rows that were
        held out. It is read at prediction, as ``predict_k`` is.
    n_restarts : int, default=0
        Restarts by guessing of ``predict`` and ``score``, see :meth:`predict`. Probabilities are
        those of no restart.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes in the loss, as elsewhere in scikit-learn; a list has one entry a
        cell.
    loss : {"squared", "l2"}, default="squared"
        Mean over rows of the squared distance to the right answer, the mean over cells (the Brier
        score), or of its root (the norm of the paper's Eq. 10). Cross-entropy did worse.
    optimizer : {"adam", "sgd"}, default="adam"
        The optimiser.
    lr : float, default=1e-2
        Learning rate.
    weight_decay : float, default=0.0
        L2 penalty on the weights of the perception network; the coupling does not decay.
    max_epochs : int or "auto", default="auto"
        Number of passes over the rows. "auto" makes about 1,000 steps of the optimiser, in 12
        to 200 passes.
    batch_size : int or "auto", default="auto"
        Largest number of rows in a step. "auto" is 50, and all rows up to 64.
    lr_schedule : {"one_cycle", "cosine", "constant"}, default="one_cycle"
        How the rate changes, step by step: it rises from 0 in the first three tenths of the
        training and falls to 0 in the rest; it falls from the start; or it stays. A rate that rises
        slowly is what learns from answers without labels of the givens.
    early_stopping : bool, default=False
        Whether to hold out ``validation_fraction`` of the rows and stop once their loss has not
        fallen by ``tol``, relatively, for ``n_iter_no_change`` epochs.
    validation_fraction : float, default=0.1
        Share of the rows to hold out, in (0, 1); only with ``early_stopping``.
    tol : float, default=1e-4
        Smallest fall of the held-out loss that counts, in units of that loss; only with
        ``early_stopping``.
    n_iter_no_change : int, default=10
        Epochs without such a fall after which to stop; only with ``early_stopping``.
    keep : {"best", "last"}, default="best"
        Which epoch's parameters to keep: the one with the best loss, or the last.
    warm_start : bool, default=False
        Whether ``fit`` begins from the weights of the last one. With an int as ``random_state`` its
        epochs are those of the last one again, in their orders, noise and permutations.
    device : str, default="cpu"
        A torch device.
    callbacks : list of skorch callbacks or None, default=None
        Those that watch the history, parameters or gradients. Copies are called.
    verbose : int, default=0
        Whether to print a line an epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, batches and the validation split. None takes fresh entropy; the
        global random states are never touched.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or list of such
        The classes, of a y of one dimension; else a list, of each cell.
    coupling_ : ndarray of shape (m, m) or None
        A'A: m is the number of cells, or for ``coupling="full"`` that of their classes, cell by
        cell, as in :meth:`predict_energy`.
    concavity_ : float or None
        -e, the share of L by which the fitted energy is concave; negative where it is convex.
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        Its module, with the ``perception``.
    algorithm_ : Algorithm
        The instance that ``algo`` stands for.
    history_ : skorch.history.History
        A row an epoch: ``epoch``, ``steps``, ``train_loss``, ``valid_loss`` (with early stopping),
        ``lr`` and ``dur``, in seconds.
    n_iter_ : int
        Number of epochs trained.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of X; only where it has them.
    n_outputs_ : int
        Number of cells or labels.

    Raises
    ------
    ValueError, TypeError
        From ``fit``, before any training: a parameter out of its domain, or data that do not
        fit it.
    DivergenceError
        From ``fit``, if the training loss becomes infinite or NaN.

    Notes
    -----
    Where labels are missing, training may end at what a constant answer has as its loss: the
    network learned before the coupling did. It then begins anew from another seed at three tenths
    of the rate, and once more if need be; not with ``warm_start``, nor watched by scikit-learn's
    callbacks.

    Predictions are distributions at every k, exactly: each step ends with a projection onto the
    simplices. Training is in the dtype of X, float32 or float64, predictions in float64.

    References
    ----------
    Chen, Zhang, Reisinger and Song, "Understanding Deep Architectures with Reasoning Layer",
    NeurIPS 2020, Eq. 1 and the first example of its introduction.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(
    ...     StandardScaler(), HybridReasoningClassifier(max_epochs=30, random_state=0)
    ... )
    >>> bool(model.fit(X, y).score(X, y) > 0.9)
    True

    Three cells that are a permutation of three digits, of which the first two are given:

    >>> import itertools
    >>> y = np.array(list(itertools.permutations([1, 2, 3])) * 10)
    >>> X = np.eye(3)[y - 1]
    >>> X[:, 2] = 0.0
    >>> model = HybridReasoningClassifier(perception="per_cell", max_epochs=50, random_state=0)
    >>> model.fit(X.reshape(60, 9), y).predict(X[:2].reshape(2, 9))
    array([[1, 2, 3],
           [1, 3, 2]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        algo: str | Algorithm = "fista",
        k: int = 24,
        perception: str | Callable[..., Any] = "joint",
        perception_hidden: Sequence[int] | int = (100,),
        coupling: str | None = "classwise",
        rank: int | str = "auto",
        concavity: float = 0.01,
        predict_k: int | str | None = None,
        missing_label: Any = None,
        coupling_start: str = "repulsive",
        permute_classes: bool = False,
        input_noise: float | str = "auto",
        evidence_scale: float = 1.0,
        n_restarts: int = 0,
        class_weight: Any = None,
        loss: str = "squared",
        optimizer: str = "adam",
        lr: float = 1e-2,
        weight_decay: float = 0.0,
        max_epochs: int | str = "auto",
        batch_size: int | str = "auto",
        lr_schedule: str = "one_cycle",
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
    ) -> None:
        self.algo = algo
        self.k = k
        self.perception = perception
        self.perception_hidden = perception_hidden
        self.coupling = coupling
        self.rank = rank
        self.concavity = concavity
        self.predict_k = predict_k
        self.missing_label = missing_label
        self.coupling_start = coupling_start
        self.permute_classes = permute_classes
        self.input_noise = input_noise
        self.evidence_scale = evidence_scale
        self.n_restarts = n_restarts
        self.class_weight = class_weight
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

    # ------------------------------------------------------------------ fitting

    @with_callbacks
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> HybridReasoningClassifier:
        """Train on X and y.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Features; with ``perception="per_cell"`` the columns of the first cell come first, then
            those of the second, and so on. Scaled features train best; those of cells by one scale
            for all, so that empty cells stay zeros. Training runs in its dtype, float32 or float64.
        y : array-like of shape (n,) or (n, cells)
            Classes, or a multilabel indicator of zeros and ones.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights of the samples in the loss; only their ratios count. A row of weight 0 is as
            if it were not there, with its classes.

        Returns
        -------
        HybridReasoningClassifier
            This estimator. It is as it was before if anything goes wrong.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its domain, or X, y and the weights do not fit one another or
            the parameters; before any training.
        DivergenceError
            If the training loss or the trained parameters leave the finite numbers.
        """
        n_epochs = self.max_epochs if isinstance(self.max_epochs, Integral) else None
        watch = watch_of(self, n_epochs, X, y, attributes_if_stopped, sample_weight)
        with self._unchanged_on_failure(), training_context():
            self._validate_params()
            self.algorithm_ = check_relations(self)
            last = self._net() if self.warm_start and self.__sklearn_is_fitted__() else None
            last_labels = None if last is None else self._labels
            rows, labels, dtype = read_rows(self, X, y, sample_weight, last_labels)
            self._labels: Labels = labels
            self.n_outputs_, self.classes_ = labels.n_cells, labels.attribute
            task = task_of(self, rows, labels, dtype, seed_of(self.random_state))
            self._finish(task.trained(last, self.callbacks, self.verbose, watch))
        if watch is not None:
            watch.end()
        return self

    def _finish(self, net: ModelNet) -> None:
        """Become fitted; a DivergenceError if the training left the finite numbers."""
        finite = all(bool(torch.isfinite(p).all()) for p in net.module_.parameters())
        if net.progress_.diverged.any() or not finite:
            raise DivergenceError("Training left the finite numbers. Lower lr.")
        self.n_iter_ = int(net.progress_.n_iter[0])
        # Moments of the optimiser are two thirds of a saved model, and fit begins anew.
        net.optimizer_.forget()
        self.net_ = net

    # ------------------------------------------------------------------ using

    def predict(
        self,
        X: Any,
        k: int | None = None,
        *,
        until: float | None = None,
        return_steps: bool = False,
        n_restarts: int | None = None,
        return_energy: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Return the most probable class of each cell.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        k : int or None, default=None
            Number of steps; None is ``predict_k``. More than in training often find what few did
            not.
        until : float or None, default=None
            Each row stops once a step moves it by no more than this, in the norm of its
            probabilities; at most ``k`` steps are taken if that is given, 5,000 otherwise.
        return_steps : bool, default=False
            Whether to return, too, the steps that each row took.
        n_restarts : int or None, default=None
            For rows with an undecided cell (no class has more than 0.75): how often to pull
            one of them towards a class drawn from its distribution and minimise again, in as many
            steps, at least 200. The whole answer with the lowest energy is kept. None is the
            estimator's ``n_restarts``.
        return_energy : bool, default=False
            Whether to return, too, the energies of the answers, and whether each row was whole:
            every cell decided, at the end of its steps or by a restart. Whole is not yet right.
        random_state : int, RandomState instance or None, default=None
            Draws the guesses of the restarts; None is the estimator's own.

        Returns
        -------
        y : ndarray of shape (n,) or (n, cells)
            Labels, as y was in ``fit``.
        steps : ndarray of int and shape (n,)
            Only with ``return_steps``.
        energy : ndarray of shape (n,)
            Only with ``return_energy``.
        is_whole : ndarray of bool and shape (n,)
            Only with ``return_energy``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``k`` or ``n_restarts`` is no whole number.
        ValueError
            If one is negative, ``until`` is no number of at least 0, X does not have the columns of
            ``fit``, or its numbers are too large.
        """
        relaxation, x, relaxed = self._relax(X, k, until)
        outputs = self._searched(relaxation, x, relaxed, n_restarts, random_state)
        found: list[Any] = [self._labels.decode(outputs)]
        if return_steps:
            found.append(relaxed.steps)
        if return_energy:
            found.extend(energies_of(relaxation, x, outputs))
        return found[0] if len(found) == 1 else tuple(found)

    @documented_like(predict)
    def predict_proba(
        self,
        X: Any,
        k: int | None = None,
        *,
        until: float | None = None,
    ) -> Any:
        """Return the distribution over the classes of each cell.

        Parameters
        ----------
        X, k, until

        Returns
        -------
        ndarray of shape (n, classes), list of such, or ndarray of shape (n, labels)
            Of a y of one dimension; of several cells, one array each; of a multilabel indicator,
            the probabilities that labels are there.

        Raises
        ------
        NotFittedError, TypeError, ValueError

        Examples
        --------
        >>> X, y = [[0.0], [1.0]], [[0, 1], [1, 2]]
        >>> model = HybridReasoningClassifier(max_epochs=1, random_state=0).fit(X, y)
        >>> model.predict_proba(X, k=0)
        [array([[0.5, 0.5],
               [0.5, 0.5]]), array([[0.5, 0.5],
               [0.5, 0.5]])]
        """
        _, _, relaxed = self._relax(X, k, until)
        return self._labels.probabilities(relaxed.outputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None, k: int | None = None) -> float:
        """Return the share of rows of which every cell is right.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.
        y : array-like of shape (n,) or (n, cells)
            The right labels; missing ones are not asked for.
        sample_weight : array-like of shape (n,) or None, default=None
            Weights of the rows.
        k : int or None, default=None
            Number of steps; None is ``predict_k``.

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X or y does not have the columns of ``fit``, y has other kinds of labels or a row
            without any, or no weight is above 0.
        """
        right = self._right_answers(X, y, sample_weight)
        return right.share_of_rows(self.predict(X, k=k))

    @documented_like(score)
    def cell_accuracy(
        self, X: Any, y: Any, sample_weight: Any = None, k: int | None = None
    ) -> float:
        """Return the share of cells that are right.

        Parameters
        ----------
        X, y, sample_weight, k

        Returns
        -------
        float
            Between 0 and 1.

        Raises
        ------
        NotFittedError, ValueError

        Examples
        --------
        >>> X, y = [[0.0], [1.0]], [[0, 1], [1, 0]]
        >>> model = HybridReasoningClassifier(max_epochs=20, random_state=0)
        >>> model.fit(X, y).cell_accuracy(X, y)
        1.0
        """
        right = self._right_answers(X, y, sample_weight)
        return right.share_of_cells(self.predict(X, k=k))

    def predict_energy(self, X: Any) -> tuple[_Array, _Array]:
        r"""Return the energies :math:`\tfrac12 y'Qy + b'y` that the layer minimises.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Columns as in ``fit``.

        Returns
        -------
        Q : ndarray of shape (n, d, d)
            The same for all rows, a read-only view; d counts the classes of all cells, cell by
            cell. It may have negative eigenvalues (``concavity``).
        b : ndarray of shape (n, d)
            The evidence, with a minus.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X does not have the columns of ``fit``.

        Examples
        --------
        >>> X, y = [[0.0], [1.0]], [[0, 1], [1, 0]]
        >>> model = HybridReasoningClassifier(max_epochs=1, random_state=0).fit(X, y)
        >>> Q, b = model.predict_energy(X)
        >>> Q.shape, b.shape
        ((2, 2, 2), (2, 2))
        """
        x = self._features(X)
        return self._relaxation().quadratics(x)

    def certify(self, X: Any = None, *, accuracy: float = 0.01) -> ModelCertificate:
        """Certify how converged, stable and sensitive the layer of a convex model is.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or None, default=None
            Rows on which to measure the spectrum of Q and the distance to the minimisers.
        accuracy : float, default=0.01
            The fraction of the distance to the minimiser to which ``steps_needed`` refers.

        Returns
        -------
        ModelCertificate
            As from :func:`~sklearn_reasoning.properties.certify`.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If the fitted energy is not convex: nothing is proven then; ``concavity=0`` makes it
            so.

        Examples
        --------
        >>> X, y = [[0.0], [1.0]], [[0, 1], [1, 0]]
        >>> model = HybridReasoningClassifier("gd", concavity=0, max_epochs=1, random_state=0)
        >>> certificate = model.fit(X, y).certify()
        >>> bool(certificate.convergence.certified <= 1.0)
        True
        """
        check_is_fitted(self)
        check_convex(self.concavity_)
        return certify(self, X, accuracy=accuracy)

    # ------------------------------------------------------------------ attributes

    @property
    def module_(self) -> CoupledModel:
        """The module of the net."""
        module: CoupledModel = self._net().module_
        return module

    @property
    def coupling_(self) -> _Array | None:
        """What A'A says of pairs of cells: positive entries repel equal classes."""
        A = self.module_.coupling
        if A is None:
            return None
        factor = A.detach().double()[:, columns_of(self.module_.architecture)]
        found: _Array = (factor.T @ factor).cpu().numpy()
        return found

    @property
    def concavity_(self) -> float | None:
        """The share of L by which the fitted energy is concave; negative where it is convex."""
        curvature = self.module_.curvature
        return None if curvature is None else -float(curvature.detach())

    # ------------------------------------------------------------------ behind them

    def _features(self, X: Any) -> _Array:
        check_is_fitted(self)
        x: _Array = validate_data(self, readable_numbers("X", X), reset=False, dtype=np.float64)
        return x

    def _relaxation(self) -> Relaxation:
        return Relaxation(self.module_, readable_scale(self.evidence_scale))

    def _relax(
        self, X: Any, k: int | None, until: float | None
    ) -> tuple[Relaxation, _Array, Relaxed]:
        x = self._features(X)
        steps, until = steps_to_take(k, until, self.predict_k, int(self.module_.k[0]))
        relaxation = self._relaxation()
        return relaxation, x, relaxation.relax(x, steps, until)

    def _searched(
        self,
        relaxation: Relaxation,
        x: _Array,
        relaxed: Relaxed,
        n_restarts: int | None,
        random_state: int | np.random.RandomState | None,
    ) -> _Array:
        n = check_n_restarts(self.n_restarts if n_restarts is None else n_restarts)
        if not n:
            return relaxed.outputs
        if random_state is None and not isinstance(self.random_state, np.random.RandomState):
            random_state = self.random_state
        random_state = independent_random_state(random_state)
        return search(relaxation, x, relaxed.outputs, n, random_state, int(relaxed.steps.max()))

    def _right_answers(self, X: Any, y: Any, sample_weight: Any) -> RightAnswers:
        x = self._features(X)
        return right_answers(x, y, sample_weight, self._labels, self.missing_label)

    def _fitted_layer(self) -> FittedLayer:
        check_is_fitted(self)
        return fitted_layer(self.module_, self._relaxation())

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return spectra and distances on X, for ``certify``; after another k steps if given."""
        steps = int(self.module_.k[0]) if k is None else k
        return measure(self._relaxation(), self._features(X), steps)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.target_tags.single_output = True
        return tags
