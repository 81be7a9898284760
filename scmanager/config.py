"""One frozen set of settings, read once at start; printed without secrets."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from scmanager.errors import Misconfigured

DEFAULT_PORT = 7411
_CODES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
REGIONS = frozenset(_CODES.split())
"""The 249 codes of ISO 3166-1 alpha-2."""


class SettingWrong(Misconfigured):
    """The setting {name} cannot be {value}."""

    code = "setting-wrong"


class Settings(msgspec.Struct, frozen=True):
    """Where a node keeps its data and how it is reached. Environment variables begin with SCM_."""

    data: Path
    """SCM_DATA or --data: the one folder with everything that is backed up."""
    state: Path | None = None
    """SCM_STATE: this user's state folder, outside the data: wrapping key, folder mark. None: the system's place."""
    port: int = DEFAULT_PORT
    """SCM_PORT: on the loopback address; 0 for any free one."""
    postgres_dsn: str | None = None
    """SCM_POSTGRES_DSN: a PostgreSQL of one's own for the read models. None: a private one is started."""
    trust: Path | None = None
    """SCM_TRUST: a folder that says which author's ledger counts. None: the one that came with the program."""
    report_to: str | None = None
    """SCM_REPORT_TO: the author's server, for what its owner consents to send. None: nothing is sent."""
    region: str | None = None
    """SCM_REGION: where this installation is, as ISO 3166-1 alpha-2 spells it. None: audit events name no region."""
    intake_dsn: str | None = None
    """SCM_INTAKE_DSN: a PostgreSQL event store for what an author's server takes. None: a file in the data folder."""


def read_settings(environment: Mapping[str, str] | None = None, data: Path | None = None) -> Settings:
    """Settings from the environment, with `data` from the command line before SCM_DATA. Raises SettingWrong."""
    env = os.environ if environment is None else environment
    said = data or (Path(env["SCM_DATA"]) if env.get("SCM_DATA") else default_data_folder(env))
    folder = said.expanduser().absolute()
    with contextlib.suppress(OSError):  # What cannot be looked at is told when it is opened.
        if folder.is_file():
            raise SettingWrong(name="SCM_DATA (or --data)", value=f"{folder}: that is a file")
    port = env.get("SCM_PORT", str(DEFAULT_PORT))
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise SettingWrong(name="SCM_PORT", value=f"{port}: a port is a number from 0 to 65535")
    state = Path(env["SCM_STATE"]).absolute() if env.get("SCM_STATE") else None
    region = env.get("SCM_REGION") or None
    if region is not None and region not in REGIONS:
        raise SettingWrong(name="SCM_REGION", value=region)
    trust = Path(env["SCM_TRUST"]).absolute() if env.get("SCM_TRUST") else None
    report_to = env.get("SCM_REPORT_TO") or None
    if report_to is not None and not _may_be_reported_to(report_to):
        raise SettingWrong(name="SCM_REPORT_TO", value=f"{report_to}: such as https://example.org/ledger")
    dsn, intake = env.get("SCM_POSTGRES_DSN") or None, env.get("SCM_INTAKE_DSN") or None
    return Settings(folder, state, int(port), dsn, trust, report_to, region, intake)


def _may_be_reported_to(address: str) -> bool:
    """Encrypted, or on this machine."""
    try:
        said = urlsplit(address)
        host, _ = said.hostname or "", said.port
    except ValueError:
        return False
    local = host == "localhost" or host.startswith("127.") or host == "::1"
    plain = address.isascii() and address.isprintable() and " " not in address
    odd = said.query or said.fragment or "@" in said.netloc
    return bool(plain and not odd and host and (said.scheme == "https" or (said.scheme == "http" and local)))


def default_data_folder(environment: Mapping[str, str]) -> Path:
    """Where each system keeps a program's data for one user."""
    if os.name == "nt":
        return Path(environment.get("LOCALAPPDATA", "~/AppData/Local")) / "SC Manager"
    return Path(environment.get("XDG_DATA_HOME", "~/.local/share")) / "sc-manager"
