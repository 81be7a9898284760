"""The day an installation tells of: one of each 28, any of them, and with it a salt that is gone the day after."""

import secrets
from collections import Counter
from pathlib import Path

from scmanager.adapters.participation import FILE_NAME, Participation
from scmanager.domain.statistics_published import EVERY_DAYS

FIRST = 743 * EVERY_DAYS


def days(folder: Path, first: int = FIRST, count: int = EVERY_DAYS) -> list[int]:
    """The days that are told of, asked once each by a program that is started anew."""
    return [day for day in range(first, first + count) if Participation(folder).salt(day) is not None]


def test_one_day_of_each_window_is_told_of_however_often_the_program_starts(tmp_path: Path) -> None:
    told = days(tmp_path, count=20 * EVERY_DAYS)
    assert [day // EVERY_DAYS for day in told] == list(range(743, 763))
    assert len({day % EVERY_DAYS for day in told}) > 5


def test_every_day_is_drawn_equally_often(tmp_path: Path) -> None:
    drawn = Counter()
    for number in range(560):
        folder = tmp_path / str(number)
        folder.mkdir()
        made = Participation(folder)
        drawn[next(day for day in range(FIRST, FIRST + EVERY_DAYS) if made.salt(day))] += 1
    assert set(drawn) == set(range(FIRST, FIRST + EVERY_DAYS))
    assert max(drawn.values()) < 60


def test_a_salt_is_the_same_all_day_and_gone_from_the_file_the_day_after(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    salt = made.salt(FIRST + 3)
    assert salt is not None
    assert Participation(tmp_path).salt(FIRST + 3) == made.salt(FIRST + 3) == salt
    assert salt in (tmp_path / FILE_NAME).read_bytes()
    assert Participation(tmp_path).salt(FIRST + 4) is None
    assert salt not in (tmp_path / FILE_NAME).read_bytes()


def test_the_file_is_overwritten_in_its_place(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    made.salt(FIRST + 3)
    before = (tmp_path / FILE_NAME).stat()
    made.salt(FIRST + 4)
    after = (tmp_path / FILE_NAME).stat()
    assert (before.st_ino, before.st_size, after.st_mode & 0o777) == (after.st_ino, after.st_size, 0o600)


def test_a_clock_that_is_put_back_spends_nothing_twice(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    assert made.salt(FIRST + EVERY_DAYS + 3)
    assert [day for day in range(FIRST, FIRST + EVERY_DAYS) if made.salt(day)] == []


def test_a_day_that_is_over_never_gets_a_second_salt(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    assert made.salt(FIRST + 3)
    assert made.salt(FIRST + 4) is None
    assert made.salt(FIRST + 3) is None
    assert days(tmp_path) == []


def test_a_salt_outlives_a_clock_that_was_put_back_to_the_day_before(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    salt = made.salt(FIRST + 3)
    assert made.salt(FIRST + 2) is None
    assert made.salt(FIRST + 3) == salt


def test_forgetting_leaves_no_salt_of_a_day_that_is_over_and_draws_no_day(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    made.forget(FIRST)
    assert not (tmp_path / FILE_NAME).exists()
    salt = made.salt(FIRST + 3)
    assert salt
    made.forget(FIRST + 3)
    assert salt in (tmp_path / FILE_NAME).read_bytes()
    Participation(tmp_path).forget(FIRST + 40)
    assert salt not in (tmp_path / FILE_NAME).read_bytes()


def test_a_salt_that_is_given_up_ends_its_window(tmp_path: Path) -> None:
    made = Participation(tmp_path, below=lambda _: 3)
    salt = made.salt(FIRST + 3)
    assert salt
    made.give_up(FIRST + 3)
    assert salt not in (tmp_path / FILE_NAME).read_bytes()
    assert days(tmp_path) == []
    assert len(days(tmp_path, FIRST + EVERY_DAYS)) == 1


def test_a_file_that_is_not_whole_is_a_window_that_is_spent(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(secrets.token_bytes(5))
    assert days(tmp_path) == []
    assert len(days(tmp_path, FIRST + EVERY_DAYS)) == 1
