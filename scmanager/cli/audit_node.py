"""A replay held against the node that runs in the folder: whether its state is the same, and where it is not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scmanager.cli.client import Client, running_node
from scmanager.cli.output import counted, remark, say, short
from scmanager.domain.epoch import EPOCHS
from scmanager.errors import Refused
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import FOLD_VERSION, KINDS, thing_digest

SHOWN_MAX = 20
"""Things that differ; --json has all."""
DIGEST = """query ($space: ID!, $kind: ThingKind, $after: ID) {
  stateDigest(space: $space, kind: $kind, first: 200, after: $after) {
    pos frontier digest foldVersion nodes { name value } hasNextPage endCursor } }"""
ALARM = "The node holds another state of the same entries: keep its folder, and start it again, which folds anew."


def held_by_node(folder: Path, past: Space, frontier: bytes, digest: bytes) -> dict[str, Any] | None:
    """What the node in this folder says of the same space; None where none runs, or it does not tell.

    `same` is None where it is at another frontier, or folds by other rules: then nothing is to be compared.
    """
    node = running_node(folder)
    if node is None:
        return None
    client = Client(node)
    try:
        live = _asked(client, past.id)
    except Refused:
        return None  # Such as a space that its owner is not in.
    told = {name: live[name] for name in ("pos", "frontier", "digest")} | {"fold_version": live["foldVersion"]}
    if live["frontier"] != frontier.hex() or live["foldVersion"] != FOLD_VERSION:
        return told | {"same": None, "differing": []}
    same = live["digest"] == digest.hex()
    return told | {"same": same, "differing": [] if same else list(_differing(client, past))}


def print_node(told: dict[str, Any]) -> None:
    """One line, and one for each thing that differs."""
    if told["same"] is None:
        say(f"node      at another frontier, position {told['pos']}: nothing is compared")
        return
    say(f"node      {'holds the same' if told['same'] else 'holds ANOTHER STATE'}, position {told['pos']}")
    for each in told["differing"][:SHOWN_MAX]:
        say(f"          {each['kind']} {short(each['id'])}")
    if (more := len(told["differing"]) - SHOWN_MAX) > 0:
        say(f"          and {counted(more, 'more thing')}: --json")
    if not told["same"]:
        remark(ALARM)


def _asked(client: Client, space: bytes, **given: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.query(DIGEST, {"space": space.hex()} | given)["stateDigest"]
    return found


def _differing(client: Client, past: Space) -> Iterator[dict[str, str]]:
    """Things of which the two tell otherwise, or which one of them lacks."""
    for fold in KINDS:
        if fold is EPOCHS:
            continue
        mine = {entity.hex(): thing_digest(fold, entity, state).hex() for entity, state in past.things(fold)}
        live = dict(_live(client, past.id, fold.name))
        for entity in sorted({*mine, *live}):
            if mine.get(entity) != live.get(entity):
                yield {"kind": fold.name, "id": entity}


def _live(client: Client, space: bytes, kind: str) -> Iterator[tuple[str, str]]:
    after = None
    while True:
        page = _asked(client, space, kind=kind.upper(), after=after)
        yield from ((each["name"], each["value"]) for each in page["nodes"])
        if not page["hasNextPage"]:
            return
        after = page["endCursor"]
