"""Notifications over the API: plain words, who may see them, read and unread, and a reminder that comes when due."""

import secrets
import time
from typing import Any

import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import fleet, member
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import MEMBERS, OPERATIONS
from scmanager.domain.operation_events import Answer
from scmanager.domain.operation_parts import Window
from tests.support.api_node import Api, Socket
from tests.support.books import form_fleet

ASK = """query ($space: ID!, $filter: NotificationFilter) {
  notifications(space: $space, filter: $filter, first: 50) {
    totalCount nextStep
    nodes { id kind text title said at unread thing who { handle } fleet { title } operation { title } }
  } }"""


@pytest.fixture
def space(api: Api) -> str:
    return str(api.do("organisationFound", 'title: "Told", handle: "ada"')["space"])


def act(api: Api, space: str, *acts: Any) -> None:
    def all_of(desk: Desk) -> dict[str, Any]:
        for each in acts:
            each(desk)
        return {}

    api.node.node.writer.do(Command(secrets.token_bytes(16), bytes.fromhex(space), all_of))
    assert api.node.wait_projected(api.node.last_pos(), 30)


def contest(desk: Desk) -> None:
    """Two names for a fleet, as if neither knew of the other."""
    form_fleet(b"F" * 16, "O'Brien's {who} %1$s")(desk)
    for title in ("One", "Two"):
        desk.record(None, b"F" * 16, fleet.Renamed(title))


def outing(starts: int, *before: int) -> Any:
    def plan(desk: Desk) -> None:
        new = desk.new_id()
        desk.decide(OPERATIONS, new, planning.plan, "Jumptown", Window(starts, starts + 7200, "UTC"))
        desk.decide(OPERATIONS, new, planning.set_reminders, before)
        desk.decide(OPERATIONS, new, crew.sign_up, desk.me, desk.me, Answer.ACCEPTED)

    return plan


def test_a_notification_is_told_in_plain_words_and_in_parts(api: Api, space: str) -> None:
    assert api.ask(ASK, space=space)["notifications"]["nextStep"].startswith("Nothing new")
    act(api, space, contest)
    (node,) = api.ask(ASK, space=space)["notifications"]["nodes"]
    assert (node["kind"], node["said"], node["unread"]) == ("CONTESTED", "name", True)
    assert node["text"].startswith("O'Brien's {who} %1$s: two said different things at the same time (name).")
    assert node["fleet"] == {"title": "O'Brien's {who} %1$s"}
    assert (node["who"], node["operation"]) == ({"handle": "ada"}, None)


def test_what_is_read_is_unread_no_more_and_stays_in_the_list(api: Api, space: str) -> None:
    act(api, space, contest)
    (node,) = api.ask(ASK, space=space)["notifications"]["nodes"]
    own = api.do("personalFound")["space"]
    asked = 'mutation {{ notificationMarkRead(space: "{}", notifications: [{}]) {{ pos }} }}'
    api.ask(asked.format(own, f'"{node["id"]}"'))
    assert api.ask(ASK, space=space, filter={"unread": True})["notifications"]["totalCount"] == 0
    (after,) = api.ask(ASK, space=space, filter={"unread": False})["notifications"]["nodes"]
    assert after == node | {"unread": False}
    assert api.refused(asked.format(own, ""))["code"] == "notification-none-named"
    assert api.refused(asked.format(space, f'"{node["id"]}"'))["code"] == "verb-elsewhere"


def test_what_needs_a_right_is_not_shown_to_who_has_it_not(api: Api, space: str) -> None:
    act(api, space, contest)
    import psycopg

    with psycopg.connect(api.node.dsn) as connection:
        connection.execute("update scm_read.member set rights = '{}' where space = %s", (bytes.fromhex(space),))
    assert api.ask(ASK, space=space)["notifications"]["totalCount"] == 0


def test_what_is_due_later_is_not_shown_yet(api: Api, space: str) -> None:
    act(api, space, outing(int(time.time()) + 7200, 3600))
    assert api.ask(ASK, space=space)["notifications"]["totalCount"] == 0


def test_a_subscriber_hears_a_reminder_when_it_is_due_though_nothing_happens(api: Api, space: str) -> None:
    with Socket(api).begin() as heard:
        heard.subscribe("subscription ($space: ID!) { notifications(space: $space) { nodes { text } } }", space=space)
        assert heard.next() == {"notifications": {"nodes": []}}
        act(api, space, outing(int(time.time()) + 63, 60))
        assert heard.next(10) == {"notifications": {"nodes": [{"text": "Jumptown begins in 1 min."}]}}


def test_nothing_of_a_space_one_is_not_in_is_told(api: Api, space: str) -> None:
    act(api, space, contest)
    other = str(api.do("organisationFound", 'title: "Other", handle: "ada"')["space"])
    api.node.see_only(bytes.fromhex(other))
    try:
        assert api.post("{ notifications { totalCount } }")["data"]["notifications"]["totalCount"] == 0
    finally:
        api.node.see_all()


def test_a_member_who_was_only_recorded_is_told_nothing(api: Api, space: str) -> None:
    act(api, space, lambda desk: desk.decide(MEMBERS, b"m" * 16, member.record, b"m" * 16, "Bess"))
    assert api.ask(ASK, space=space)["notifications"]["totalCount"] == 0
