"""The demo: two organisations that came about as real ones do, to look around in and to try things out.

Everybody in it has an installation of their own for as long as it is made: they are invited, ask, are admitted, join,
import their ship lists and share them, by the same verbs, files and importers that people use.
"""

import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager.adapters.folder_lock import FolderLock, Holder
from scmanager.adapters.hangar_files import read_hangar
from scmanager.adapters.node_file import LOCK_FILE
from scmanager.adapters.space_reading import read_space
from scmanager.cli import demo_content, demo_queries, running
from scmanager.cli.demo_content import OrganisationSaid, Person
from scmanager.cli.demo_life import Flight, meet
from scmanager.cli.hangar import look, settle
from scmanager.cli.output import progress, remark, say
from scmanager.cli.session import remove_read_models, session_of
from scmanager.config import Settings, read_settings
from scmanager.domain.catalogue import SHIPS
from scmanager.domain.member import RemovalReason
from scmanager.domain.ship_events import Owner, OwnerKind, Readiness
from scmanager.errors import Refused, ScManagerError
from scmanager.runtime import Node, init_node

UNFINISHED = "demo.unfinished"
"""Lies in a folder that holds nothing but a demo, for as long as that is being made."""
FINISHED = "demo.made"
"""Lies there from then on: this folder is a demo's."""
CLAIM_S = 3 * 3600
LOAN_S = 14 * 24 * 3600


class NotADemo(Refused):
    """{folder} holds something else than a demo."""

    code = "demo-folder-taken"
    hint = "Name a new or an empty folder: scm demo --data FOLDER."


DataOption = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="Where the demo lives; it stays there. Else a temporary one."),
]


def demo(
    context: typer.Context,
    data: DataOption = None,
    serve: Annotated[bool, typer.Option("--serve", help="Start the node on it, until Ctrl+C.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Make it, ask it three questions, stop everything.")] = False,
) -> None:
    """Make a demo: two organisations, their members, ships and fleets."""
    with _folder(session_of(context).settings, data) as settings:
        _make_folder(settings)
        if serve and settings.port:
            from scmanager.api.listening import listen

            listen(settings.port).close()  # Told before anything is made, and not after it.
        what = Holder.NODE if serve else Holder.COMMAND
        with Node(msgspec.structs.replace(settings, port=0) if check else settings, what=what) as node:
            if not node.shelf.spaces():
                build(node)
            if (settings.data / UNFINISHED).exists():
                (settings.data / UNFINISHED).replace(settings.data / FINISHED)
            _tell(node, stays=data is not None)
            if check:
                _check(node)
            if serve:
                running.stay_up(node)


@contextmanager
def _folder(settings: Settings, data: Path | None) -> Iterator[Settings]:
    """The folder that was named, or one that goes again; never the one with somebody's real organisation."""
    if data is not None:
        yield msgspec.structs.replace(read_settings(data=data), state=settings.state)
        return
    with tempfile.TemporaryDirectory(prefix="scm-demo-") as made:
        folder = Path(made)
        try:
            yield msgspec.structs.replace(settings, data=folder / "data", state=folder / "state")
        finally:
            with suppress(ScManagerError):  # What went wrong before is told instead; a later start removes them.
                remove_read_models(folder / "data")


def _make_folder(settings: Settings) -> None:
    """Make the folder, or empty it when making the demo there was broken off. Raises FolderInUse, NotADemo."""
    folder = settings.data
    mark, lock = folder / UNFINISHED, folder / LOCK_FILE
    if (folder / FINISHED).exists():
        return
    if mark.exists():
        remark("Making the demo was broken off here; it is made anew.")
        with FolderLock(lock):
            for each in set(folder.iterdir()) - {mark, lock}:
                shutil.rmtree(each) if each.is_dir() else each.unlink()
    elif folder.exists() and not set(folder.iterdir()) <= {lock}:
        raise NotADemo(folder=str(folder))  # Where somebody keeps other things, nothing is added or emptied.
    init_node(settings)
    mark.touch()


def build(host: Node) -> None:
    """Fill an empty folder with the demo."""
    content = demo_content.load()
    people = sum(len(each.people) for each in content.organisations)
    with progress("People join", people) as advance, tempfile.TemporaryDirectory(prefix="scm-demo-") as made:
        founder = content.founder
        import_ships(host, founder.handle)
        for organisation in content.organisations:
            stage = Stage(host, organisation, founder, Path(made))
            stage.found()
            for person in organisation.people:
                stage.welcome(person)
                advance(1)
            stage.organise()


