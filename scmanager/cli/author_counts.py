"""`scm author count`: what the author's server counted of plugins is entered in his ledger."""

from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters.space_file import read_bytes
from scmanager.author import ledger as own_ledger
from scmanager.cli import author_files as files
from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.cli.session import session_of
from scmanager.master_ledger import counts


def count(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON Lines: plugin, downloads, votes, rating_sum, until.")
    ],
    as_json: JsonFlag = False,
) -> None:
    """Enter how often plugins were downloaded and how they were rated. Counts only grow; each one is of all time."""
    data = read_bytes(file, counts.FILE_BYTES_MAX)
    with session_of(context).open() as place:
        tree, _ = own_ledger.own_tree(place.shelf, place.store, place.vault, place.settings.data)
        before = tree.head.size
        done = own_ledger.count(place.node, data)
    say_result(done, as_json=as_json)
    remark(files.ENTERED if max(done["indices"], default=0) >= before else files.ALL_THERE)
