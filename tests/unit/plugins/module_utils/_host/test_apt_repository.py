# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The package repository that datadog_agent sets up, in a temporary sources folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host.apt_repository import without_agent
from gpg import Keyring

Run = Callable[..., dict[str, Any]]
Say = Callable[[str], None]

INSTALLED = "installed ok 1:7.70.0-1"

HOSTS = ("apt.datadoghq.com", "packages:8081")
AGENT = "deb [signed-by=/usr/share/keyrings/datadog-archive-keyring.gpg] https://apt.datadoghq.com/ stable 7\n"
OTHER = "deb https://mirror.example/debian bookworm main\n"


class TestWithoutAgent:
    @pytest.mark.parametrize(
        "entry",
        [
            AGENT,
            "deb http://apt.datadoghq.com stable 6\n",
            "deb [arch=amd64 trusted=no] http://apt.datadoghq.com/ stable main # Agent 5\n",
            "deb-src https://apt.datadoghq.com/ stable 7\n",
            "  deb https://apt.datadoghq.com/ stable 6 7\n",
            "deb http://packages:8081/ stable 7\n",
        ],
    )
    def test_removes_lines_for_the_agent(self, entry: str) -> None:
        assert without_agent(OTHER + entry + OTHER, hosts=HOSTS) == OTHER + OTHER

    @pytest.mark.parametrize(
        "entry",
        [
            OTHER,
            "deb https://apt.datadoghq.com/ stable observability-pipelines-worker-2\n",
            "deb https://apt.datadoghq.com.evil.example/ stable 7\n",
            "deb https://mirror.example/apt.datadoghq.com/ stable 7\n",
            f"# {AGENT}",
            "",
        ],
    )
    def test_keeps_everything_else(self, entry: str) -> None:
        assert without_agent(OTHER + entry, hosts=HOSTS) == OTHER + entry

    def test_only_removes_the_agents_stanza_from_deb822(self) -> None:
        other = "Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
        agent = "Types: deb\nURIs: https://apt.datadoghq.com/\nSuites: stable\nComponents: 7\nSigned-By: /x.gpg\n"
        kept = without_agent(f"{other}\n{agent}", hosts=HOSTS)
        assert "datadoghq" not in kept
        assert other.strip() in kept
        assert without_agent(agent, hosts=HOSTS) == ""
        assert without_agent(other, hosts=HOSTS) == other

    def test_field_names_are_case_insensitive(self) -> None:
        assert (
            without_agent("types: deb\nuris: https://apt.datadoghq.com/\nsuites: stable\ncomponents: 7\n", hosts=HOSTS)
            == ""
        )


def sources(apt: Path) -> dict[str, str]:
    paths = [*sorted((apt / "sources.list.d").iterdir()), *apt.glob("sources.list")]
    return {path.name: path.read_text() for path in paths if path.is_file()}


def entry(apt: Path) -> list[str]:
    """Return the lines of the role's file that apt reads."""
    return [line for line in sources(apt)["datadog.list"].splitlines() if not line.startswith("#")]


def test_sets_up_keyring_and_entry_once(repository: Run, apt: Path, keyring: Keyring, keys: dict[str, str]) -> None:
    first = repository()
    assert first["files"] == [str(keyring), str(apt / "sources.list.d" / "datadog.list")]
    assert keyring.holds() == [keys["first"]]
    assert keyring.path.stat().st_mode & 0o777 == 0o644
    assert list(sources(apt)) == ["datadog.list"]
    assert entry(apt) == [f"deb [signed-by={keyring}] https://apt.datadoghq.com/ stable 7"]
    again = repository()
    assert (again["changed"], again["files"]) == (False, [])


def test_check_mode_reports_the_same_and_changes_nothing(repository: Run, apt: Path) -> None:
    (apt / "sources.list.d" / "old.list").write_text(AGENT)
    foreseen = repository(check=True, version="1:7.70.0-1")
    assert sources(apt) == {"old.list": AGENT}
    assert not (apt / "keyrings").exists()
    assert foreseen == repository(version="1:7.70.0-1")


def test_diff_names_the_keys(repository: Run, keyring: Keyring, keys: dict[str, str]) -> None:
    keyring.add(keys["third"])
    diff = repository()["diff"][0]
    assert diff["after_header"] == str(keyring)
    assert keys["third"] in diff["before"] and keys["first"] not in diff["before"]
    assert keys["third"] in diff["after"] and keys["first"] in diff["after"]


def test_migrates_the_setup_of_other_tools(repository: Run, apt: Path) -> None:
    folder = apt / "sources.list.d"
    (apt / "sources.list").write_text(OTHER + AGENT)
    (folder / "ansible_datadog_7.list").write_text(AGENT)
    (folder / "ansible_datadog_custom.list").write_text("deb https://mirror.example.com/datadog/ any 7\n")
    (folder / "datadog-agent.sources").write_text(
        "Types: deb\nURIs: https://apt.datadoghq.com/\nSuites: stable\nComponents: 7\n"
    )
    pipelines = AGENT.replace(" 7\n", " observability-pipelines-worker-2\n")
    (folder / "vector.list").write_text(pipelines + AGENT)
    (folder / "notes.txt").write_text(AGENT)
    result = repository()
    left = sources(apt)
    assert "stable 7" in left.pop("datadog.list")
    assert left == {"sources.list": OTHER, "vector.list": pipelines, "notes.txt": AGENT}
    assert str(folder / "ansible_datadog_7.list") in result["files"]
    assert not repository()["changed"]