class Stage:
    """One organisation of the demo while it is made."""

    def __init__(self, host: Node, said: OrganisationSaid, founder: Person, folder: Path) -> None:
        self.host, self.said, self.founder, self.folder = host, said, founder, folder
        self.space = b""
        self._roles: dict[str, bytes] = {}
        self._people: dict[str, bytes] = {}
        self._flights: list[Flight] = []

    def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """The founder does something here."""
        return self.host.do(verb, self.space, arguments)

    def found(self) -> None:
        """The organisation, its roles, and who has no installation."""
        founder = self.founder
        result = self.host.found_organisation(self.said.title, self.said.sid, founder.handle, founder.name)
        self.space = bytes.fromhex(result["space"])
        self._people[founder.handle] = bytes.fromhex(result["member"])
        self.do("organisation.describe", text=self.said.description)
        for role in self.said.roles:
            made = self.do("role.define", title=role.title, rank=role.rank, rights=role.rights)
            self._roles[role.title] = bytes.fromhex(made["role"])
        for person in self.said.recorded:
            self.do("member.record", handle=person.handle, display_name=person.name)
        self.do("member.invite")
        self.do("hangar.share")
        self._flights = [Flight(self.do, each, self._now_s()) for each in self.said.operations]

    def welcome(self, person: Person) -> None:
        """Somebody joins from an installation of their own, with their ships."""
        member = bytes.fromhex(self.do("member.invite")["member"])
        self._people[person.handle] = member
        folder = self.folder / person.handle
        settings = Settings(folder / "data", folder / "state", port=0)
        init_node(settings)
        with Node(settings) as guest:

            def do(verb: str, **arguments: Any) -> dict[str, Any]:
                return guest.do(verb, self.space, arguments)

            asked = guest.request(self.host.invitation(self.space, member))
            self.host.take_request(asked)
            self.do(
                "member.grant", member_id=member, role_id=self._roles[person.role],
                log=asked.log, device=asked.device, box=asked.box,
            )  # fmt: skip
            carry(self.host, guest, self.space, folder / "org.scm")
            guest.do("member.join", self.space, {"handle": person.handle, "display_name": person.name})
            import_ships(guest, person.handle)
            guest.do("hangar.share", self.space, {})
            for flight in self._flights:
                flight.answer(do, person.handle)
                flight.brief(do, person.handle)
            carry(guest, self.host, self.space, folder / "back.scm")

    def organise(self) -> None:
        """Fleets, squadrons, operations, treaties, readiness, loans; and one has to go."""
        for fleet in self.said.fleets:
            made = bytes.fromhex(self.do("fleet.form", title=fleet.title)["fleet"])
            self.do("fleet.assign-lead", fleet_id=made, member_id=self._people[fleet.lead])
            for squadron in fleet.squadrons:
                self._form(squadron, made)
        for flight in self._flights:
            flight.crew(self._people, self._ship)
        for contact in self.said.contacts:
            meet(self.do, contact, self._now_s())
        until = self._now_s()
        for model, state in self.said.readiness.items():
            readiness = Readiness(state)
            claim = until + CLAIM_S if readiness is Readiness.IN_CLAIM else 0
            self.do("ship.set-readiness", ship_id=self._ship(model), readiness=readiness, until_s=claim)
        for model, borrower in self.said.loans.items():
            self.do("ship.lend", ship_id=self._ship(model), borrower=self._people[borrower], until_s=until + LOAN_S)
        if self.said.removed:
            self.do("member.remove", member_id=self._people[self.said.removed], reason=RemovalReason.INACTIVE)

    def _now_s(self) -> int:
        return self.host.now_us() // 10**6

    def _form(self, said: demo_content.SquadronSaid, fleet: bytes) -> None:
        squadron = bytes.fromhex(self.do("squadron.form", title=said.title, fleet_id=fleet)["squadron"])
        self.do("squadron.assign-lead", squadron_id=squadron, member_id=self._people[said.lead])
        for handle in said.members:
            self.do("squadron.enlist-member", squadron_id=squadron, member_id=self._people[handle])
        for model in said.ships:
            ship = self._ship(model)
            self.do("ship.assign", ship_id=ship, fleet_id=fleet)
            self.do("squadron.enlist-ship", squadron_id=squadron, ship_id=ship)

    def _ship(self, model: str) -> bytes:
        """One of that model; ids are random, so any of them will do."""
        ships = self.host.shelf.space(self.space).things(SHIPS)
        return next(ship_id for ship_id, one in ships if getattr(one, "model", "") == model)


def import_ships(node: Node, handle: str) -> None:
    """Import somebody's export into the node's own hangar."""
    space = node.shelf.space(node.personal_space())
    made = look(node, space, Owner(OwnerKind.MEMBER, space.id[:16]), read_hangar(demo_content.ship_list(handle)), {})
    node.do("hangar.import", space.id, {"confirmed": settle(made)})


def carry(giver: Node, taker: Node, space: bytes, path: Path) -> None:
    """Take a space from one machine to another by file."""
    giver.export_space(space, path)
    taker.import_space(read_space(path))


def _tell(node: Node, *, stays: bool) -> None:
    entries = sum(head.size for head in node.store.heads())
    about = f"{entries} entries of {len(node.store.heads())} logs"
    if not stays:
        say(f"The demo was made in a temporary folder, which goes again: {about}.")
        remark("To keep it: scm demo --data FOLDER; to look around while it runs, add --serve.")
        return
    say(f"The demo lies in {node.settings.data}: {about}.")
    program = f"{_program()} --data {shlex.quote(str(node.settings.data))}"
    remark(f"Look around, in another terminal: {program} member list --org NOVA")
    remark("Or ask in GraphQL:")
    for sample in demo_queries.SAMPLES:
        remark(f"  {program} query '{sample}'")


def _program() -> str:
    """How `scm` is called here: by its path, where it is not on the PATH."""
    return "scm" if shutil.which("scm") or not sys.argv[0].endswith("scm") else str(Path(sys.argv[0]).absolute())


def _check(node: Node) -> None:
    """Ask what anybody would ask first, through the API."""
    with running.serving(node) as it:
        demo_queries.ask(running.client_of(it))
    say("Checked: three queries answered as they should, everything is stopped.")
