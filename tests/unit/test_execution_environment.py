# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-builder with the collection, and with the execution environment in docs/."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILDER = Path(sys.executable).with_name("ansible-builder")
FRAGMENT = ROOT / "plugins" / "doc_fragments" / "datadog.py"


def builder(*arguments: str) -> str:
    env = {**os.environ, "PATH": f"{BUILDER.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(BUILDER), *arguments], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A collections path with only the collection's files that ansible-builder reads."""
    place = tmp_path / "ansible_collections" / "kennel" / "fleet"
    place.mkdir(parents=True)
    for name in ("meta", "galaxy.yml"):
        (place / name).symlink_to(ROOT / name)
    return tmp_path


def test_python_and_system_packages_are_found(installed: Path) -> None:
    found = yaml.safe_load(builder("introspect", "--sanitize", str(installed)))
    python, system = ("\n".join(found[kind]) for kind in ("python", "system"))
    assert "datadog>=0.56" in python and "requests" in python and "kennel.fleet" in python
    assert "openssh-client " in system and "openssh-clients " in system
    assert "datadog >= 0.56" in FRAGMENT.read_text(encoding="utf-8")


def test_ansible_builder_accepts_the_definition(tmp_path: Path) -> None:
    definition = str(ROOT / "docs" / "execution-environment.yml")
    # Without podman on the machine, it would write a Dockerfile.
    builder("create", "--file", definition, "--context", str(tmp_path), "--output-filename", "Containerfile")
    recipe = (tmp_path / "Containerfile").read_text(encoding="utf-8")
    assert "ansible-core>=2.21" in recipe
    listed = yaml.safe_load((tmp_path / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert [entry["name"] for entry in listed["collections"]] == ["kennel.fleet"]


def test_image_has_a_python_that_ansible_core_supports() -> None:
    definition = yaml.safe_load((ROOT / "docs" / "execution-environment.yml").read_text(encoding="utf-8"))
    core = definition["dependencies"]["ansible_core"]["package_pip"]
    oldest = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    versions = [tuple(map(int, re.findall(r"\d+", text)[:2])) for text in (oldest, core)]
    assert versions[0] <= versions[1]
