"""What the bounds of a spectrum may be."""


def check_spectrum(mu: float, L: float) -> tuple[float, float]:
    """Return bounds of a spectrum in double precision, if they are some: 0 < mu <= L < inf.

    A TypeError if one is no number, a ValueError if they are no bounds of a positive spectrum.
    """
    try:
        bounds = bool(0.0 < mu <= L < float("inf"))
    except (TypeError, ValueError) as error:  # ValueError: from an array of them
        raise TypeError(f"mu={mu!r} and L={L!r} must be numbers.") from error
    if not bounds:
        raise ValueError(f"mu={mu!r} and L={L!r} must satisfy 0 < mu <= L < inf.")
    return float(mu), float(L)
