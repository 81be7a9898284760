"""Lock every dependency with its hashes, for all systems, without any index address."""

import subprocess
import sys
from pathlib import Path

COMMON = "--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet"


def main() -> int:
    """Write requirements/base.txt (to run) and requirements/dev.txt (to test)."""
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "compile", *COMMON.split(), "pyproject.toml"]
    build = Path("requirements/build.in")
    base = subprocess.run([*uv, str(build), "-o", "requirements/base.txt"], check=False)
    dev = subprocess.run(
        [*uv, "--extra", "dev", "-c", "requirements/base.txt", "-o", "requirements/dev.txt"], check=False
    )
    return base.returncode or dev.returncode


if __name__ == "__main__":
    sys.exit(main())
