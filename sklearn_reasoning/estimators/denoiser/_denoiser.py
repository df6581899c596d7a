"""The denoiser."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.metadata_routing import UNUSED
from sklearn.utils.validation import check_is_fitted

from sklearn_reasoning._images.containers import (
    CLEAN_RANGE,
    NOISY_RANGE,
    Images,
    check_pairs,
    read_images,
)
from sklearn_reasoning._support.documentation import documented_like
from sklearn_reasoning._support.random_state import seed_of
from sklearn_reasoning.algorithms import Algorithm
from sklearn_reasoning.estimators._fitted_net import FittedNet
from sklearn_reasoning.estimators._parameters import check_k
from sklearn_reasoning.estimators._versioned import VersionStamped
from sklearn_reasoning.estimators._watch import watch_of, with_callbacks
from sklearn_reasoning.exceptions import DivergenceError
from sklearn_reasoning.properties import MeasuredRows, ModelCertificate, certify
from sklearn_reasoning.training import ModelNet, as_if_stopped

from ._denoising_model import DenoisingModel
from ._measure import measure, psnr
from ._parameters import CONSTRAINTS, architecture_of, settings_of
from ._patches import Patches
from ._settings import STEPS_PER_EPOCH
from ._tiles import energy_of, restore
from ._train import train_denoisers

_Array = np.ndarray[Any, Any]


class HybridReasoningDenoiser(VersionStamped, FittedNet, BaseEstimator):
    r"""Restoration of noisy images by an energy that adapts from pixel to pixel.

    Convolutional networks f and g read the noisy image X and predict the energy

    .. math:: E(Y) = \tfrac12 \|Y + g(X) - X\|^2 + \tfrac12 \sum_{ij} (f(X)_{ij} Y_{ij})^2

    of the restored image Y, so that :math:`Q = diag(1 + f^2)` and :math:`b = g(X) - X` (the
    paper's Sec. 7). The prediction is what k steps of an algorithm make of it, started at 0:
    one scalar problem a pixel, :math:`y = -q_k(1 + f^2)\,b`. For polynomial methods that is a
    closed form, whose memory does not grow with k. Networks and step size are trained end to
    end on pairs of noisy and clean images.

    Parameters
    ----------
    algo : str or Algorithm, default="gd"
        The algorithm: "gd", "nag", "heavy_ball", "chebyshev", "cg", "opt", "fista", "admm", or an
        instance. On scalar problems "cg" is exact after one step, and so equals "opt". "rnn" is
        refused: its weights are for rows of a fixed length.
    k : int, default=20
        Number of steps, at least 0. With few steps of a small size the layer cannot give back
        a pixel as it is; gd with k = 20, L = 4 and step size 1/L reaches 99.7 % of it.
    step_size : float or None, default=None
        Initial step size, in 1/curvature; None is 1/L, for admm 1/sqrt(L). Ignored by cg,
        chebyshev and opt.
    step_size_range : "stable" or (float, float), default="stable"
        The step size is kept in this range, in 1/curvature, after every update; "stable" is
        ``stable_region(algo, 1, L)``.
    learn_step_size : bool, default=True
        Whether the step size is trained.
    L : float, default=4.0
        Upper bound of the spectrum of Q, at least 1. The lower one is 1. The bound is kept by
        :math:`f^2 = (L - 1)\,sigmoid(\cdot)`.
    f_channels : int, default=16
        Channels of the hidden layers of f.
    f_layers : int, default=3
        Number of hidden layers of f. 0 turns f off: Q = 1, and with ``algo="opt"`` the model is
        a plain residual network (DnCNN).
    g_channels : int, default=48
        Channels of the hidden layers of g.
    g_layers : int, default=6
        Number of hidden layers of g. 0 turns g off; the layer can then only darken pixels.
    shuffle : int, default=2
        The networks see each ``shuffle`` x ``shuffle`` square of pixels as one cell with a
        channel a pixel: the work falls with its square. 1 is the plain network.
    patch_size : int, default=40
        Side of the square patches to train on, in pixels; a multiple of ``shuffle``. Smaller
        images are continued by reflection.
    batch_size : int, default=16
        Number of patches in a step.
    max_steps : int, default=14000
        Number of steps of the optimiser, Adam.
    lr : float, default=1.5e-3
        Learning rate.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        Whether the rate falls to 0 over ``max_steps``.
    weight_decay : float, default=0.0
        L2 penalty on weights; the step size does not decay.
    augment : bool, default=True
        Whether each patch is turned and flipped into one of its 8 positions at random.
    loss : {"squared", "l2"}, default="squared"
        Training loss: mean over patches of the mean squared error, or of its root (the norm of
        Eq. 10, a pixel).
    mixed_precision : "auto" or bool, default="auto"
        Whether the convolutions of the training run in bfloat16; energies, layer, loss and
        predictions are float32 always. "auto": where the device has instructions for it; others
        are many times slower with it.
    device : str, default="cpu"
        A torch device.
    callbacks : list of skorch callbacks or None, default=None
        Those that watch the history, parameters or gradients; not those that score data or
        need a torch optimiser. Copies are called; ``net_.callbacks_`` has them.
        An epoch, to them, is 100 steps.
    verbose : int, default=0
        Whether to print a line every 100 steps.
    random_state : int, RandomState instance or None, default=None
        Seeds initial weights and patches. None takes fresh entropy; the global random states
        are never touched.

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The trained net.
    module_ : torch.nn.Module
        Its module, with the networks ``f`` and ``g`` (None where off).
    algorithm_ : Algorithm
        The instance that ``algo`` stands for.
    step_size_ : float or None
        The trained step size, in 1/curvature.
    history_ : skorch.history.History
        A row every 100 steps: ``epoch``, ``steps``, ``train_loss`` (mean over the row's
        steps), ``lr``, ``step_size`` (where there is one) and ``dur``, in seconds.
    n_steps_ : int
        Number of steps trained.

    Raises
    ------
    ValueError, TypeError
        From ``fit``, before any training: a parameter out of its domain, or images that are not
        what they should be; the message names the image by its index.
    DivergenceError
        From ``fit``, if the training loss becomes infinite or NaN.

    Notes
    -----
    Images are an array of shape (n, height, width) or (n, height, width, 3), or a list or tuple
    of images of shape (height, width) or (height, width, 3) that may be of unlike sizes. Values
    are floats in [0, 1], beyond which noise may take them (to [-4, 5]), or uint8. What comes
    back is in the same container, in the float dtype of each image, float32 for uint8; the
    channels of colour are restored one by one, as grey images. There is no ``n_features_in_``:
    a model restores images of any size.

    A side that is not a multiple of ``shuffle`` is continued by reflection, and cut back
    afterwards. Large images are restored a tile at a time, with margins as wide as the
    networks see, so memory is that of a tile.

    The same ``random_state`` gives the same bits again on the same kind of processor: training
    runs on one thread, whatever the number that torch is set to.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> clean = np.kron(rng.random((4, 4, 4)), np.ones((8, 8)))  # 4 images of flat squares
    >>> noisy = clean + 0.1 * rng.standard_normal(clean.shape)
    >>> model = HybridReasoningDenoiser(
    ...     f_channels=8, g_channels=8, g_layers=2, patch_size=16, max_steps=150, lr=5e-3,
    ...     random_state=0,
    ... ).fit(noisy, clean)
    >>> model.predict(noisy).shape
    (4, 32, 32)
    >>> bool(model.score(noisy, clean) > 22.0)  # dB; the noisy images have 20
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    # Images are the data themselves, not metadata to be asked for.
    __metadata_request__fit: ClassVar[dict[str, str]] = {"noisy": UNUSED, "clean": UNUSED}
    __metadata_request__predict: ClassVar[dict[str, str]] = {"noisy": UNUSED}
    __metadata_request__score: ClassVar[dict[str, str]] = {"noisy": UNUSED, "clean": UNUSED}

    def __init__(
        self,
        algo: str | Algorithm = "gd",
        k: int = 20,
        step_size: float | None = None,
        step_size_range: str | tuple[float, float] = "stable",
        learn_step_size: bool = True,
        L: float = 4.0,
        f_channels: int = 16,
        f_layers: int = 3,
        g_channels: int = 48,
        g_layers: int = 6,
        shuffle: int = 2,
        patch_size: int = 40,
        batch_size: int = 16,
        max_steps: int = 14_000,
        lr: float = 1.5e-3,
        lr_schedule: str = "cosine",
        weight_decay: float = 0.0,
        augment: bool = True,
        loss: str = "squared",
        mixed_precision: str | bool = "auto",
        device: str = "cpu",
        callbacks: list[Any] | None = None,
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.algo = algo
        self.k = k
        self.step_size = step_size
        self.step_size_range = step_size_range
        self.learn_step_size = learn_step_size
        self.L = L
        self.f_channels = f_channels
        self.f_layers = f_layers
        self.g_channels = g_channels
        self.g_layers = g_layers
        self.shuffle = shuffle
        self.patch_size = patch_size
        self.batch_size = batch_size
        self.max_steps = max_steps
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.weight_decay = weight_decay
        self.augment = augment
        self.loss = loss
        self.mixed_precision = mixed_precision
        self.device = device
        self.callbacks = callbacks
        self.verbose = verbose
        self.random_state = random_state

    # ------------------------------------------------------------------ fitting

    @with_callbacks
    def fit(self, noisy: Any, clean: Any) -> HybridReasoningDenoiser:
        """Train on pairs of images.

        Parameters
        ----------
        noisy : array of shape (n, height, width) or (n, height, width, 3), or list of images
            Floats in [-4, 5], or uint8; a list's may have unlike sizes.
        clean : like ``noisy``
            Images of the same shapes, with values in [0, 1].

        Returns
        -------
        HybridReasoningDenoiser
            This estimator. It is as it was before if anything goes wrong.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its domain, or the images are not what they should be; before
            any training.
        DivergenceError
            If the training loss or the trained parameters leave the finite numbers.
        """
        watch = watch_of(self, self.max_steps, noisy, clean, _as_if_stopped, of=STEPS_PER_EPOCH)
        self._validate_params()
        architecture = architecture_of(self)
        images = read_images("noisy", noisy, NOISY_RANGE)
        targets = read_images("clean", clean, CLEAN_RANGE)
        check_pairs(images, targets)
        seed = seed_of(self.random_state)
        patches = Patches(
            list(images.all_planes()),
            list(targets.all_planes()),
            patch_size=int(self.patch_size),
            batch_size=int(self.batch_size),
            augment=bool(self.augment),
            seed=seed,
            device=self.device,
        )
        net = train_denoisers(
            architecture,
            [settings_of(self, seed)],
            patches.draw,
            device=self.device,
            callbacks=self.callbacks,
            verbose=self.verbose,
            watch=watch,
        )
        _check_finite(net)
        # Moments of the optimiser are two thirds of a saved model, and fit begins anew.
        net.optimizer_.forget()
        self.net_ = net
        self.n_steps_ = net.n_steps_
        self.algorithm_ = architecture.algorithm
        if watch is not None:
            watch.end()
        return self

    # ------------------------------------------------------------------ using

    @documented_like(fit)
    def predict(self, noisy: Any, k: int | None = None) -> Any:
        """Return the restored images.

        They are not clipped: ``np.clip(restored, 0, 1)`` does that for display.

        Parameters
        ----------
        noisy
        k : int or None, default=None
            Another number of steps than the one trained with.

        Returns
        -------
        array or list
            As ``noisy``: the same container, shapes and float dtypes, float32 for uint8.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If ``k`` is no whole number, or ``noisy`` holds no images.
        ValueError
            If an image is not what it should be, or ``k`` is negative.
        """
        check_is_fitted(self)
        steps = None if k is None else check_k(k)
        images = read_images("noisy", noisy, NOISY_RANGE)
        return images.contain([self._restore(images, i, steps) for i in range(len(images))])

    def _restore(self, images: Images, i: int, k: int | None = None) -> _Array:
        return images.join(i, [restore(self.module_, plane, k) for plane in images.planes(i)])

    @documented_like(fit)
    def predict_energy(self, noisy: Any) -> tuple[Any, Any]:
        """Return the energies that the layer minimises, a scalar one a pixel.

        Parameters
        ----------
        noisy

        Returns
        -------
        diagonal : array or list, of the shapes of ``noisy``
            The curvatures :math:`1 + f(X)^2`, in [1, L]: how strongly a pixel is pulled towards 0.
        b : array or list, of the shapes of ``noisy``
            The linear terms :math:`g(X) - X`. The exact minimiser is ``-b / diagonal``.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If an image is not what it should be.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_reasoning.pretrained import load_denoiser
        >>> diagonal, b = load_denoiser().predict_energy(np.full((1, 8, 8), 0.5))
        >>> diagonal.shape, bool(diagonal.min() >= 1.0)
        ((1, 8, 8), True)
        """
        check_is_fitted(self)
        images = read_images("noisy", noisy, NOISY_RANGE)
        maps: tuple[list[_Array], list[_Array]] = ([], [])
        for i in range(len(images)):
            planes = [energy_of(self.module_, plane) for plane in images.planes(i)]
            for found, of_planes in zip(maps, zip(*planes, strict=True), strict=True):
                found.append(images.join(i, of_planes))
        diagonal, b = (images.contain(found) for found in maps)
        return diagonal, b

    @documented_like(fit, predict_energy)
    def score(self, noisy: Any, clean: Any) -> float:
        r"""Return the mean peak signal-to-noise ratio of the restored images.

        Parameters
        ----------
        noisy, clean

        Returns
        -------
        float
            In dB: the mean over images of :math:`-10 \log_{10}` of the mean squared error,
            with predictions clipped to [0, 1].

        Raises
        ------
        NotFittedError
        TypeError, ValueError
        """
        check_is_fitted(self)
        images = read_images("noisy", noisy, NOISY_RANGE)
        targets = read_images("clean", clean, CLEAN_RANGE)
        check_pairs(images, targets)
        ratios = [
            psnr(self._restore(images, i), targets.join(i, targets.planes(i)))
            for i in range(len(images))
        ]
        return float(np.mean(ratios))

    def certify(self, images: Any = None, *, accuracy: float = 0.01) -> ModelCertificate:
        """Certify how converged, stable and sensitive the layer of this fitted model is.

        Parameters
        ----------
        images : array or list of noisy images, or None, default=None
            On which to measure the spectrum of Q and the distance to the minimisers; of the shapes
            that ``fit`` takes.
        accuracy : float, default=0.01
            The fraction of the distance to the minimiser to which ``steps_needed`` refers.

        Returns
        -------
        ModelCertificate
            As from :func:`~sklearn_reasoning.properties.certify`. A row is an image: its norms
            are over all of its pixels, its ``eigenvalues`` the smallest and the largest.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError, ValueError
            If ``accuracy`` is not positive, or an image is not what it should be.

        Examples
        --------
        >>> from sklearn_reasoning.pretrained import load_denoiser
        >>> certificate = load_denoiser().certify()
        >>> certificate.mu, certificate.L
        (1.0, 4.0)
        """
        return certify(self, images, accuracy=accuracy)

    def _measure_rows(self, X: Any, k: int | None = None) -> MeasuredRows:
        """Return spectra and distances on images, for ``certify``."""
        images = read_images("images", X, NOISY_RANGE)
        measured = [measure(self.module_, images.planes(i), k) for i in range(len(images))]
        columns = [np.array(column) for column in zip(*measured, strict=True)]
        spectra, distance, first_distance, gradient_norm = columns
        return MeasuredRows.of(spectra, distance, first_distance, gradient_norm)

    @property
    def module_(self) -> DenoisingModel:
        """The module of the net."""
        module: DenoisingModel = self._net().module_
        return module

    @property
    def step_size_(self) -> float | None:
        """The trained step size, in 1/curvature."""
        step_size = self.module_.step_size
        return None if step_size is None else float(step_size.detach())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        return tags


def _as_if_stopped(net: ModelNet) -> dict[str, Any]:
    """Return what ``fit`` would set if it stopped now."""
    algorithm = net.module_.algorithm
    return {"net_": as_if_stopped(net), "n_steps_": net.n_steps_, "algorithm_": algorithm}


def _check_finite(net: ModelNet) -> None:
    # The very last step may be the one that diverges; no loss shows it.
    finite = all(bool(torch.isfinite(p).all()) for p in net.module_.parameters())
    if net.progress_.diverged.any() or not finite:
        raise DivergenceError(
            f"Training left the finite numbers within {net.n_steps_} steps. Lower lr or step_size."
        )
