"""Licences of what is installed to run this: each must be one we said yes to. `python -m ops.licences`

The list is what requirements/base.txt names and this system has installed; what only other systems install is named
as not seen. Licences come from each package's own metadata, read by pip-licenses.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ALLOWED = frozenset(
    {
        "0bsd", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "isc", "mit", "mit-0", "mpl-2.0", "psf-2.0",
        "unlicense", "zlib",
    }
)  # fmt: skip
"""Permissive ones, and MPL: its files stay theirs. No GPL, no AGPL, nothing unknown."""
EXCEPTIONS = {
    "psycopg": "lgpl-3.0-only",
    "psycopg-binary": "lgpl-3.0-only",
}
"""Package -> its licence: libraries that are used as they come and that anybody may replace in his installation."""
SILENT = {
    "automerge": ("licenses/LICENSE", "Permission is hereby granted, free of charge, to any person", "mit"),
}
"""Package whose metadata name no licence -> where its text lies in the package, what it says, what that is."""
SPELT = {
    "apache software license": "apache-2.0",
    "apache license 2.0": "apache-2.0",
    "bsd": "bsd-3-clause",
    "bsd license": "bsd-3-clause",
    "isc license (iscl)": "isc",
    "isc license": "isc",
    "mit license": "mit",
    "mozilla public license 2.0 (mpl 2.0)": "mpl-2.0",
    "python software foundation license": "psf-2.0",
    "the unlicense (unlicense)": "unlicense",
}
"""Names that packages give, as SPDX writes them."""


class Package(NamedTuple):
    """What a package says of itself."""

    name: str
    licence: str


def runtime_names(requirements: str) -> list[str]:
    """The packages that a hashed requirements file pins."""
    return [normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", requirements, re.MULTILINE)]


def normal(name: str) -> str:
    """A package's name as every index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def is_allowed(package: Package) -> bool:
    """Of `A OR B` one will do; of `A AND B`, and of several that are only listed, each must."""
    return all(_one_allowed(package.name, each) for each in re.split(r"\s+AND\s+|;", package.licence))


def _one_allowed(name: str, licence: str) -> bool:
    spellings = (each.strip(" ()") if " OR " in licence else each.strip() for each in licence.split(" OR "))
    found = {SPELT.get(each.lower(), each.lower()) for each in spellings}
    return bool(found & ALLOWED) or EXCEPTIONS.get(normal(name)) in found


def installed(names: list[str]) -> list[Package]:
    """What pip-licenses reads of these; those that are not installed are left out."""
    program = Path(sys.executable).with_name("pip-licenses")
    answer = subprocess.run(
        [str(program), "--format=json", "--from=mixed", "--with-system", "--python", sys.executable],
        capture_output=True, check=True, text=True, encoding="utf-8",
    )  # fmt: skip
    found = [Package(normal(each["Name"]), _spoken_for(each)) for each in json.loads(answer.stdout)]
    return [package for package in found if package.name in names]


def _spoken_for(told: dict[str, str]) -> str:
    """What the metadata say; where they are silent, what the licence's own text in the package is known to be."""
    place, words, licence = SILENT.get(normal(told["Name"]), ("", "", ""))
    if told["License"] != "UNKNOWN" or not place:
        return told["License"]
    text = distribution(told["Name"]).read_text(place) or ""
    return licence if words in " ".join(text.split()) else "UNKNOWN"


def main() -> int:
    """0 when every licence is allowed, 1 with the packages that are not."""
    names = runtime_names((ROOT / "requirements" / "base.txt").read_text(encoding="utf-8"))
    packages = installed(names)
    elsewhere = sorted(set(names) - {package.name for package in packages})
    if elsewhere:
        print(f"   not installed on this system, so not seen: {', '.join(elsewhere)}")
    refused = [package for package in packages if not is_allowed(package)]
    for package in refused:
        print(f"!! {package.name}: the licence {package.licence!r} is not on the list in ops/licences.py")
    if not packages:
        print("!! nothing of requirements/base.txt is installed: nothing was checked")
        return 1
    print(f"   {len(packages)} packages, {len(refused)} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
