"""What may go wrong once in many runs, run again and again, each time with another seed: python -m ops.soak [ROUNDS].

Interleavings of erasure, import, export, backup, rebuild and removal. The first failure ends it, with its seed.
"""

import os
import subprocess
import sys
import time

TESTS = [
    "tests/adapters/test_key_vault.py",
    "tests/end_to_end/test_beside_erasures.py",
    "tests/end_to_end/test_erasing_at_once.py",
    "tests/end_to_end/test_exports_at_once.py",
    "tests/end_to_end/test_governing_at_once.py",
    "tests/projections/test_incremental.py",
    "tests/projections/test_rebuild.py",
]
ROUNDS = 20


def main(rounds: int) -> int:
    """So many rounds, or up to the first that fails."""
    for seed in range(1, rounds + 1):
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "--no-header", "-x", f"--hypothesis-seed={seed}", *TESTS]
        done = subprocess.run(command, env=os.environ | {"SCM_SEED": str(seed)}, check=False).returncode
        print(f"== round {seed} of {rounds}: exit {done} after {time.monotonic() - began:.0f} s", flush=True)
        if done:
            return done
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
