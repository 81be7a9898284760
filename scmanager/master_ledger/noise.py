"""Noise for published statistics: a discrete Laplace distribution, drawn exactly, with whole numbers alone.

No floating point: its rounding has let readers see through such noise. After Canonne, Kamath and Steinke, The
Discrete Gaussian for Differential Privacy (2020), algorithms 1 and 2.
"""

from collections.abc import Callable

Below = Callable[[int], int]
"""A whole number from 0 to below n, all equally likely: `secrets.randbelow`."""


def discrete_laplace(scale: int, below: Below) -> int:
    """A whole number, P(x) ~ exp(-|x| / scale). The scale is 1 or more."""
    while True:
        rest = below(scale)
        if not happens(rest, scale, below):
            continue
        whole = 0
        while happens(1, 1, below):
            whole += 1
        size = rest + scale * whole
        negative = bool(below(2))
        if size or not negative:  # Else 0 would come twice as often.
            return -size if negative else size


def happens(numerator: int, denominator: int, below: Below) -> bool:
    """True with probability exp(-numerator / denominator), for a fraction from 0 to 1."""
    step = 1
    while below(denominator * step) < numerator:
        step += 1
    return step % 2 == 1
