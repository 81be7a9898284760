"""`scm author name-server`: an entry of the ledger says that a machine is the author's server, for so many days."""

from typing import Annotated

import typer

from scmanager.author import ledger as own_ledger
from scmanager.cli import author_files as files
from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.cli.session import session_of

DAY_S = 86_400
DAYS_MAX = 400


def name_server(
    context: typer.Context,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Its public half, as scm author keygen server printed it.")
    ],
    days: Annotated[
        int, typer.Option("--days", min=1, max=DAYS_MAX, help="From now on; then it has to be named again.")
    ] = 90,
    as_json: JsonFlag = False,
) -> None:
    """Enter that this key is a server's of the author: installations shake hands with it until then."""
    public, until_s = files.public_key(key), files.now_s() + days * DAY_S
    with session_of(context).open() as place:
        done = own_ledger.name_server(place.node, public, until_s)
    say_result(done, as_json=as_json)
    remark(f"{files.ENTERED} Until the ledger shows it, nobody shakes hands with that server.")
