# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pinned requirements are as tests/lock writes them: complete, with hashes, and without an index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("*.in", "lab/*/*.in", "roles/*/files/*.in", "tests/cores/*.in")
LISTS = sorted(path.relative_to(ROOT).with_suffix("") for place in PLACES for path in ROOT.glob(place))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def lines(path: Path) -> list[str]:
    """Return the lines of a list, with continued lines joined and comments removed."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def pins(path: Path) -> list[Requirement]:
    return [Requirement(re.sub(r"\s--hash=\S+", "", line)) for line in lines(path)]


def direct(path: Path) -> list[Requirement]:
    return [Requirement(line) for line in lines(path) if not line.startswith("-r ")]


def versions(path: Path, python: str) -> dict[str, str]:
    """Return the version of each package that a Python on Linux gets from a pinned list."""
    environment = {
        "python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux", "os_name": "posix",
        "platform_system": "Linux", "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    found: dict[str, str] = {}
    for pin in pins(path):
        if pin.marker is None or pin.marker.evaluate(environment):
            [only] = pin.specifier
            assert canonicalize_name(pin.name) not in found, pin
            assert only.operator == "==", pin
            found[canonicalize_name(pin.name)] = only.version
    return found


def test_tests_lock_knows_all_lists() -> None:
    locked = re.findall(r"^lock (\S+) ", (ROOT / "tests" / "lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(locked) == [str(path) for path in LISTS]


@pytest.mark.parametrize("name", LISTS, ids=str)
def test_every_pin_has_hashes_and_no_url(name: Path) -> None:
    path = ROOT / name.with_suffix(".txt")
    listed = lines(path)
    assert listed and [line for line in listed if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)] == []
    assert re.findall(r"https?://|^--?[a-z]\S*|@ ", path.read_text(encoding="utf-8"), re.MULTILINE) == []


@pytest.mark.parametrize("name", LISTS, ids=str)
@pytest.mark.parametrize("python", PYTHONS)
def test_pins_satisfy_their_requirements(name: Path, python: str) -> None:
    pinned = versions(ROOT / name.with_suffix(".txt"), python)
    for asked in direct(ROOT / name.with_suffix(".in")):
        if asked.marker is None or asked.marker.evaluate({"python_version": python}):
            assert asked.specifier.contains(pinned[canonicalize_name(asked.name)], prereleases=True), asked


@pytest.mark.parametrize("name", ["lab/agent", "lab/datadog", "roles/flask_apm/files"])
@pytest.mark.parametrize("python", PYTHONS)
def test_environment_has_the_pins_of_stand_ins_and_app(name: str, python: str) -> None:
    beside = versions(ROOT / name / "requirements.txt", python)
    everything = versions(ROOT / "requirements.txt", python)
    assert beside and {package: everything.get(package) for package in beside} == beside


def test_newer_pythons_get_a_newer_ansible_core() -> None:
    core = {python: versions(ROOT / "requirements.txt", python)["ansible-core"] for python in PYTHONS}
    assert core["3.11"].startswith("2.19.")
    assert core["3.12"] == core["3.13"] == core["3.14"] and core["3.12"].startswith("2.21.")
