"""A running node from the command line: start it, ask it, look after its read models.

`scm query` and `scm projections` ask the node that runs; when none does, they start one for the moment.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from scmanager import __version__
from scmanager.adapters.folder_lock import Holder
from scmanager.auditing import watched
from scmanager.cli.client import Client, RunningNode
from scmanager.cli.doorway import enter
from scmanager.cli.output import JsonFlag, progress, remark, say, say_json, say_json_text, say_table
from scmanager.cli.session import Session, session_of
from scmanager.cli.through import LONG_S
from scmanager.errors import Refused
from scmanager.runtime import Node

if TYPE_CHECKING:
    from scmanager.serving import Serving

REBUILD = "mutation { readModelsRebuild { pos generation differing } }"
STATUS_QUERY = "{ node { version pos projectedPos spaces { id kind held closed } } }"


class VariablesUnusable(Refused):
    """The variables are not a JSON object."""

    code = "query-variables-unusable"
    hint = """Such as: --variables '{"id": "..."}'."""


class PartsLate(Refused):
    """Some parts of the node did not end in time: {parts}."""

    code = "node-parts-late"
    hint = "Nothing was lost. If the database still runs, the next start takes it over."


@contextlib.contextmanager
def serving(node: Node) -> Iterator["Serving"]:
    """The node with its read models and API, while the block lasts; other programs are not told of it.

    Raises PortTaken, NotStarted, PartsLate.
    """
    from scmanager.serving import Serving  # Slow to import, and most commands need none of it.

    running = Serving(node, announced=False)
    late: list[str] = []
    try:
        with progress("Starting the database and the read models", None):
            running.start()
        yield running
    finally:
        late = running.stop()
    if late:
        raise PartsLate(parts=", ".join(late))


def client_of(running: "Serving") -> Client:
    """Talks to a node of this process as any other program does."""
    return Client(RunningNode(os.getpid(), running.port, running.token))


@contextlib.contextmanager
def asked(session: Session) -> Iterator[Client]:
    """The API of the running node, or of one that runs for the moment."""
    found = enter(session.folder, lambda: _brief_node(session))
    if isinstance(found, RunningNode):
        yield Client(found)
        return
    with found as node, serving(node) as running:
        yield client_of(running)


def _brief_node(session: Session) -> Node:
    """On any free port: it is gone again in a moment."""
    return Node(msgspec.structs.replace(session.settings, port=0), session.protection(), what=Holder.QUERY)


def up(context: typer.Context) -> None:
    """Start the node: database, read models and API, until Ctrl+C. SCM_PORT names its port; 0 is any free one."""
    session = session_of(context)
    with watched(session.folder):
        found = enter(session.folder, lambda: Node(session.settings, session.protection(), what=Holder.NODE))
    if isinstance(found, RunningNode):
        say(f"It runs already: http://127.0.0.1:{found.port}/graphql")
        return
    with found as node:
        stay_up(node)


def stay_up(node: Node) -> None:
    """Serve until somebody stops it: Ctrl+C, the system, or the terminal that closes. Raises as `serving`."""
    from scmanager.serving import serve_until_signal

    with contextlib.ExitStack() as starting:
        starting.enter_context(progress("Starting the database and the read models", None))

        def started(running: "Serving") -> None:
            starting.close()
            say(f"SC Manager runs: {running.address}/graphql")
            remark(f"It is for programs, with the token in {node.settings.data / 'node.json'}. Stop it with Ctrl+C.")
            if place := _read_models_outside(node):
                remark(f"The read models, words in clear, are in {place}: they go when the data folder is gone.")
            sys.stdout.flush()

        late = serve_until_signal(node, started)
    if late:
        raise PartsLate(parts=", ".join(late))
    with contextlib.suppress(OSError):  # The terminal may be gone.
        remark("Stopped.")


def _read_models_outside(node: Node) -> str:
    """Where PostgreSQL keeps the read models when that is not in the data folder; else nothing."""
    from scmanager.actors import READ_MODELS
    from scmanager.adapters.postgres_connection import SETTING
    from scmanager.adapters.postgres_outside import read_record

    named = node.settings.postgres_dsn or os.environ.get(SETTING)
    return "" if named else read_record(node.settings.data / READ_MODELS).cluster


def query(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="GRAPHQL", help="The query; - reads it from stdin.")],
    variables: Annotated[str, typer.Option("--variables", metavar="JSON")] = "{}",
) -> None:
    """Ask the read models in GraphQL; the answer is JSON."""
    try:
        given = msgspec.json.decode(variables, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise VariablesUnusable from error
    with asked(session_of(context)) as api:
        answer = api.query(sys.stdin.read() if text == "-" else text, given)
    say_json_text(msgspec.json.format(msgspec.json.encode(answer), indent=2))


def version(as_json: JsonFlag = False) -> None:
    """Say which release this is."""
    if as_json:
        say_json({"version": __version__})
        return
    say(f"SC Manager {__version__}")


def projections_status(context: typer.Context, as_json: JsonFlag = False) -> None:
    """How far the read models are."""
    with asked(session_of(context)) as api:
        told = api.query(STATUS_QUERY)["node"]
    if as_json:
        say_json(told)
        return
    behind = told["pos"] - told["projectedPos"]
    say(
        f"The read models show {told['projectedPos']} of {told['pos']} entries"
        + (f", {behind} to go." if behind else ".")
    )
    say_table(
        ("kind", "closed", "held", "id"),
        [(each["kind"], str(each["closed"]), str(each["held"]), each["id"][:12]) for each in told["spaces"]],
        'No space yet. Found an organisation: scm org found "My Org" --handle MyHandle',
    )


def projections_rebuild(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Make the read models anew from the log, beside the old ones, and swap them."""
    with asked(session_of(context)) as api, progress("Rebuilding the read models", None):
        done = api.query(REBUILD, timeout_s=LONG_S)["readModelsRebuild"]
    if as_json:
        say_json(done)
        return
    for name, value in done.items():
        say(f"{name}: {value}")
