"""What may stand in part 0 (design, section 2): ids, enums, bounded integers, catalogue keys and short titles.

Each bound is on the type, so the decoder refuses what breaks it and such an event folds to nothing. Part 0 is never
erased: words about a person and all prose are `Personal` and travel beside the event.
"""

from typing import Annotated

from msgspec import Meta

INT_MAX = 2**53 - 1
"""The largest integer every JSON reader keeps."""
TUPLE_MAX = 64
TITLE_LENGTH_MAX = 120
RANK_HIGHEST, RANK_LOWEST = 1, 10
"""Of roles. Rank 0 is the founder's and in no role."""

Id16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
"""A random id, never derived from a name."""
Entry = Annotated[bytes, Meta(min_length=32, max_length=32)]
"""An entry's id32."""
Entries = Annotated[tuple[Entry, ...], Meta(max_length=TUPLE_MAX)]
Seconds = Annotated[int, Meta(ge=0, le=INT_MAX)]
"""A claimed UTC time in whole seconds since 1970; 0 is never."""
Rank = Annotated[int, Meta(ge=RANK_HIGHEST, le=RANK_LOWEST)]
Title = Annotated[str, Meta(min_length=1, max_length=TITLE_LENGTH_MAX)]
"""The short name of an organisation, a role, a fleet or a squadron. Which characters it may have: `words`."""
Sid = Annotated[str, Meta(pattern=r"\A[A-Z0-9]{0,10}\Z")]
"""An organisation's short tag, as the game spells it; empty for none."""
CatalogueKey = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,79}\Z")]
"""A key of a published catalogue, such as a ship model's. Never anything that a person typed."""
RightKey = Annotated[str, Meta(pattern=r"\A[a-z][a-z-]{0,31}\.[a-z][a-z-]{0,31}\Z")]
"""The name of a right (`rights.Right`). A string, so that a role with a later release's right still reads."""
RightKeys = Annotated[tuple[RightKey, ...], Meta(max_length=TUPLE_MAX)]
Titles = Annotated[tuple[Title, ...], Meta(max_length=16)]
"""A few short names, such as those of the roles that somebody can take."""
CatalogueKeys = Annotated[tuple[CatalogueKey, ...], Meta(max_length=TUPLE_MAX)]
Ids = Annotated[tuple[Id16, ...], Meta(max_length=TUPLE_MAX)]
Spans = Annotated[tuple[Seconds, ...], Meta(max_length=8)]
"""Seconds before something."""
Zone = Annotated[str, Meta(pattern=r"\A[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}\Z")]
"""The name of a time zone in the IANA data base. It says how a time is shown, never when it is."""
Crew = Annotated[int, Meta(ge=0, le=4096)]
"""How many may come; 0 is no number."""
