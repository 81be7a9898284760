"""A network that breaks at the worst moment, between a client and a PostgreSQL server."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo


class Proxy:
    """Forwards connections until told to cut. `dsn` leads through it."""

    def __init__(self, dsn: str) -> None:
        target = conninfo_to_dict(dsn)
        host, port = str(target["host"]), int(target.get("port") or 5432)
        self._address = str(Path(host) / f".s.PGSQL.{port}") if host.startswith("/") else (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._server.getsockname()[1])
        self._marker = b""
        self._fate = ""
        self._deaf: set[socket.socket] = set()
        self._open = True
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_request(self, containing: bytes) -> None:
        """The next message to the server that contains this never arrives; its connection breaks."""
        self._marker, self._fate = containing, "request"

    def lose_answer(self, containing: bytes) -> None:
        """The next message that contains this is carried out, but the answer is lost."""
        self._marker, self._fate = containing, "answer"

    def hang_up(self, containing: bytes) -> None:
        """The client loses the connection while the server is at work on the message."""
        self._marker, self._fate = containing, "client"

    def keep_server_side(self, containing: bytes) -> None:
        """The client loses the connection, and the server is not told: a cable was pulled."""
        self._marker, self._fate = containing, "cable"

    def shut(self) -> None:
        """No way through any more."""
        self._open = False
        for pair in self._pairs:
            _close(*pair)

    def refuse_new(self) -> None:
        """What is open stays open; nobody else comes through."""
        self._open = False

    def reopen(self) -> None:
        """New connections pass again."""
        self._open = True

    def close(self) -> None:
        self.shut()
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if not self._open:
                client.close()
                continue
            family = socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET
            server = socket.socket(family, socket.SOCK_STREAM)
            server.connect(self._address)
            self._pairs.append((client, server))
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 20):
                if self._marker and self._marker in data:
                    self._marker = b""
                    if self._fate == "request":
                        break
                    if self._fate == "cable":
                        _close(client)
                        return
                    if self._fate == "client":
                        client.shutdown(socket.SHUT_WR)
                    self._deaf.add(client)
                server.sendall(data)
        _close(client, server)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 20):
                if client in self._deaf:
                    break
                client.sendall(data)
            _close(server)
        _close(client)


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
