"""One list of system packages: what installs them, and what the pages say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENSURE = ROOT / "system" / "ensure-packages"
APT = """#!/bin/sh
echo "$@" >>"{log}"
"""


def listed() -> dict[str, list[str]]:
    """The packages of each group."""
    groups: dict[str, list[str]] = {}
    for line in (ROOT / "system" / "packages").read_text().splitlines():
        if line.startswith("["):
            groups[line.strip("[]")] = found = []
        elif line and not line.startswith("#"):
            found.append(line)
    return groups


class Machine:
    """A PATH whose package manager only writes down what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "apt.log"
        for name in ("sh", "awk", "dirname", "cat"):
            found = subprocess.run(
                ["sh", "-c", f"command -v {name}"], capture_output=True, text=True, check=True
            )
            (folder / name).symlink_to(found.stdout.strip())
        (folder / "env").write_text('#!/bin/sh\nshift\nexec "$@"\n')
        self.program("apt-get", APT.format(log=self.log))
        self.user(0)
        self.installed()

    def program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    def user(self, number: int) -> None:
        self.program("id", f"#!/bin/sh\necho {number}\n")

    def installed(self, *names: str) -> None:
        found = "|".join(names) or "none"
        self.program(
            "dpkg-query", f'#!/bin/sh\ncase "$3" in {found}) printf installed ;; *) exit 1 ;; esac\n'
        )

    def ensure(self, *groups: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "env").chmod(0o755)
        return subprocess.run(
            [str(ENSURE), *groups],
            env={"PATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def asked(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_readme_names_the_packages_of_the_list() -> None:
    text = (ROOT / "README.md").read_text().replace("\\\n", " ")
    [line] = re.findall(r"^(?:sudo )?apt-get install (.*)$", text, flags=re.M)
    groups = listed()
    assert set(line.split()) == {*groups["run"], *groups["build"]}


def test_nothing_is_asked_for_where_everything_is_installed(machine: Machine) -> None:
    machine.installed(*listed()["build"])
    done = machine.ensure("build")
    assert (done.returncode, machine.asked, done.stderr) == (0, "", "")


def test_root_installs_just_the_missing_ones(machine: Machine) -> None:
    first, *others = listed()["build"]
    machine.installed(*others)
    assert machine.ensure("build").returncode == 0
    assert machine.asked.splitlines() == [
        "update -qq",
        f"install -y -qq --no-install-recommends {first}",
    ]


def test_who_may_not_install_gets_the_one_line_to_paste(machine: Machine) -> None:
    machine.user(1000)
    done = machine.ensure("build")
    assert (done.returncode, machine.asked) == (4, "")
    [line] = [line for line in done.stderr.splitlines() if "apt-get install" in line]
    assert line.strip().startswith("sudo apt-get update && sudo apt-get install --yes")
    assert set(listed()["build"]) <= set(line.split())


def test_sudo_without_a_password_is_used(machine: Machine) -> None:
    machine.user(1000)
    machine.program("sudo", '#!/bin/sh\n[ "$1" = -n ] && exit 0\nexec "$@"\n')
    assert machine.ensure("build").returncode == 0
    assert "install -y" in machine.asked


def test_a_program_that_is_there_needs_no_package(machine: Machine) -> None:
    machine.installed(*(name for name in listed()["containers"] if name != "docker.io"))
    machine.program("dockerd", "#!/bin/sh\n")
    assert machine.ensure("containers").returncode == 0
    assert machine.asked == ""


def test_a_group_that_is_not_in_the_list_is_refused(machine: Machine) -> None:
    assert machine.ensure("games").returncode == 2


def test_a_system_without_dpkg_is_left_alone(machine: Machine) -> None:
    (machine.folder / "dpkg-query").unlink()
    done = machine.ensure("run")
    assert (done.returncode, machine.asked) == (0, "")
    assert "README" in done.stderr
