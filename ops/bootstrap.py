"""Make the virtual environment, or say in one sentence what this machine lacks. Standard library only."""

import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)


def main(folder: str) -> int:
    """Create the environment at `folder`; exit code 1 with a sentence when Python cannot."""
    if sys.version_info < OLDEST:
        print(f"SC Manager needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
        print("Install a newer one and name it: make run PYTHON=python3.12")
        return 1
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        print("This Python has no ensurepip, so it cannot make a virtual environment.")
        print("On Debian and Ubuntu: apt install python3-venv")
        return 1
    print(f"Making the virtual environment at {folder} ...", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", folder], check=False)
    if made.returncode:
        print(f"The virtual environment at {folder} could not be made; the lines above say why.")
        return 1
    (Path(folder) / ".python").write_text(sys.version, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else ".venv"))
