# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection as users get it: the contents of its tarball, and the documentation of its plugins."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TOP_LEVEL = {
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
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
    """The contents of the built collection, by path."""
    folder = tmp_path_factory.mktemp("built")
    run("ansible-galaxy", "collection", "build", "--output-path", str(folder))
    [built] = folder.glob("kennel-fleet-*.tar.gz")
    with tarfile.open(built) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_tarball_contains_the_collection_without_the_lab(tarball: dict[str, tarfile.TarInfo]) -> None:
    assert {path.split("/")[0] for path in tarball} == TOP_LEVEL


def test_tarball_contains_no_leftovers(tarball: dict[str, tarfile.TarInfo]) -> None:
    leftovers = ("__pycache__", ".pyc", ".orig", ".swp", "~", ".retry", ".key", ".pem")
    assert [path for path in tarball if path.endswith(leftovers) or "__pycache__" in path] == []
    assert [path for path in tarball if "/." in f"/{path}"] == []


def test_only_owners_may_write_the_tarballs_files(tarball: dict[str, tarfile.TarInfo]) -> None:
    assert [path for path, member in tarball.items() if member.mode & 0o022] == []


def test_tarball_contains_no_playbooks_of_the_lab(tarball: dict[str, tarfile.TarInfo]) -> None:
    assert [path for path in tarball if path.startswith("playbooks/lab_")] == []


def test_links_in_the_tarballs_documents_point_to_its_files(tarball: dict[str, tarfile.TarInfo]) -> None:
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


def test_filter_plugins_are_links_to_the_collections_filters() -> None:
    filters = {path.name for path in (ROOT / "plugins" / "filter").glob("*.py")}
    links = {path.name: os.readlink(path) for path in (ROOT / "filter_plugins").iterdir() if path.name != "__pycache__"}
    assert links == {name: f"../plugins/filter/{name}" for name in filters}


def documentation(kind: str) -> dict[str, Any]:
    """Return ansible-doc's output for every plugin of a type, or every entry point of a role."""
    folder = ROOT / {"module": "plugins/modules", "role": "roles"}.get(kind, f"plugins/{kind}")
    # Private roles have no specification.
    things = [path for path in sorted(folder.iterdir()) if not path.name.startswith(("__pycache__", "common_"))]
    names = [f"kennel.fleet.{path.stem}" for path in things]
    documented = json.loads(run("ansible-doc", "--type", kind, "--json", *names))
    assert sorted(documented) == names
    return documented


def undocumented(fields: dict[str, Any], inner: tuple[str, ...]) -> list[str]:
    """Yield options or return values without a description, at any depth."""
    found = [name for name, field in fields.items() if not "".join(field.get("description", ""))]
    for name, field in fields.items():
        for key in inner:
            found += [f"{name}.{below}" for below in undocumented(field.get(key) or {}, inner)]
    return found


@pytest.mark.parametrize("kind", ["module", "filter", "callback"])
def test_every_plugin_is_documented(kind: str) -> None:
    for name, parts in documentation(kind).items():
        doc = parts["doc"]
        assert doc["short_description"] and "".join(doc["description"]), name
        assert undocumented(doc.get("options", {}), ("suboptions",)) == [], name
        assert name in parts["examples"] and yaml.safe_load(parts["examples"]), name
        # A callback returns nothing.
        assert bool(parts["return"]) == (kind != "callback"), name
        assert undocumented(parts["return"] or {}, ("contains",)) == [], name
        # C() ends at the first parenthesis; V() accepts an escaped one.
        assert not re.search(r"C\([^)]*\(", json.dumps(doc)), name


def test_every_role_is_documented() -> None:
    for name, role in documentation("role").items():
        assert "main" in role["entry_points"], name
        for doc in role["entry_points"].values():
            assert doc["short_description"] and "".join(doc["description"]), name
            assert undocumented(doc["options"], ("options",)) == [], name
            assert name in doc["examples"] and yaml.safe_load(doc["examples"]), name


def test_arguments_of_filters_are_documented() -> None:
    for name, parts in documentation("filter").items():
        short = name.rsplit(".", 1)[1]
        plugin = importlib.import_module(f"ansible_collections.kennel.fleet.plugins.filter.{short}")
        _input, *parameters = inspect.signature(plugin.FilterModule().filters()[short]).parameters.values()
        named = {one.name for one in parameters if one.kind != one.VAR_KEYWORD}
        documented = set(parts["doc"]["options"]) - {"_input"}
        # Some filters pass on any other arguments.
        assert named == documented or (named < documented and len(named) < len(parameters)), name


