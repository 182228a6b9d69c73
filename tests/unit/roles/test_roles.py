# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules for all roles."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import secret_places

ROOT = Path(__file__).resolve().parents[3]
ALL = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
# Shared by the other roles; no playbook calls them.
PRIVATE = [role for role in ALL if role.startswith("common_")]
ROLES = [role for role in ALL if role not in PRIVATE]


def read(role: str, path: str) -> Any:
    file = ROOT / "roles" / role / path
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None


def defaults_of(role: str) -> dict[str, Any]:
    """Return the defaults of a role, from one file or a folder of files."""
    folder = ROOT / "roles" / role / "defaults"
    found: dict[str, Any] = {}
    for path in sorted([*folder.glob("main.yml"), *folder.glob("main/*.yml")]):
        found |= yaml.load(path.read_text(encoding="utf-8"), Loader)
    return found


class Loader(yaml.SafeLoader):
    """A YAML loader that also knows Ansible's tags."""


Loader.add_constructor("!unsafe", lambda _loader, node: node.value)


def specs(role: str) -> dict[str, Any]:
    return read(role, "meta/argument_specs.yml")["argument_specs"]


def secrets(options: dict[str, Any]) -> dict[str, Any]:
    """Yield options whose name suggests a secret, including suboptions."""
    found = {
        name: option
        for name, option in options.items()
        if secret_places({name: "geheim-1"}) or name.endswith("secrets")
    }
    for option in options.values():
        found |= secrets(option.get("options", {}))
    return found


def texts(value: Any) -> list[str]:
    """Yield every string in a value, at any depth."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for one in inner for text in texts(one)]


@pytest.mark.parametrize("role", ROLES)
class TestRole:
    def test_every_variable_has_a_default_or_is_required(self, role: str) -> None:
        options = specs(role)["main"]["options"]
        required = {name for name, option in options.items() if option.get("required")}
        defaults = set(defaults_of(role))
        assert defaults | required == set(options)
        assert not defaults & required

    def test_documented_defaults_are_the_actual_ones(self, role: str) -> None:
        documented = {
            name: option["default"] for name, option in specs(role)["main"]["options"].items() if "default" in option
        }
        for name, value in defaults_of(role).items():
            # A default that uses other variables cannot be compared without them.
            if "{{" not in str(value):
                assert documented[name] == value

    def test_every_variable_has_its_roles_prefix(self, role: str) -> None:
        public = {*specs(role)["main"]["options"], *defaults_of(role)}
        assert all(name.startswith(f"{role}_") for name in public)
        own = {*(read(role, "vars/main.yml") or {})} - {f"{role}_expects"}
        assert all(name.startswith(f"__{role}_") for name in own)

    def test_first_task_checks_the_inputs(self, role: str) -> None:
        [first] = [task for task in read(role, "tasks/main.yml") if "kennel.fleet.check_inputs" in task]
        assert first["kennel.fleet.check_inputs"]["roles"] == [role]

    def test_secrets_are_kept_out_of_logs(self, role: str) -> None:
        options = secrets(specs(role)["main"]["options"])
        assert all("no_log" in option for option in options.values())
        assert all(
            "default" not in option or not option["default"] or not option["no_log"] for option in options.values()
        )

    def test_readme_names_every_variable(self, role: str) -> None:
        text = (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
        assert [name for name in specs(role)["main"]["options"] if f"`{name}`" not in text] == []

    def test_roles_do_not_know_the_lab_or_containers(self, role: str) -> None:
        files = [path for path in (ROOT / "roles" / role).rglob("*") if path.suffix in (".yml", ".j2", ".py")]
        assert files
        where = re.compile(r"\b(lab|vagrant|kvm|qemu|containers?|docker|podman|lxc)\b|virtualization|detect-virt", re.I)
        assert [path.name for path in files if where.search(path.read_text(encoding="utf-8"))] == []

    def test_main_is_a_table_of_contents(self, role: str) -> None:
        assert len(read(role, "tasks/main.yml")) <= 6


def test_no_role_or_playbook_reads_private_variables_of_another() -> None:
    found = []
    for path in [
        *(ROOT / "roles").rglob("*.yml"),
        *(ROOT / "roles").rglob("*.j2"),
        *(ROOT / "playbooks").rglob("*.yml"),
    ]:
        own = path.relative_to(ROOT / "roles").parts[0] if path.is_relative_to(ROOT / "roles") else None
        for name in re.findall(r"(?<![A-Za-z0-9_])__([a-z][a-z0-9_]*)", path.read_text(encoding="utf-8")):
            owner = max((role for role in ROLES if name == role or name.startswith(f"{role}_")), key=len, default=own)
            if owner != own:
                found.append(f"{path.relative_to(ROOT)}: __{name}")
    assert found == []


def test_shared_code_is_in_one_place() -> None:
    assert [role for role in ALL if (ROOT / "roles" / role / "handlers").exists()] == ["common_agent"]
    files = {path: path.read_text(encoding="utf-8") for path in (ROOT / "roles").rglob("*.yml")}
    assert [path.parts[-3] for path, text in files.items() if "/conf.d\n" in text] == ["common_agent"]
    asking = {path.parts[-3] for path, text in files.items() if "builtin.apt:" in text}
    assert asking == {"common_packages"}


@pytest.mark.parametrize("role", PRIVATE)
def test_variables_of_private_roles_have_their_prefix(role: str) -> None:
    variables = (read(role, "defaults/main.yml") or {}) | (read(role, "vars/main.yml") or {})
    assert [name for name in variables if not name.startswith(f"{role}_")] == []
