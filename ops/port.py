"""Say that the port of `make run` is taken, before all that takes minutes. Standard library only."""

import os
import socket

USUAL = 7411
"""As in scmanager/config.py."""


def main() -> int:
    """Exit code 1 with a sentence when another program has it; what is no port the program itself tells."""
    said = os.environ.get("SCM_PORT", str(USUAL))
    if not (said.isascii() and said.isdigit() and 0 < int(said) < 65536):
        return 0
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", int(said)))
        except OSError:
            print(f"Port {said} is in use already: another program has it, or SC Manager runs there.")
            print("Name another one: SCM_PORT=7500 make run")
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
