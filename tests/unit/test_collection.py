# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection as others get it: what its tarball holds, and that every plugin is documented."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TOP_LEVEL = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "FILES.json",
    "LICENSE",
    "MANIFEST.json",
    "README.md",
    "SECURITY.md",
    "changelogs",
    "docs",
    "meta",
    "playbooks",
    "plugins",
    "roles",
}


def run(program: str, *arguments: str) -> str:
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    return subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tarfile.TarInfo]:
    """What the built collection holds, by path."""
    folder = tmp_path_factory.mktemp("built")
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder))
    [built] = folder.glob("kennel-fleet-*.tar.gz")
    with tarfile.open(built) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_tarball_holds_the_collection_and_nothing_of_the_lab(tarball: dict[str, tarfile.TarInfo]) -> None:
    assert {path.split("/")[0] for path in tarball} == TOP_LEVEL


def test_tarball_holds_no_leftovers(tarball: dict[str, tarfile.TarInfo]) -> None:
    leftovers = ("__pycache__", ".pyc", ".orig", ".swp", "~", ".retry", ".key", ".pem")
    assert [path for path in tarball if path.endswith(leftovers) or "__pycache__" in path] == []
    assert [path for path in tarball if "/." in f"/{path}"] == []


def test_only_owners_may_write_what_the_tarball_holds(tarball: dict[str, tarfile.TarInfo]) -> None:
    assert [path for path, member in tarball.items() if member.mode & 0o022] == []


def test_playbooks_of_the_lab_stay_out_of_the_tarball(tarball: dict[str, tarfile.TarInfo]) -> None:
    assert [path for path in tarball if path.startswith("playbooks/lab_")] == []


def test_links_in_the_texts_of_the_tarball_lead_to_files_in_it(tarball: dict[str, tarfile.TarInfo]) -> None:
    links = []
    for path in (path for path in tarball if path.endswith(".md")):
        text = (ROOT / path).read_text(encoding="utf-8")
        folder = os.path.dirname(path)
        links += [
            (path, os.path.normpath(os.path.join(folder, link)))
            for link in re.findall(r"]\(([^)#:]+)(?:#[^)]*)?\)", text)
        ]
    assert links
    assert [(path, link) for path, link in links if link not in tarball] == []


def test_filter_plugins_are_links_to_the_filters_of_the_collection() -> None:
    filters = {path.name for path in (ROOT / "plugins" / "filter").glob("*.py")}
    links = {path.name: os.readlink(path) for path in (ROOT / "filter_plugins").iterdir() if path.name != "__pycache__"}
    assert links == {name: f"../plugins/filter/{name}" for name in filters}


def documentation(kind: str) -> dict[str, Any]:
    """What ansible-doc says of every module or filter, or of every entry point of a role."""
    folder = ROOT / {"module": "plugins/modules", "filter": "plugins/filter", "role": "roles"}[kind]
    names = [f"kennel.fleet.{path.stem}" for path in sorted(folder.iterdir()) if path.name != "__pycache__"]
    documented = json.loads(run("ansible-doc", "--type", kind, "--json", *names))
    assert sorted(documented) == names
    return documented


def undocumented(fields: dict[str, Any], inner: tuple[str, ...]) -> list[str]:
    """Options or results without a description, with those below them."""
    found = [name for name, field in fields.items() if not "".join(field.get("description", ""))]
    for name, field in fields.items():
        for key in inner:
            found += [f"{name}.{below}" for below in undocumented(field.get(key) or {}, inner)]
    return found


@pytest.mark.parametrize("kind", ["module", "filter"])
def test_every_plugin_is_documented(kind: str) -> None:
    for name, parts in documentation(kind).items():
        doc = parts["doc"]
        assert doc["short_description"] and "".join(doc["description"]), name
        assert undocumented(doc.get("options", {}), ("suboptions",)) == [], name
        assert name in parts["examples"] and yaml.safe_load(parts["examples"]), name
        assert parts["return"] and undocumented(parts["return"], ("contains",)) == [], name
        # C() ends at the first parenthesis; V() takes an escaped one.
        assert not re.search(r"C\([^)]*\(", json.dumps(doc)), name


def test_every_role_is_documented() -> None:
    for name, role in documentation("role").items():
        assert "main" in role["entry_points"], name
        for doc in role["entry_points"].values():
            assert doc["short_description"] and "".join(doc["description"]), name
            assert undocumented(doc["options"], ("options",)) == [], name
            assert name in doc["examples"] and yaml.safe_load(doc["examples"]), name


def test_arguments_of_filters_are_those_that_are_documented() -> None:
    for name, parts in documentation("filter").items():
        short = name.rsplit(".", 1)[1]
        plugin = importlib.import_module(f"ansible_collections.kennel.fleet.plugins.filter.{short}")
        _input, *parameters = inspect.signature(plugin.FilterModule().filters()[short]).parameters.values()
        named = {one.name for one in parameters if one.kind != one.VAR_KEYWORD}
        documented = set(parts["doc"]["options"]) - {"_input"}
        # Some pass on whatever else they are given.
        assert named == documented or (named < documented and len(named) < len(parameters)), name


def test_every_playbook_says_what_it_is_for() -> None:
    playbooks = sorted((ROOT / "playbooks").glob("*.yml"))
    assert playbooks
    assert [path.name for path in playbooks if not path.read_text(encoding="utf-8").startswith("---\n# ")] == []


def test_every_host_module_tells_of_check_and_diff_mode() -> None:
    for name, parts in documentation("module").items():
        assert {"check_mode", "diff_mode"} <= set(parts["doc"]["attributes"]), name


def test_modules_that_ask_datadog_share_their_credentials() -> None:
    text = (ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8")
    asking = [name for name, parts in documentation("module").items() if "app_key" in parts["doc"]["options"]]
    assert asking
    assert [name for name in asking if f"- {name.rsplit('.', 1)[1]}" not in text] == []


def test_range_of_ansible_core_is_the_one_that_is_tried() -> None:
    stated = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    oldest, newest = (
        re.search(r"^ansible-core==(\d+)\.(\d+)\.(\d+)$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
        for path in ("tests/oldest.txt", "requirements.txt")
    )
    assert oldest and newest
    assert stated == f">={'.'.join(oldest.groups())},<{newest[1]}.{int(newest[2]) + 1}.0"
