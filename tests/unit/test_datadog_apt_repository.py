# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that sets up the package repository, in a sources folder of the test's own."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.modules import datadog_apt_repository
from ansible_collections.kennel.fleet.plugins.modules.datadog_apt_repository import dearmor, without_agent

Run = Callable[..., dict[str, Any]]

BINARY = b"\x99\x01\x0d" + bytes(range(200))
HOSTS = ("apt.datadoghq.com", "packages:8081")
AGENT = "deb [signed-by=/usr/share/keyrings/datadog-archive-keyring.gpg] https://apt.datadoghq.com/ stable 7\n"
OTHER = "deb https://mirror.example/debian bookworm main\n"


def armored(data: bytes, *, header: str = "Version: GnuPG v2\n", checksum: str = "=abcd\n", end: str = "\n") -> bytes:
    body = base64.encodebytes(data).decode()
    text = f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n{header}\n{body}{checksum}-----END PGP PUBLIC KEY BLOCK-----\n"
    return text.replace("\n", end).encode()


class TestDearmor:
    @pytest.mark.parametrize(
        "data",
        [BINARY, armored(BINARY), armored(BINARY, header=""), armored(BINARY, checksum=""), armored(BINARY, end="\r\n"),
         b"pub  rsa4096\n\n" + armored(BINARY)],
    )  # fmt: skip
    def test_gives_the_binary_form(self, data: bytes) -> None:
        assert dearmor(data) == BINARY

    @pytest.mark.parametrize(
        "data", [b"", b"<html>Not found</html>", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc", armored(BINARY)[:-40]]
    )
    def test_refuses_what_is_no_key(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="no public key"):
            dearmor(data)

    def test_refuses_damaged_armor(self) -> None:
        with pytest.raises(ValueError, match="armor is damaged"):
            dearmor(armored(BINARY).replace(b"mQEN", b"mQ*N"))


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
    def test_takes_out_lines_for_the_agent(self, entry: str) -> None:
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

    def test_takes_only_the_stanza_of_the_agent_out_of_deb822(self) -> None:
        other = "Types: deb\nURIs: https://mirror.example/debian\nSuites: bookworm\nComponents: main\n"
        agent = "Types: deb\nURIs: https://apt.datadoghq.com/\nSuites: stable\nComponents: 7\nSigned-By: /x.gpg\n"
        kept = without_agent(f"{other}\n{agent}", hosts=HOSTS)
        assert "datadoghq" not in kept
        assert other.strip() in kept
        assert without_agent(agent, hosts=HOSTS) == ""
        assert without_agent(other, hosts=HOSTS) == other

    def test_knows_fields_in_any_case(self) -> None:
        assert (
            without_agent("types: deb\nuris: https://apt.datadoghq.com/\nsuites: stable\ncomponents: 7\n", hosts=HOSTS)
            == ""
        )


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "KEY.public"
    path.write_bytes(armored(BINARY))
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that says what the false dpkg-query answers; at first, that nothing is installed."""
    script = tmp_path / "bin" / "dpkg-query"
    script.parent.mkdir()
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")

    def say(answer: str) -> None:
        script.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n" if answer else "#!/bin/sh\nexit 1\n")
        script.chmod(0o755)

    say("")
    return say


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, text, **_more: found.append(text))
    return found


@pytest.fixture
def repository(run_module: Run, own_files: None, apt: Path, key: Path, installed: object) -> Run:
    wanted = {
        "url": "https://apt.datadoghq.com/",
        "key_urls": [key.as_uri()],
        "keyring": str(apt / "keyrings" / "datadog.gpg"),
        "sources": str(apt / "sources.list.d"),
    }
    return lambda **changes: run_module(datadog_apt_repository, **{**wanted, **changes})


def sources(apt: Path) -> dict[str, str]:
    paths = [*sorted((apt / "sources.list.d").iterdir()), *apt.glob("sources.list")]
    return {path.name: path.read_text() for path in paths if path.is_file()}


def test_sets_up_keyring_and_entry_once(repository: Run, apt: Path) -> None:
    first = repository()
    keyring = apt / "keyrings" / "datadog.gpg"
    assert first["files"] == [str(keyring), str(apt / "sources.list.d" / "datadog.list")]
    assert keyring.read_bytes() == BINARY
    assert keyring.stat().st_mode & 0o777 == 0o644
    assert sources(apt) == {"datadog.list": f"deb [signed-by={keyring}] https://apt.datadoghq.com/ stable 7\n"}
    again = repository()
    assert (again["changed"], again["files"]) == (False, [])


def test_check_mode_tells_the_same_and_changes_nothing(repository: Run, apt: Path) -> None:
    (apt / "sources.list.d" / "old.list").write_text(AGENT)
    foreseen = repository(check=True)
    assert sources(apt) == {"old.list": AGENT}
    assert not (apt / "keyrings").exists()
    assert foreseen == repository()


def test_several_keys_make_one_keyring(repository: Run, apt: Path, tmp_path: Path, key: Path) -> None:
    other = tmp_path / "OTHER.public"
    other.write_bytes(BINARY[::-1].replace(BINARY[-1:], b"\x99"))
    repository(key_urls=[key.as_uri(), other.as_uri(), key.as_uri()])
    assert (apt / "keyrings" / "datadog.gpg").read_bytes() == BINARY + other.read_bytes()


def test_migrates_what_other_tools_left(repository: Run, apt: Path) -> None:
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


def test_entry_under_another_address_is_taken_for_the_same(repository: Run, apt: Path) -> None:
    (apt / "sources.list.d" / "lab.list").write_text("deb http://packages:8081 stable 7\n")
    repository(url="http://packages:8081/")
    assert list(sources(apt)) == ["datadog.list"]


def test_keyring_is_kept_with_a_warning_when_a_key_is_away(
    repository: Run, apt: Path, key: Path, warnings: list[str]
) -> None:
    repository()
    key.unlink()
    result = repository()
    assert (result["failed"], result["changed"]) == (False, False)
    assert (apt / "keyrings" / "datadog.gpg").read_bytes() == BINARY
    [warning] = warnings
    assert key.as_uri() in warning
    assert "kept" in warning


@pytest.mark.parametrize("content", [None, b"<html>Sign in</html>"])
def test_fails_without_any_keyring(repository: Run, apt: Path, key: Path, content: bytes | None) -> None:
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    result = repository()
    assert result["failed"]
    assert key.as_uri() in result["msg"]
    assert "key_urls" in result["msg"]
    assert sources(apt) == {}


def test_absent_takes_out_entry_keyring_and_leftovers(repository: Run, apt: Path) -> None:
    repository()
    (apt / "sources.list.d" / "old.list").write_text(AGENT)
    (apt / "sources.list").write_text(OTHER)
    foreseen = repository(state="absent", check=True)
    assert repository(state="absent") == foreseen
    assert sources(apt) == {"sources.list": OTHER}
    assert not (apt / "keyrings" / "datadog.gpg").exists()
    assert not repository(state="absent")["changed"]


@pytest.mark.parametrize(
    ("answer", "version", "installed_version", "downgrade", "refresh"),
    [
        ("", "", "", False, True),
        ("", "1:7.70.0-1", "", False, True),
        ("config-files 1:7.70.0-1", "", "", False, True),
        ("installed 1:7.70.0-1", "", "1:7.70.0-1", False, False),
        ("installed 1:7.70.0-1", "1:7.70.0-1", "1:7.70.0-1", False, False),
        ("installed 1:7.70.0-1", "1:7.71.0-1", "1:7.70.0-1", False, True),
        ("installed 1:7.70.0-1", "1:7.9.0-1", "1:7.70.0-1", True, True),
    ],
)
def test_says_what_the_wanted_version_means(
    repository: Run,
    installed: Callable[[str], None],
    answer: str,
    version: str,
    installed_version: str,
    downgrade: bool,
    refresh: bool,
) -> None:
    repository()
    installed(answer)
    result = repository(version=version)
    assert (result["installed"], result["downgrade"], result["refresh"]) == (installed_version, downgrade, refresh)


def test_new_entry_asks_for_a_refresh(repository: Run, installed: Callable[[str], None]) -> None:
    installed("installed 1:7.70.0-1")
    assert repository()["refresh"]
    assert not repository()["refresh"]