def test_every_playbook_has_a_description() -> None:
    playbooks = sorted((ROOT / "playbooks").glob("*.yml"))
    assert playbooks
    assert [path.name for path in playbooks if not path.read_text(encoding="utf-8").startswith("---\n# ")] == []


def test_host_modules_document_check_and_diff_mode() -> None:
    for name, parts in documentation("module").items():
        assert {"check_mode", "diff_mode"} <= set(parts["doc"]["attributes"]), name


def test_modules_that_query_datadog_share_credentials() -> None:
    text = (ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8")
    asking = [name for name, parts in documentation("module").items() if "app_key" in parts["doc"]["options"]]
    assert asking
    assert [name for name in asking if f"- {name.rsplit('.', 1)[1]}" not in text] == []


def pinned(path: str) -> list[str]:
    """Return the versions of ansible-core that a list pins."""
    return re.findall(r"^ansible-core==(\S+)", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


def test_supported_ansible_core_starts_at_the_oldest_tested_version() -> None:
    stated = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    # Tested is the first patch of the oldest minor version without a known race: see docs/platforms.md.
    assert [stated] == [f">={version.rpartition('.')[0]}.0" for version in pinned("tests/cores/oldest.txt")]


def test_tested_cores_are_the_oldest_the_newest_and_the_pinned_ones() -> None:
    [oldest], [newest] = pinned("tests/cores/oldest.txt"), pinned("tests/cores/newest.txt")
    versions = [Version(version) for version in (oldest, *pinned("requirements.txt"), newest)]
    assert versions == sorted(set(versions)) and len(versions) == 4


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user who has only installed the tarball."""
    home = tmp_path_factory.mktemp("home")
    run("ansible-galaxy", "collection", "build", "--output-path", str(home))
    [built] = home.glob("kennel-fleet-*.tar.gz")
    as_user(home, "ansible-galaxy", "collection", "install", str(built))
    return home


def as_user(home: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program as in a user's home, without a configuration and with an unreachable Galaxy."""
    env = {"HOME": str(home), "PATH": f"{BIN}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
           "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    return subprocess.run(
        [BIN / program, *arguments], cwd=home, env=env, check=True, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_tarball_installs_on_this_ansible_core_without_a_warning(installed: Path) -> None:
    listed = as_user(installed, "ansible-galaxy", "collection", "list", "kennel.fleet").stdout
    assert re.search(r"^kennel\.fleet +\d+\.\d+\.\d+", listed, re.MULTILINE)
    for playbook in sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml") if "lab_" not in path.stem):
        said = as_user(installed, "ansible-playbook", "-i", "one,", f"kennel.fleet.{playbook}", "--syntax-check").stdout
        assert "does not support Ansible" not in said, playbook


def test_installed_filters_and_modules_work(installed: Path) -> None:
    query = "{{ 'my_metric' | kennel.fleet.metric_query(by=['host']) }}"
    said = as_user(installed, "ansible", "localhost", "-m", "ansible.builtin.debug", "-a", f'msg="{query}"').stdout
    assert "avg:my_metric{*} by {host}" in said
    arguments = "api_key=none app_key=none api_url=http://127.0.0.1:1"
    module = ("-m", "kennel.fleet.datadog_account_info", "-a", arguments)
    assert "Check datadog_api_url" in as_user(installed, "ansible", "localhost", *module).stdout


def test_collection_works_without_other_files_than_code(installed: Path) -> None:
    collection = installed / ".ansible" / "collections" / "ansible_collections" / "kennel" / "fleet"
    for path in collection.iterdir():
        if path.name not in {"meta", "plugins", "roles", "playbooks", "MANIFEST.json", "FILES.json"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    said = as_user(installed, "ansible-playbook", "-i", "one,", "kennel.fleet.site", "--syntax-check").stdout
    assert said.rstrip().endswith("kennel/fleet/playbooks/site.yml")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        as_user(installed, "ansible-playbook", "-i", "one,", "kennel.fleet.preflight")
    assert "has no host in the group 'monitored'" in refused.value.stdout


def test_documents_name_the_tarball() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    named = re.findall(r"kennel-fleet-(\S+?)\.tar\.gz", (ROOT / "docs" / "installing.md").read_text(encoding="utf-8"))
    assert named and set(named) == {version}


def test_names_of_test_files_are_unique() -> None:
    """One pytest run, such as for the long tests, imports all of them by these names."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
