"""The listening socket, apart from what serves on it: it is taken first, and says when another program has it."""

import socket

from scmanager.errors import Misconfigured

LOOPBACK = "127.0.0.1"
REQUESTS_MAX = 128


class PortTaken(Misconfigured):
    """Port {port} is in use already."""

    code = "port-taken"
    hint = "Name another one: SCM_PORT=7500 scm up, or --port 7500 for what serves else; 0 is any that is free."


def listen(port: int) -> socket.socket:
    """A listening socket; its port is `getsockname()[1]`, also when `port` is 0. Raises PortTaken.

    The protocol is named: asyncio turns Nagle's algorithm off only where it is, else each answer takes 40 ms.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows would let another program listen on the same port.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((LOOPBACK, port))
        made.listen(REQUESTS_MAX)
    except OSError as error:
        made.close()
        raise PortTaken(port=port) from error
    return made
