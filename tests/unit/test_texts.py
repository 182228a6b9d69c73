# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that README.md and other documents name exists: files, commands, suites, variables, options."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")}
CORES = {"oldest", "trixie", "sid"}
# antsibull-changelog writes the changelog, with escapes, and it names things that no longer exist.
TEXTS = sorted(
    path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")) if path.name != "CHANGELOG.md"
)
SPECS = sorted(ROOT.glob("roles/*/meta/argument_specs.yml"))
ROLES = [path.parts[-3] for path in SPECS]
# Words in capitals are placeholders. Files that are built, or created by a run, are not in the checkout.
OWN = re.compile(r"[A-Z]{2,}|\*|\.kennel|\.venv|^inventory/(production|files)|^verify/")
PLACE = re.compile(
    r"(?<![\w./@-])((?:changelogs|docs|filter_plugins|inventory|lab|molecule|playbooks|plugins|roles|tests)/[\w./*-]*)"
)


@cache
def variables() -> set[str]:
    """Return the variables of roles, playbooks and inventories."""
    known: set[str] = set()
    for path in SPECS:
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))
        known |= set(specs["argument_specs"]["main"]["options"])
    for path in (*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("inventory/**/*.yml"), *ROOT.glob("plugins/*/*.py")):
        known |= set(re.findall(r"[a-z][a-z0-9_]+", f"{path.stem} {path.read_text(encoding='utf-8')}"))
    return known


def commands(text: str) -> list[str]:
    """Return the lines in a document's shell blocks, with continued lines joined and comments removed."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in (re.sub(r"\s+#.*", "", line).strip() for line in lines) if line]


@cache
def options(*program: str) -> set[str]:
    """Return the options in a program's help."""
    helped = subprocess.run([*program, "--help"], cwd=ROOT, check=True, capture_output=True, text=True)
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", helped.stdout))


@pytest.fixture(params=TEXTS, ids=str)
def text(request: pytest.FixtureRequest) -> str:
    return (ROOT / request.param).read_text(encoding="utf-8")


def test_files_exist(text: str) -> None:
    places = {place.rstrip("./") for place in PLACE.findall(text)}
    assert [place for place in sorted(places) if not OWN.search(place) and not (ROOT / place).exists()] == []


def test_kennel_commands_and_suites_exist(text: str) -> None:
    known = (ROOT / "kennel").read_text(encoding="utf-8")
    suites = re.search(r"^\s+(lint \| .*)\) suites", (ROOT / "tests" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert suites
    allowed = {*suites[1].split(" | "), "long", "all"} | SCENARIOS | CORES
    for command, rest in re.findall(r"\./kennel ([a-z]+)([a-z ]*)", text):
        assert re.search(rf"^\s+{command}\) echo", known, re.MULTILINE) or command == "help", command
        if command == "test" and f"`./kennel test{rest}`" in text:
            assert set(rest.split()) <= allowed, rest


def test_variables_exist(text: str) -> None:
    named = {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[a-z][a-z0-9_]+", code)}
    named = {word for word in named if word.startswith(("kennel_", *(f"{role}_" for role in ROLES)))}
    given = {name for line in commands(text) for name in re.findall(r"-e ['\"]?(?:\{\"|)([a-z_]+)", line)}
    assert sorted((named | given) - variables() - SCENARIOS) == []


def test_options_of_commands_exist(text: str) -> None:
    program = {name: str(Path(sys.executable).with_name(name)) for name in ("ansible-playbook", "ansible-vault")}
    for line in commands(text):
        words = line.split()
        if words[0] in program:
            asked = [program[words[0]], *words[1:2]] if words[0] == "ansible-vault" else [program[words[0]]]
            used = set(re.findall(r"(?<=\s)--?[a-zA-Z][\w-]*", line))
            assert used <= options(*asked), line
