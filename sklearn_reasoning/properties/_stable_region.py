"""The step sizes for which an algorithm's iterates stay bounded (Sec. 3, Table 1)."""

from sklearn_reasoning.algorithms import Algorithm, check_spectrum, get_algorithm


def stable_region(algo: str | Algorithm, mu: float, L: float) -> tuple[float, float]:
    r"""Return the range of step sizes in which an algorithm is used.

    Parameters
    ----------
    algo : str or Algorithm
        A name of :func:`~sklearn_reasoning.algorithms.list_algorithms` or an instance.
    mu, L : float
        Bounds of the spectrum of Q, 0 < mu <= L.

    Returns
    -------
    low, high : float
        In 1/curvature: the iterates stay bounded for every step size in [low, high] and every Q
        with its spectrum in [mu, L]. Here low is high / 100: any positive number would do, and the
        c_0 of the paper has to be one.

    Raises
    ------
    TypeError
        If ``algo`` is neither a name nor an Algorithm, or ``mu`` or ``L`` is no number.
    ValueError
        If the name is unknown, or ``mu`` and ``L`` are no bounds of a positive spectrum.

    Notes
    -----
    The regions are Table 1's, and for the heavy ball the one in which its rate is uniform:

    ============ ======================================= ====================================
    algorithm    high                                    the iterates stay bounded up to
    ============ ======================================= ====================================
    gd           :math:`2/(\mu + L)`                     :math:`2/L`
    nag          :math:`4/(\mu + 3L)`                    :math:`\phi L (3 - \sqrt{\mu\phi}) = 4`
    heavy_ball   :math:`4/(\sqrt\mu + \sqrt L)^2`        :math:`4/(\sqrt\mu + \sqrt{L - \mu})^2`
    fista        :math:`1/L`                             :math:`4/(3L)`
    admm         :math:`1/\mu`                           every step size
    ============ ======================================= ====================================

    That of admm begins at 1/L: its best step size is :math:`1/\sqrt{\mu L}`.
    Beyond ``high`` the slowest direction is no longer that of the eigenvalue mu, so nothing is
    gained there. Algorithms without a step size have nothing to restrict: (0, inf).

    Examples
    --------
    >>> stable_region("gd", mu=0.25, L=1.0)
    (0.016, 1.6)
    >>> stable_region("cg", mu=0.25, L=1.0)
    (0.0, inf)
    """
    algorithm = get_algorithm(algo)
    return algorithm.stable_region(*check_spectrum(mu, L))
