"""A data folder and its organisations: make, found, list."""

from typing import Annotated, Any

import typer

from scmanager.adapters.wrapping import KeyringProtection, PassphraseProtection, Protection
from scmanager.auditing import leave
from scmanager.cli import names, recovery
from scmanager.cli.calling import same_name
from scmanager.cli.output import JsonFlag, remark, say, say_json, say_result, say_table, short
from scmanager.cli.session import ask_passphrase, session_of
from scmanager.cli.verbs import CommandIdOption, read_command_id
from scmanager.domain.audit_types import AuditType
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.domain.member import Member
from scmanager.domain.member import Standing as MemberStanding
from scmanager.errors import Misconfigured
from scmanager.runtime import init_node


class OneProtection(Misconfigured):
    """Choose one of --passphrase and --keyring."""

    code = "one-protection"
    hint = "Without either, the keys are protected by a file outside the data folder."


def init(
    context: typer.Context,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for a passphrase at each start.")] = False,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Keep the wrapping key in the system's keyring.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make the data folder, with keys of its own for this machine."""
    session = session_of(context)
    identity = init_node(session.settings, _protection(passphrase=passphrase, keyring=keyring))
    leave(session.folder, AuditType.INSTANCE_REGISTERED, "instance-made", "node")
    if as_json:
        say_json({"folder": str(session.folder), "device": identity.device})
        return
    say(f"Ready: {session.folder}")
    remark('Next: scm org found "My Org" --handle MyHandle, or with an invitation: scm space request FILE -o REQUEST')
    remark("In a folder for an author's ledger: scm author init --root KEY")


def _protection(*, passphrase: bool, keyring: bool) -> Protection | None:
    if passphrase and keyring:
        raise OneProtection
    if passphrase:
        return PassphraseProtection(ask_passphrase(twice=True))
    return KeyringProtection() if keyring else None


def found(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="Its name. It cannot be erased, only changed.")],
    handle: Annotated[str, typer.Option("--handle", help="Your handle in the game.")],
    sid: Annotated[str, typer.Option("--sid", help="The short tag as the game spells it.")] = "",
    name: Annotated[str, typer.Option("--name", help="How you are called here, if not by your handle.")] = "",
    recovery_keys: Annotated[
        int, typer.Option("--recovery-keys", metavar="N", help="Pages on the recovery sheet; over half are needed.")
    ] = 1,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Found an organisation. Its recovery sheet is written to the data folder: print it."""
    session = session_of(context)
    with session.open() as place:
        given: dict[str, Any] = {"title": title, "sid": sid, "handle": handle, "display_name": name}
        command = read_command_id(command_id)
        twins = [(word, each.id) for each in names.organisations(place) for word in (sid, title)
                 if same_name(word, each.names)]  # fmt: skip
        if place.api is not None:
            result = place.api.do("organisation.found", b"", given | {"recovery_keys": recovery_keys}, command)
        else:
            result = place.node.found_organisation(**given, recovery_keys=recovery_keys, command_id=command)
    file = result.get("recovery_sheet", "")  # What a restored log tells of its founding does not name the sheet.
    if file and (session.folder / file).exists():
        recovery.remember(session.folder, recovery.new_sheet(session.folder, title, result["space"], file))
    say_result(result, as_json=as_json)
    for word, twin in twins:
        if twin.hex() != result["space"]:  # The same command sent twice founds one.
            remark(f"There is another {word} here ({short(twin)}): name each by its id from now on (scm org list).")
    if file:
        remark(f"Print the recovery sheet {session.folder / file} and then run: scm recovery confirm")


def list_organisations(context: typer.Context, as_json: JsonFlag = False) -> None:
    """The organisations of this folder."""
    with session_of(context).open() as place:
        rows = [_organisation_row(space) for space in place.shelf.spaces() if space.kind == "org"]
    if as_json:
        say_json(rows)
        return
    say_table(
        ("tag", "title", "members", "", "id"),
        [
            (row["sid"], row["title"], str(row["members"]), "archived" if row["archived"] else "", short(row["id"]))
            for row in rows
        ],
        'No organisation yet. Found one: scm org found "My Org" --handle MyHandle',
    )


def _organisation_row(space: Any) -> dict[str, Any]:
    state = space.state(ORGANISATIONS, space.id[:16])
    members: list[Member] = [each for _, each in space.things(MEMBERS)]
    here = [each for each in members if each.standing in (MemberStanding.JOINED, MemberStanding.RECORDED)]
    return {
        "id": space.id.hex(), "organisation": space.id[:16].hex(), "sid": state.sid,
        "title": state.title, "members": len(here), "archived": state.archived,
    }  # fmt: skip
