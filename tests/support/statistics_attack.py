"""The best attacker there is on published statistics: he knows everything but one thing about one person.

He has all that was published, the records of everybody else, the rules, and the two worlds that it could be; he
answers with the world that makes what he sees more likely. No attacker guesses right more often (Neyman and Pearson).
"""

import math
import random
from collections.abc import Mapping, Sequence

from scmanager.domain.statistics_published import Measure, StatisticsPublished
from scmanager.master_ledger.releasing import Rules, Totals, release

Worlds = tuple[Totals, Totals]
"""A day's exact totals without and with what he wants to know."""


def differing(worlds: Worlds, only: frozenset[Measure] | None = None) -> Worlds:
    """The rows that tell the worlds apart: all others are the same noise in both."""
    one, two = worlds
    kept = {
        measure: [key for key in one[measure] if one[measure][key] != two[measure][key]]
        for measure in one
        if only is None or measure in only
    }
    return tuple(  # type: ignore[return-value]  # two of two
        {measure: {key: world[measure][key] for key in keys} for measure, keys in kept.items() if keys}
        for world in worlds
    )


def likelihood(said: StatisticsPublished, world: Totals, rules: Rules) -> float:
    """How likely this world makes what was published: a logarithm, up to what both worlds share."""
    found = 0.0
    tables = {table.measure: {row.key: row.value for row in table.rows} for table in said.tables}
    for measure, rows in world.items():
        rule, shown = rules[measure], tables[measure]
        for key, exact in rows.items():
            if key in shown:
                found -= abs(shown[key] - exact) / rule.scale
            else:
                found += _left_out(rule.threshold - 1 - exact, rule.scale)
    return found


def _left_out(highest: int, scale: int) -> float:
    """The logarithm of the chance that noise is no higher than this, in the unit of `likelihood`."""
    ratio = math.exp(-1 / scale)
    point = math.log1p(-ratio) - math.log1p(ratio)  # Of 0: what `likelihood` leaves out of each row shown.
    below = (
        highest / scale - math.log1p(ratio) if highest < 0 else math.log1p(-(ratio ** (highest + 1)) / (1 + ratio))
    )
    return below - point


def advantage(days: Sequence[Worlds], rules: Rules, trials: int, seed: int) -> float:
    """How much better than a coin he is, from 0 to 1, when he sees all these days: 2 * (share he gets right) - 1."""
    chance = random.Random(seed)
    right = 0
    for _ in range(trials):
        truth = chance.getrandbits(1)
        seen = [(release(n, worlds[truth], chance.randrange, rules), worlds) for n, worlds in enumerate(days)]
        leaning = sum(likelihood(said, two, rules) - likelihood(said, one, rules) for said, (one, two) in seen)
        right += (leaning > 0) == truth if leaning else chance.getrandbits(1)
    return 2 * right / trials - 1


def advantage_over_windows(worlds: Worlds, rules: Rules, windows: int, days: int, trials: int, seed: int) -> float:
    """The same for somebody who is there every day, but tells of one day a window, and he does not know which."""
    chance = random.Random(seed)
    right = 0
    without, with_him = worlds
    for _ in range(trials):
        truth = chance.getrandbits(1)
        leaning = 0.0
        for _ in range(windows):
            his = chance.randrange(days) if truth else -1
            ratios = []
            for day in range(days):
                said = release(day, with_him if day == his else without, chance.randrange, rules)
                ratios.append(math.exp(likelihood(said, with_him, rules) - likelihood(said, without, rules)))
            leaning += math.log(sum(ratios) / days)
        right += (leaning > 0) == truth
    return 2 * right / trials - 1


def margin(epsilon: float) -> float:
    """What no attacker can exceed: (e**epsilon - 1) / (e**epsilon + 1)."""
    return math.tanh(epsilon / 2)


def slack(trials: int, once_in: int = 10_000) -> float:
    """How far chance alone may lead a measured advantage, once in so many times (Hoeffding)."""
    return math.sqrt(2 * math.log(once_in) / trials)


def spent(rules: Mapping[Measure, object], of: frozenset[Measure] | None = None) -> float:
    """The epsilon that these measures have together, by their bounds and scales."""
    return sum(rule.bound / rule.scale for measure, rule in rules.items() if of is None or measure in of)  # type: ignore[attr-defined]
