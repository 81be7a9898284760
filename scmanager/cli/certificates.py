"""Certificates of an erasure: made on the machine that destroyed the keys, checked by whoever gets the file."""

import time
from pathlib import Path
from typing import Annotated

import typer

from scmanager import __version__
from scmanager.adapters.private_files import write_private
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.unclean_file import ReadModelsUnclean, UncleanFile
from scmanager.application import certifying
from scmanager.application.verbs import MemberId
from scmanager.cli import names
from scmanager.cli.file_kinds import CERTIFICATE, check_kind
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, counted, remark, say, say_json, say_result
from scmanager.cli.session import session_of
from scmanager.cli.targets import check_target
from scmanager.cli.verbs import OrgOption, PersonalFlag
from scmanager.errors import utc
from scmanager.eventstore.erasure_certificate import FILE_BYTES_MAX, Certificate
from scmanager.eventstore.log_tree import LogTree

NOT_SHOWN = """\
Not shown: that no other machine, backup or export holds those keys still, and whether the author of the erasure had \
the right. Compare the space's id, the person's and the device's with what you know of them."""
STRANGER = """\
Nothing here shows that this device is one of the space's: that the keys are destroyed is the word of whoever has \
its key."""


def certificate(
    context: typer.Context,
    subject: Annotated[
        str | None, typer.Argument(metavar="MEMBER", help="Whose words were erased. In your own space left out.")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write.")] = Path(
        "erased.scm-certificate"
    ),
    org: OrgOption = None,
    personal: PersonalFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Certify that the keys of somebody's words were destroyed on this device, with the proof, for him to keep."""
    check_target(output)
    with session_of(context).open() as place:
        if UncleanFile(place.settings.data).is_marked():
            raise ReadModelsUnclean
        space = place.shelf.space(place.personal_space()) if personal else names.organisation(place, org)
        who = space.id[:16]
        if subject is not None or not personal:
            who = names.resolve(MemberId, subject or "", place, space, "member.erase")
        with place.shelf.lock:
            made = certifying.certify(
                space, place.store.heads(space.id), place.vault, who,
                lambda head: LogTree(place.store, head, place.settings.data),
                place.identity.device, place.identity.sign_message, int(time.time()), __version__,
            )  # fmt: skip
    write_private(output, made.to_bytes())
    told = {"file": str(output), "member": made.subject.hex(), "keys": len(made.keys), "entries": len(made.gone)}
    say_result(told, as_json=as_json)


def erasure(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The certificate.")], as_json: JsonFlag = False
) -> None:
    """Check the certificate of an erasure: from the file alone, and everything that is wrong is told."""
    check_kind(file, CERTIFICATE)
    said = Certificate.parse(read_bytes(file, FILE_BYTES_MAX))
    wrong, shown = certifying.check(said), certifying.shows_device(said)
    if as_json:
        say_json(
            {
                "ok": not wrong, "problems": wrong, "space": said.space, "member": said.subject,
                "device": said.device, "device_shown": shown, "made_s": said.made_s, "keys": said.keys,
                "entries": len(said.gone),
            }
        )  # fmt: skip
    else:
        for each in wrong:
            say(f"Wrong: {each}")
        if not wrong:
            asked = ", ".join(f"{utc(each.at_s)} ({each.ground})" for each in said.asked)
            say(f"Member {said.subject.hex()} of space {said.space.hex()}.")
            say(f"Asked: {asked}.")
            say(f"Device {said.device.hex()} says that it destroyed the keys by {utc(said.made_s)}.")
            keys, entries = counted(len(said.keys), "key"), counted(len(said.gone), "entry", "entries")
            what = f"{keys} destroyed, the words of {entries} gone; every entry stands where it stood."
            say(f"Good: {what}" if shown else f"The device says: {what}")
            if not shown:
                remark(STRANGER)
            remark(NOT_SHOWN)
    if wrong:
        raise typer.Exit(EXIT_REFUSED)
