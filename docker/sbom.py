"""A bill of materials of the image, as CycloneDX 1.5 JSON on stdout.

    python3 docker/sbom.py VERSION SITE-PACKAGES...

Lists Debian's packages of this system and the Python distributions of each SITE-PACKAGES folder, sorted, so
that the same image has the same bill. It runs while the image is built and needs only Python.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from urllib.parse import quote

Component = dict[str, str]


def main(arguments: list[str]) -> int:
    version, *folders = arguments
    found = [*debian_packages(), *(each for folder in folders for each in python_packages(folder))]
    print(json.dumps(bill(version, found), indent=1))
    return 0


def bill(version: str, components: list[Component]) -> dict[str, object]:
    """Returns the document; a component that is there twice is listed once."""
    by_purl = {each["purl"]: each for each in components}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "tileproof", "version": version}},
        "components": [by_purl[purl] for purl in sorted(by_purl)],
    }


def python_packages(folder: str) -> list[Component]:
    """Returns the distributions that are installed in a folder."""
    return [
        component("pypi", each.metadata["Name"].lower().replace("_", "-"), each.version)
        for each in distributions(path=[folder])
    ]


def debian_packages() -> list[Component]:
    """Returns Debian's packages of this system; none where it has no dpkg."""
    if shutil.which("dpkg-query") is None:
        return []
    asked = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\\n"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return [component("deb/debian", *line.split()) for line in listed.splitlines()]


def component(kind: str, name: str, version: str) -> Component:
    """Returns one entry with its package URL."""
    purl = f"pkg:{kind}/{quote(name)}@{quote(version)}"
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
