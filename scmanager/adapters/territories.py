"""The territorial table as it ships, and the region that the owner confirmed, kept as a hash.

`data/territories.csv` and `data/laws.json`; where they are from: `data/README.md`. `region.json` in the data folder
holds no region in clear: the hash, and the version and hash of the table that it was confirmed by.
"""

import csv
import hashlib
import os
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.config import REGIONS
from scmanager.domain.law import Laws, Table, Territory, region_hash, region_of
from scmanager.errors import Untrusted

FILE_NAME: Final = "region.json"
SOURCE: Final = "scmanager/adapters/data"
ZONES: Final = (Path("/usr/share/zoneinfo/zone1970.tab"), Path("/usr/share/zoneinfo/zone.tab"))
_LOCALES: Final = ("LC_ALL", "LC_MEASUREMENT", "LC_TIME", "LANG")


class RegionDamaged(Untrusted):
    """The file that keeps the region is not whole."""

    code = "region-file-damaged"
    hint = "Say it again: scm privacy region CODE. Until then the strictest duties apply."


class KeptRegion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `region.json` says."""

    hash: Annotated[bytes, Meta(min_length=32, max_length=32)]
    source: str
    version: str
    table: Annotated[bytes, Meta(min_length=32, max_length=32)]
    """The hash of the table."""


@cache
def table() -> Table:
    """The table of this release."""
    folder = resources.files("scmanager.adapters").joinpath("data")
    rows, laws = (folder.joinpath(name).read_bytes() for name in ("territories.csv", "laws.json"))
    hashed = hashlib.sha3_256(b"scm/territories/1\n" + len(rows).to_bytes(8, "big") + rows + laws).digest()
    found = {
        row["code"]: Territory(row["code"], row["name"], tuple(row["laws"].split()))
        for row in csv.DictReader(rows.decode("utf-8").splitlines())
    }
    return Table(msgspec.json.decode(laws, type=Laws), found, hashed)


def keep_region(folder: Path, secret: bytes, region: str) -> None:
    """Remember what the owner confirmed. Raises PrivateFileFailed."""
    here = table()
    kept = KeptRegion(region_hash(secret, here.hash, region), SOURCE, here.version, here.hash)
    write_private(folder / FILE_NAME, msgspec.json.encode(kept))


def kept_region(folder: Path, secret: bytes) -> str | None:
    """The region that the owner confirmed by the table of this release. Raises RegionDamaged."""
    raw = read_private(folder / FILE_NAME)
    if raw is None:
        return None
    kept = parse_json(raw, KeptRegion, RegionDamaged())
    return region_of(table(), secret, kept.hash) if kept.table == table().hash else None


def forget_region(folder: Path) -> None:
    """Keep none."""
    (folder / FILE_NAME).unlink(missing_ok=True)


def suggested(environment: Mapping[str, str] | None = None) -> str | None:
    """Where the system's language settings, else its time zone, say that this machine is. A guess, for a person."""
    env = os.environ if environment is None else environment
    said = next((env[name] for name in _LOCALES if env.get(name)), "")
    code = said.partition(".")[0].partition("@")[0].rpartition("_")[2].upper()
    return code if code in REGIONS else _of_zone(env.get("TZ", "").removeprefix(":") or _local_zone())


def _local_zone() -> str:
    """The name of the system's time zone, where a link says it."""
    try:
        return Path("/etc/localtime").readlink().as_posix().partition("zoneinfo/")[2]
    except OSError:
        return ""


def _of_zone(name: str) -> str | None:
    """The one territory that a zone is of, as the time zone data base says."""
    for path in ZONES:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        rows = (line.split("\t") for line in lines if not line.startswith("#"))
        codes = next((row[0] for row in rows if len(row) > 2 and row[2] == name), "")
        return codes if codes in REGIONS else None
    return None
