"""The noise is the distribution that it is said to be."""

import math
import random
from collections import Counter

import pytest

from scmanager.master_ledger.noise import discrete_laplace, happens

DRAWS = 30_000


@pytest.mark.parametrize("scale", [1, 2, 8, 32])
def test_values_come_as_often_as_the_distribution_says(scale: int) -> None:
    below = random.Random(scale).randrange
    found = Counter(discrete_laplace(scale, below) for _ in range(DRAWS))
    ratio = math.exp(-1 / scale)
    chances = {x: (1 - ratio) / (1 + ratio) * ratio ** abs(x) for x in range(-40 * scale, 40 * scale + 1)}
    common = {x: chance * DRAWS for x, chance in chances.items() if chance * DRAWS >= 5}
    chi = sum((found[x] - expected) ** 2 / expected for x, expected in common.items())
    degrees = len(common) - 1
    assert abs(chi - degrees) < 4 * math.sqrt(2 * degrees), (chi, degrees)
    assert sum(found[x] for x in common) > 0.97 * DRAWS


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (1, 1), (1, 2), (7, 8), (1, 100)])
def test_something_happens_as_often_as_its_exponential_says(numerator: int, denominator: int) -> None:
    below = random.Random(numerator + denominator).randrange
    often = sum(happens(numerator, denominator, below) for _ in range(DRAWS)) / DRAWS
    chance = math.exp(-numerator / denominator)
    assert abs(often - chance) <= 4 * math.sqrt(chance * (1 - chance) / DRAWS)


def test_noise_of_a_large_scale_is_about_as_large() -> None:
    below = random.Random(1).randrange
    sizes = sorted(abs(discrete_laplace(3840, below)) for _ in range(2001))
    assert 0.9 < sizes[1000] / (3840 * math.log(2)) < 1.1
