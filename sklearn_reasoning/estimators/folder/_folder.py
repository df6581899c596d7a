"""The folder."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.random_state import seed_of
from sklearn_reasoning.estimators._fitted_net import FittedNet
from sklearn_reasoning.estimators._parameters import check_k
from sklearn_reasoning.estimators._versioned import VersionStamped
from sklearn_reasoning.estimators._watch import (
    attributes_if_stopped,
    watch_of,
    with_callbacks,
)
from sklearn_reasoning.matching import MatchingCertificate, joined
from sklearn_reasoning.properties import FittedLayer
from sklearn_reasoning.rna import decode_pairs, format_dot_bracket, pair_f1

from ._inference import Folding, foldings
from ._inputs import Sequences, hold_out, read_known, read_rows, read_sequences
from ._model import FoldingModel
from ._parameters import CONSTRAINTS, architecture_of, check_used
from ._train import trained_net

_Array = np.ndarray[Any, Any]


class HybridReasoningFolder(VersionStamped, FittedNet, BaseEstimator):
    r"""Secondary structures of RNA: from a sequence to pairs of its bases that obey all rules.

    A network reads the sequence and predicts a score :math:`U_{ij}` for each pair that is allowed
    (A with U, C with G, G with U, at least four places apart). The pairing is

    .. math::
        \min_y \; \sum_{i<j} \tfrac12 y_{ij}^2 - U_{ij} y_{ij}
        \quad\text{with}\quad y_{ij} = y_{ji} \ge 0, \quad \sum_j y_{ij} \le 1,

    which k steps of dual ascent on one multiplier a base approach; after any k, 0 included, what is
    returned obeys the constraints. Network and steps are trained end to end on known structures.

    Parameters
    ----------
    algo : {"fista", "gd"}, default="fista"
        Accelerated dual ascent, or plain.
    k : int, default=20
        Number of steps, at least 0.
    sequence_channels : int, default=64
        Channels of the convolutions along the sequence.
    sequence_layers : int, default=8
        Number of these, after the first. Their windows are 3 bases wide, 1, 2, 4, 8 and 16 apart,
        and then 1 again.
    pair_channels : int, default=64
        Hidden units of the network of each pair.
    pair_layers : int, default=2
        Number of its hidden layers, after the first.
    prior : None, "vienna" or callable, default=None
        Probabilities of pairs that are given, whose logits are a linear term of the energy, and an
        input of the network if there is one: "vienna" are those of the partition function of
        ViennaRNA, which must be installed (the extra ``rna``); a callable takes a sequence and
        returns an array of shape (n, n) of numbers in [0, 1], of which either half may be empty.
    learned : {"auto", "network", "calibration"}, default="auto"
        What is learned. "network" is all of the above: a term beside the prior's, at first zero,
        which learns the families that it is shown. "calibration" are two numbers, a factor of the
        prior's logits and a constant; sizes of the network then have no meaning. It holds for
        families that were not seen. "auto" is "calibration" with a prior and "network" without.
    pseudoknots : bool, default=True
        Whether predicted pairs may cross. If not, they are the best nested ones.
    unknown_letters : {"accept", "refuse"}, default="accept"
        Whether IUPAC's codes for bases that are not known are taken for a base that pairs with
        none, or refused.
    lr : float, default=2e-3
        Learning rate of Adam.
    lr_schedule : {"one_cycle", "cosine", "constant"}, default="one_cycle"
        Whether the rate rises and falls, or falls, from step to step.
    weight_decay : float, default=0.0
        L2 penalty on weights.
    max_epochs : int, default=12
        Number of passes over the sequences.
    batch_size : int, default=8
        Largest number of sequences in a step; of those longer than 128 bases there are fewer, so
        that a step takes no more memory.
    bucket : int, default=8
        Sequences are filled up to a multiple of it, and batches hold sequences of like lengths.
    early_stopping : bool, default=False
        Whether to hold sequences out and to stop when their loss no longer falls. The weights are
        then those of the best epoch, else those of the last.
    validation_fraction : float, default=0.1
        The share of sequences that is held out.
    tol : float, default=1e-4
        Relative fall of the loss that counts, in units of the loss before.
    n_iter_no_change : int, default=10
        Epochs without it, after which training stops.
    device : str, default="cpu"
        A torch device.
    callbacks : list of skorch callbacks or None, default=None
        Those that watch the history, parameters or gradients. Copies are called;
        ``net_.callbacks_`` has them.
    verbose : int, default=0
        Whether to print a line every epoch.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights, the order of sequences and those held out. None takes fresh entropy;
        the global random states are never touched.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        Its module.
    algorithm_ : Algorithm
        The instance that ``algo`` stands for.
    history_ : skorch.history.History
        A row every epoch: ``epoch``, ``steps``, ``train_loss``, ``valid_loss`` (where there is
        one), ``lr`` and ``dur``, in seconds.
    n_iter_ : int
        Number of epochs trained.

    Raises
    ------
    ValueError, TypeError
        From ``fit``, before any training: a parameter out of its domain, or a sequence or structure
        that is not what it should be; the message has its index.
    ImportError
        From ``fit``, if ``prior="vienna"`` and ViennaRNA is missing.
    DivergenceError
        From ``fit``, if the loss or the weights leave the finite numbers.

    Notes
    -----
    Sequences are a list, tuple, array or Series of strings. There are no features, and so no
    ``n_features_in_``. A prediction depends on its own sequence alone, not on those beside it.

    Predictions hold for families of RNA that were trained on; see the guide on what a learned
    model cannot do.

    Examples
    --------
    >>> from sklearn_reasoning import HybridReasoningFolder
    >>> from sklearn_reasoning.datasets import make_hairpins
    >>> sequences, structures = make_hairpins(80, random_state=0)
    >>> model = HybridReasoningFolder(
    ...     sequence_channels=16, sequence_layers=2, pair_channels=16, pair_layers=1, lr=1e-2,
    ...     max_epochs=15, random_state=0,
    ... ).fit(sequences[:60], structures[:60])
    >>> model.score(sequences[60:], structures[60:]) > 0.8
    True
    >>> len(model.predict(["GGGGCAAAAGCCCC"])[0])
    14
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    # Sequences are the data themselves, not metadata to be asked for.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"sequences": UNUSED, "structures": UNUSED}
    __metadata_request__predict: ClassVar[dict[str, str]] = {"sequences": UNUSED}
    __metadata_request__score: ClassVar[dict[str, str]] = {
        "sequences": UNUSED,
        "structures": UNUSED,
    }

    def __init__(
        self,
        algo: str = "fista",
        k: int = 20,
        sequence_channels: int = 64,
        sequence_layers: int = 8,
        pair_channels: int = 64,
        pair_layers: int = 2,
        prior: Any = None,
        learned: str = "auto",
        pseudoknots: bool = True,
        unknown_letters: str = "accept",
        lr: float = 2e-3,
        lr_schedule: str = "one_cycle",
        weight_decay: float = 0.0,
        max_epochs: int = 12,
        batch_size: int = 8,
        bucket: int = 8,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        tol: float = 1e-4,
        n_iter_no_change: int = 10,
        device: str = "cpu",
        callbacks: list[Any] | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.algo = algo
        self.k = k
        self.sequence_channels = sequence_channels
        self.sequence_layers = sequence_layers
        self.pair_channels = pair_channels
        self.pair_layers = pair_layers
        self.prior = prior
        self.learned = learned
        self.pseudoknots = pseudoknots
        self.unknown_letters = unknown_letters
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.bucket = bucket
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fitting

    @with_callbacks
    def fit(self, sequences: Any, structures: Any) -> HybridReasoningFolder:
        """Train on sequences with known structures.

        Parameters
        ----------
        sequences : sequence of str
            In A, C, G, U or T, in capitals or not, and IUPAC's codes for what is not known.
        structures : sequence of str or of array-like of shape (m, 2)
            For each sequence a dot-bracket string, with brackets ``()``, ``[]``, ``{}``, ``<>`` or
            letters ``Aa`` to ``Zz``, or the pairs i < j, counted from 0, as whole numbers (of a
            dtype of floats too).

        Returns
        -------
        HybridReasoningFolder
            This estimator. It is as it was before if anything goes wrong.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its domain, or a sequence or structure is not what it should
            be, such as a base that is in two pairs; before any training.
        ImportError
            If ``prior="vienna"`` and ViennaRNA is missing.
        DivergenceError
            If the loss or the weights leave the finite numbers.

        Warns
        -----
        UserWarning
            If structures hold pairs that are not allowed, which then are not learned.
        """
        n_epochs = self.max_epochs if isinstance(self.max_epochs, Integral) else None
        watch = watch_of(self, n_epochs, sequences, structures, attributes_if_stopped)
        with self._unchanged_on_failure():
            self._validate_params()
            architecture = architecture_of(self)
            self.algorithm_ = architecture.algorithm
            rows = read_rows(self, sequences, structures)
            seed = seed_of(self.random_state)
            rows, held_out = hold_out(self, rows, seed)
            net = trained_net(self, architecture, rows, held_out, seed, watch)
            self.n_iter_ = int(net.progress_.n_iter[0])
            self.net_ = net
        if watch is not None:
            watch.end()
        return self

    # ------------------------------------------------------------------ using

    def _read(self, sequences: Any) -> Sequences:
        check_is_fitted(self)
        check_used(self)
        return read_sequences(sequences, self.unknown_letters)

    def _foldings(self, read: Sequences) -> Iterator[Folding]:
        return foldings(self.module_, self.prior, read)

    def _pairings(self, read: Sequences, k: int | None) -> Iterator[_Array]:
        steps = None if k is None else check_k(k)
        return (folding.pairing(steps) for folding in self._foldings(read))

    def _pairs(self, read: Sequences, k: int | None = None) -> list[_Array]:
        knots = bool(self.pseudoknots)
        return [decode_pairs(weights, pseudoknots=knots) for weights in self._pairings(read, k)]

    @documented_like(fit)
    def predict(self, sequences: Any, k: int | None = None) -> list[str]:
        """Return structures as dot-bracket strings.

        Parameters
        ----------
        sequences
        k : int or None, default=None
            Another number of steps than the one trained with.

        Returns
        -------
        list of str
            Pairs that cross have further kinds of brackets.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If ``k`` is no whole number or negative, a sequence is not what it should be, or
            ``prior``, ``pseudoknots`` or ``unknown_letters`` were set to what they cannot be.
        """
        read = self._read(sequences)
        pairs = self._pairs(read, k)
        return [format_dot_bracket(own, len(s)) for own, s in zip(pairs, read.strings, strict=True)]

    @documented_like(fit, predict)
    def predict_pairs(self, sequences: Any, k: int | None = None) -> list[_Array]:
        """Return structures as pairs.

        Parameters
        ----------
        sequences
        k : int or None, default=None

        Returns
        -------
        list of ndarray of int of shape (m, 2)
            Pairs i < j, counted from 0, sorted by i: those of a weight above one half. No base is
            in two, all are allowed.

        Raises
        ------
        NotFittedError
        TypeError, ValueError

        Examples
        --------
        >>> from sklearn_reasoning.datasets import make_hairpins
        >>> sequences, structures = make_hairpins(8, random_state=0)
        >>> model = HybridReasoningFolder(
        ...     sequence_channels=8, sequence_layers=1, pair_channels=8, max_epochs=1,
        ...     random_state=0,
        ... ).fit(sequences, structures)
        >>> [pairs.shape[1] for pairs in model.predict_pairs(["GGGGAAAACCCC", "ACGU"])]
        [2, 2]
        """
        return self._pairs(self._read(sequences), k)

    @documented_like(fit, predict)
    def predict_proba(self, sequences: Any, k: int | None = None) -> list[_Array]:
        """Return the weights of pairs.

        Parameters
        ----------
        sequences
        k : int or None, default=None

        Returns
        -------
        list of ndarray of shape (n, n)
            For each sequence a symmetric array of numbers in [0, 1], whose rows have sums of at
            most 1; 0 for pairs that are not allowed.

        Raises
        ------
        NotFittedError
        TypeError, ValueError

        Examples
        --------
        >>> from sklearn_reasoning.datasets import make_hairpins
        >>> sequences, structures = make_hairpins(8, random_state=0)
        >>> model = HybridReasoningFolder(
        ...     sequence_channels=8, sequence_layers=1, pair_channels=8, max_epochs=1,
        ...     random_state=0,
        ... ).fit(sequences, structures)
        >>> (weights,) = model.predict_proba(["GGGGAAAACCCC"], k=0)
        >>> weights.shape, bool(weights.sum(axis=1).max() <= 1.0)
        ((12, 12), True)
        """
        return list(self._pairings(self._read(sequences), k))

    @documented_like(fit, predict)
    def score(self, sequences: Any, structures: Any) -> float:
        """Return the mean over sequences of the F1 score of predicted pairs.

        Parameters
        ----------
        sequences, structures

        Returns
        -------
        float
            In [0, 1]. Pairs that the rules forbid count as missed.

        Raises
        ------
        NotFittedError
        TypeError, ValueError
        """
        check_is_fitted(self)
        check_used(self)
        read, pairs = read_known(sequences, structures, self.unknown_letters)
        predicted = self._pairs(read)
        return float(np.mean([pair_f1(*both) for both in zip(pairs, predicted, strict=True)]))

    @documented_like(fit, predict)
    def certify(self, sequences: Any, k: int | None = None) -> MatchingCertificate:
        """Certify how far the pairings after k steps are from the minimisers.

        Parameters
        ----------
        sequences
        k : int or None, default=None

        Returns
        -------
        MatchingCertificate
            With the duality gap of each sequence.

        Raises
        ------
        NotFittedError
        TypeError, ValueError

        Examples
        --------
        >>> from sklearn_reasoning.datasets import make_hairpins
        >>> sequences, structures = make_hairpins(8, random_state=0)
        >>> model = HybridReasoningFolder(
        ...     sequence_channels=8, sequence_layers=1, pair_channels=8, max_epochs=1,
        ...     random_state=0,
        ... ).fit(sequences, structures)
        >>> certificate = model.certify(["GGGGAAAACCCC"], k=30)
        >>> bool(certificate.gap[0] <= certificate.gap_bound[0])
        True
        """
        read = self._read(sequences)
        steps = self.module_.k[0] if k is None else check_k(k)
        return joined(folding.certificate(steps) for folding in self._foldings(read))

    def _fitted_layer(self) -> FittedLayer:
        raise TypeError(
            "The dual of a matching has no spectrum to certify: use the method certify(sequences) "
            "of this HybridReasoningFolder."
        )

    @property
    def module_(self) -> FoldingModel:
        """The module of the net."""
        module: FoldingModel = self._net().module_
        return module

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.target_tags.required = True
        tags.non_deterministic = False
        return tags
