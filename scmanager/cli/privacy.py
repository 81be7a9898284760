"""What the owner lets be sent to the author: what is asked, what stands, and saying yes after having read it."""

from typing import Annotated, Any

import typer

from scmanager.application import privacy
from scmanager.cli.output import JsonFlag, ask, remark, say, say_json, say_result, say_table
from scmanager.cli.questions import YesFlag
from scmanager.cli.reporting import why_unsent
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import CommandIdOption, read_command_id
from scmanager.domain.consent import Consents, consent_hash, is_asked_again, standing
from scmanager.domain.consent_texts import NEW_SINCE_1, TEXTS, ConsentText, Purpose, current

NOTHING_SENT = "Without consent nothing is sent, and nothing in the program depends on it."
ASKED_AGAIN = (
    f"You agreed to an older text. The new one says {NEW_SINCE_1}. Nothing is sent for it until you agree to this"
    " one: scm privacy consent PURPOSE"
)
READ = "To read what one of them is about: scm privacy show PURPOSE"
_SAID = (
    ("Why", "why"),
    ("What is sent", "sent"),
    ("What is not", "never"),
    ("To whom", "to_whom"),
    ("How long it is kept", "kept"),
    ("How to stop it", "withdraw"),
)

PurposeArgument = Annotated[Purpose, typer.Argument(metavar="PURPOSE", help=f"One of {', '.join(Purpose)}.")]


def show(
    context: typer.Context,
    purpose: Annotated[
        Purpose | None, typer.Argument(metavar="PURPOSE", help=f"Its text: one of {', '.join(Purpose)}.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """What may be sent to the author, and whether you consent to it; with PURPOSE, all that is said about it."""
    with session_of(context).open() as place:
        said, unsent = _consents(place), why_unsent(place)
    rows = [_row(each, said) for each in Purpose if purpose in (None, each)]
    if as_json:
        say_json(rows)
    elif purpose is None:
        say_table(("purpose", "you", "what it is"), [(row["purpose"], row["you"], row["title"]) for row in rows], "")
        remark(f"{NOTHING_SENT} {READ}")
        if any(row["asked_again"] for row in rows):
            remark(ASKED_AGAIN)
        if unsent and standing(said):
            remark(unsent)
    else:
        _say_text(purpose)
        say(f"You: {rows[0]['you']}.")
        if rows[0]["asked_again"]:
            remark(ASKED_AGAIN)


def consent(
    context: typer.Context,
    purpose: PurposeArgument,
    yes: YesFlag = False,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let something be sent to the author, from all your machines. Its text is shown first; asks for a yes.

    It is sent by a node (scm up) that was started with SCM_REPORT_TO, the address of the author's server.
    """
    version = current(purpose)
    if not as_json:
        _say_text(purpose)
    if not yes:
        ask("Do you consent to this?")
    with session_of(context).open() as place:
        arguments = {"purpose": purpose, "version": version}
        result = place.do("privacy.consent", place.personal_space(), arguments, read_command_id(command_id))
        unsent = why_unsent(place)
    say_result(result, as_json=as_json)
    if unsent and not as_json:
        remark(unsent)


def _consents(place: Place) -> Consents:
    return next((privacy.consents_in(space) for space in place.personal_spaces()), Consents())


def _row(purpose: Purpose, said: Consents) -> dict[str, Any]:
    version = current(purpose)
    text = TEXTS[purpose][version - 1]
    return {
        "purpose": purpose.value, "version": version, "consented": purpose in standing(said),
        "you": _stand(purpose, said), "asked_again": is_asked_again(said, purpose),
        "consent": consent_hash(purpose, version), "title": text.title,
        **{field: getattr(text, field) for _, field in _SAID},
    }  # fmt: skip


def _stand(purpose: Purpose, said: Consents) -> str:
    if purpose in standing(said):
        return "consented"
    if said.of(purpose).withdrawn:
        return "withdrawn"
    return f"asked again: version {current(purpose)} is new" if is_asked_again(said, purpose) else "not asked yet"


def _say_text(purpose: Purpose) -> None:
    text: ConsentText = TEXTS[purpose][-1]
    say(f"{text.title} ({purpose.value}, version {current(purpose)})")
    for label, field in _SAID:
        say(f"{label}: {getattr(text, field)}")
