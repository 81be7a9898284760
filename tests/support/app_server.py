"""Any app behind the real server, on a free port of the loopback address."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from scmanager.api.serving import attend, listen, server


@contextlib.contextmanager
def served(app: Any) -> Iterator[str]:
    """Any app by the real server; its address."""
    with listen(0) as taken:
        serving, stop, ready = server(app), threading.Event(), threading.Event()
        threads = [
            threading.Thread(target=serving.run, kwargs={"sockets": [taken.dup()]}),
            threading.Thread(target=attend, args=(serving, stop, ready.set)),
        ]
        for each in threads:
            each.start()
        try:
            assert ready.wait(20)
            yield f"http://127.0.0.1:{taken.getsockname()[1]}"
        finally:
            stop.set()
            for each in threads:
                each.join(20)
