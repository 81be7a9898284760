"""How hard to look: property tests draw fewer examples in `make check`, and many more when asked.

SCM_QUICK=1 (make check) draws a quarter, SCM_THOROUGH=1 twenty times as many. SCM_FIXED=1 draws the same ones every
time, so that a mutant killed once is killed again, and looks for no smaller example once one has killed it.
"""

import os

from hypothesis import Phase, settings

QUICK, THOROUGH, FIXED = (os.environ.get(f"SCM_{name}") == "1" for name in ("QUICK", "THOROUGH", "FIXED"))
USUAL = 100
PHASES = tuple(phase for phase in Phase if not (FIXED and phase in {Phase.shrink, Phase.explain}))


def examples(usual: int) -> int:
    """How many examples a property that usually draws so many draws now."""
    if THOROUGH:
        return usual * 20
    return max(usual // 4, 5) if QUICK else usual


def load() -> None:
    """The profile of this run. No deadline: a busy machine is no failure."""
    settings.register_profile(
        "scm",
        deadline=None,
        max_examples=examples(USUAL),
        derandomize=FIXED,
        database=None,
        print_blob=True,
        phases=PHASES,
    )
    settings.load_profile("scm")