def test_entry_with_another_address_is_recognised(repository: Run, apt: Path) -> None:
    (apt / "sources.list.d" / "lab.list").write_text("deb http://packages:8081 stable 7\n")
    repository(url="http://packages:8081/")
    assert list(sources(apt)) == ["datadog.list"]


class TestAbsent:
    def test_removes_entry_keyring_and_leftovers(self, repository: Run, apt: Path, keyring: Keyring) -> None:
        repository()
        (apt / "sources.list.d" / "old.list").write_text(AGENT)
        (apt / "sources.list").write_text(OTHER)
        trusted = apt / "trusted.gpg.d" / keyring.path.name
        trusted.parent.mkdir()
        for path in (trusted, keyring.path.with_name("datadog.gpg~")):
            path.write_bytes(keyring.path.read_bytes())
        foreseen = repository(state="absent", check=True)
        assert repository(state="absent") == foreseen
        assert sources(apt) == {"sources.list": OTHER}
        assert [*keyring.path.parent.iterdir(), *trusted.parent.iterdir()] == []
        assert not repository(state="absent")["changed"]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (
                "datadog-observability-pipelines-worker.list",
                "deb [signed-by={keyring}] https://mirror.example/ stable x\n",
            ),
            ("datadog-ddot.sources", "Types: deb\nURIs: https://mirror.example/\nSigned-By: {keyring}\n"),
            # Without the keyring's name, it needs the copy.
            ("pipelines.list", "deb https://apt.datadoghq.com/ stable observability-pipelines-worker-2\n"),
        ],
    )
    def test_keeps_keys_that_another_list_needs(
        self, repository: Run, apt: Path, keyring: Keyring, name: str, text: str
    ) -> None:
        repository()
        trusted = apt / "trusted.gpg.d" / keyring.path.name
        trusted.parent.mkdir()
        trusted.write_bytes(keyring.path.read_bytes())
        other = apt / "sources.list.d" / name
        other.write_text(text.format(keyring=keyring))
        foreseen = repository(state="absent", check=True)
        assert repository(state="absent") == foreseen
        assert foreseen["files"] == [str(apt / "sources.list.d" / "datadog.list")]
        assert keyring.path.exists() and trusted.exists()

    def test_list_that_is_removed_needs_no_keys(self, repository: Run, apt: Path, keyring: Keyring) -> None:
        repository()
        (apt / "sources.list.d" / "old.list").write_text(
            f"# {AGENT}deb [signed-by={keyring}] https://apt.datadoghq.com/ stable 7\n"
        )
        repository(state="absent")
        assert not keyring.path.exists()


@pytest.mark.parametrize(
    ("answer", "version", "previous", "changes"),
    [
        ("", "", "", True),
        ("", "1:7.70.0-1", "", True),
        ("config-files ok 1:7.70.0-1", "", "", True),
        ("half-configured ok 1:7.70.0-1", "1:7.70.0-1", "", False),
        ("half-installed reinstreq 1:7.70.0-1", "1:7.70.0-1", "", False),
        ("installed reinstreq 1:7.70.0-1", "", "", False),
        (INSTALLED, "", "1:7.70.0-1", False),
        (INSTALLED, "1:7.70.0-1", "1:7.70.0-1", False),
        (INSTALLED, "1:7.71.0-1", "1:7.70.0-1", True),
    ],
)
def test_reports_a_version_change(
    repository: Run, installed: Say, answer: str, version: str, previous: str, changes: bool
) -> None:
    repository()
    installed(answer)
    result = repository(version=version)
    assert (result["previous_version"], result["version_changed"]) == (previous, changes)


@pytest.mark.parametrize("check", [False, True])
def test_unrequested_downgrade_changes_nothing(repository: Run, installed: Say, apt: Path, check: bool) -> None:
    installed(INSTALLED)
    result = repository(version="1:7.9.0-1", check=check)
    assert result["failed"]
    assert "1:7.70.0-1 is installed" in result["msg"] and "datadog_agent_allow_downgrade" in result["msg"]
    assert sources(apt) == {}
    assert repository(version="1:7.9.0-1", allow_downgrade=True)["version_changed"]


def test_entry_and_keys_count_as_a_change(repository: Run, installed: Say) -> None:
    installed(INSTALLED)
    first = repository()
    assert (first["changed"], first["version_changed"]) == (True, False)


@pytest.mark.parametrize(
    ("answer", "journal", "interrupted"),
    [
        (INSTALLED, [], False),
        (INSTALLED, ["0001"], True),
        (INSTALLED, ["README"], False),
        ("half-configured ok 1:7.70.0-1", [], True),
        ("unpacked ok 1:7.70.0-1", [], True),
        ("half-installed reinstreq 1:7.70.0-1", [], True),
        ("installed reinstreq 1:7.70.0-1", [], True),
    ],
)
def test_repairs_an_interrupted_dpkg(
    repository: Run, installed: Say, tmp_path: Path, answer: str, journal: list[str], interrupted: bool
) -> None:
    repository()
    installed(answer)
    updates = tmp_path / "dpkg" / "updates"
    updates.mkdir(parents=True)
    for name in journal:
        (updates / name).touch()
    result = repository(check=True)
    assert (result["changed"], result["actions"]) == (interrupted, ["datadog-agent"] * interrupted)
