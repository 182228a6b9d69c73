# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keyring of the package repository, as GnuPG reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpg import Gpg, Keyring, Server

Run = Callable[..., dict[str, Any]]
Say = Callable[[str], None]

INSTALLED = "installed ok 1:7.70.0-1"


def test_keys_of_several_addresses_make_one_keyring(
    repository: Run, server: Server, keyring: Keyring, keys: dict[str, str]
) -> None:
    urls = [
        server.put("a.public", keys["first"]),
        server.put("b.gpg", keys["second"], keys["third"], armor=False),
        server.put("c.public", keys["first"]),
    ]
    repository(key_urls=urls)
    assert keyring.holds() == [keys["first"], keys["second"], keys["third"]]


def test_keys_that_a_package_adds_change_nothing(
    repository: Run, server: Server, installed: Say, keyring: Keyring, keys: dict[str, str]
) -> None:
    repository()
    installed(INSTALLED)
    keyring.add(keys["third"], keys["fourth"])
    grown = keyring.path.read_bytes()
    server.go_away()
    second = repository()
    assert (second["changed"], second["version_changed"]) == (False, False)
    assert keyring.path.read_bytes() == grown


def test_new_keys_are_appended_to_unchanged_ones(repository: Run, keyring: Keyring, keys: dict[str, str]) -> None:
    keyring.add(keys["third"], keys["second"])
    before = keyring.path.read_bytes()
    repository()
    assert keyring.path.read_bytes().startswith(before)
    assert set(keyring.holds()) == {keys["third"], keys["second"], keys["first"]}


def test_complete_keyring_is_unchanged(repository: Run, keyring: Keyring, keys: dict[str, str]) -> None:
    keyring.add(keys["second"], keys["first"])
    before = keyring.path.read_bytes()
    assert str(keyring) not in repository()["files"]
    assert keyring.path.read_bytes() == before


def test_complete_keyring_is_not_fetched_again(
    repository: Run, server: Server, installed: Say, warnings: list[str]
) -> None:
    repository()
    installed(INSTALLED)
    server.go_away()
    for check in (False, True):
        assert not repository(check=check, version="1:7.70.0-1")["changed"]
    assert warnings == []


def test_missing_key_is_restored(
    repository: Run, server: Server, installed: Say, keyring: Keyring, keys: dict[str, str]
) -> None:
    urls = [server.put("a.public", keys["first"]), server.put("b.public", keys["second"])]
    repository(key_urls=urls)
    installed(INSTALLED)
    keyring.path.unlink()
    keyring.add(keys["first"], keys["fourth"])
    # Only the other key is fetched.
    (server.folder / "a.public").unlink()
    result = repository(key_urls=urls)
    assert result["files"] == [str(keyring)]
    assert set(keyring.holds()) == {keys["first"], keys["fourth"], keys["second"]}
    assert not result["version_changed"]


def test_keys_of_a_new_url_are_fetched(
    repository: Run, server: Server, installed: Say, keyring: Keyring, keys: dict[str, str]
) -> None:
    repository()
    installed(INSTALLED)
    repository(key_urls=[server.url("KEY_CURRENT.public"), server.put("new.public", keys["second"])])
    assert keyring.holds() == [keys["first"], keys["second"]]


@pytest.mark.parametrize(
    ("answer", "arguments"),
    [
        ("", {}),
        (INSTALLED, {"version": "1:7.71.0-1"}),
        (INSTALLED, {"refresh_keys": True}),
        (INSTALLED, {"suite": "beta"}),
        ("half-installed reinstreq 1:7.70.0-1", {}),
    ],
)
def test_new_keys_arrive_before_apt_needs_them(
    repository: Run,
    server: Server,
    installed: Say,
    keyring: Keyring,
    keys: dict[str, str],
    answer: str,
    arguments: dict[str, Any],
) -> None:
    repository()
    installed(answer)
    server.put("KEY_CURRENT.public", keys["second"])
    assert str(keyring) in repository(**arguments)["files"]
    assert keyring.holds() == [keys["first"], keys["second"]]


def test_expired_keys_are_renewed_on_request(
    repository: Run, server: Server, installed: Say, keyring: Keyring, gpg: Gpg
) -> None:
    short = gpg.key("short", expire="1y", at="20200101T000000")
    urls = [server.put("short.public", short)]
    repository(key_urls=urls)
    installed(INSTALLED)
    gpg.prolong(short, expire="2040-01-01", at="20200601T000000")
    server.put("short.public", short)
    assert not repository(key_urls=urls)["changed"]
    foreseen = repository(key_urls=urls, refresh_keys=True, check=True)
    assert repository(key_urls=urls, refresh_keys=True) == foreseen
    assert foreseen["files"] == [str(keyring)]
    assert gpg.listed(str(keyring))[short] > "2000000000"
    assert not repository(key_urls=urls, refresh_keys=True)["changed"]


def test_unreachable_key_causes_a_warning(
    repository: Run, server: Server, keyring: Keyring, keys: dict[str, str], warnings: list[str]
) -> None:
    repository()
    before = keyring.path.read_bytes()
    server.go_away()
    result = repository(refresh_keys=True)
    assert (result["failed"], result["changed"]) == (False, False)
    assert keyring.path.read_bytes() == before
    [warning] = warnings
    assert server.url("KEY_CURRENT.public") in warning
    assert "kept" in warning


def test_reachable_keys_are_added_if_another_is_unreachable(
    repository: Run,
    server: Server,
    installed: Say,
    keyring: Keyring,
    keys: dict[str, str],
    warnings: list[str],
) -> None:
    repository()
    installed(INSTALLED)
    urls = [server.url("none.public"), server.put("new.public", keys["second"])]
    repository(key_urls=urls)
    assert keyring.holds() == [keys["first"], keys["second"]]
    # It is requested again until it is there.
    assert not repository(key_urls=urls)["changed"]
    assert len(warnings) == 2
    server.put("none.public", keys["third"])
    repository(key_urls=urls)
    assert keyring.holds()[2:] == [keys["third"]]


@pytest.mark.parametrize("content", [None, b"", b"<html>Sign in</html>", b"\x99\x01"])
def test_unreachable_keys_fail_without_a_keyring(
    repository: Run, apt: Path, server: Server, content: bytes | None
) -> None:
    server.go_away()
    if content is not None:
        (server.folder / "KEY_CURRENT.public").write_bytes(content)
    result = repository()
    assert result["failed"]
    assert server.url("KEY_CURRENT.public") in result["msg"]
    assert "key_urls" in result["msg"]
    assert list((apt / "sources.list.d").iterdir()) == []


def test_secret_keys_are_refused(repository: Run, server: Server, gpg: Gpg, keys: dict[str, str]) -> None:
    secret = gpg("--export-secret-keys", keys["first"])
    (server.folder / "KEY_CURRENT.public").write_bytes(secret)
    result = repository()
    assert result["failed"]
    assert "secret key" in result["msg"]


@pytest.mark.parametrize("content", [b"<html>", b"\x00\x00\x00\x20\x01\x01\x00\x02KBXf" + bytes(20)])
def test_keyring_that_apt_cannot_read_is_replaced(
    repository: Run, keyring: Keyring, keys: dict[str, str], warnings: list[str], content: bytes
) -> None:
    """For example, a proxy's page, or GnuPG's keybox format."""
    keyring.path.parent.mkdir()
    keyring.path.write_bytes(content)
    repository()
    assert keyring.holds() == [keys["first"]]
    assert "cannot use the keyring" in warnings[0]


def test_armored_keys_become_binary(repository: Run, keyring: Keyring, keys: dict[str, str], gpg: Gpg) -> None:
    keyring.path.parent.mkdir()
    keyring.path.write_bytes(gpg.export(keys["second"], armor=True))
    repository()
    assert keyring.holds() == [keys["second"], keys["first"]]


def test_keyring_is_readable_for_apts_user(repository: Run, keyring: Keyring) -> None:
    repository()
    keyring.path.chmod(0o600)
    assert repository(check=True)["files"] == [str(keyring)]
    assert repository()["files"] == [str(keyring)]
    assert keyring.path.stat().st_mode & 0o777 == 0o644
    assert not repository()["changed"]


def test_entry_has_no_password_from_the_url(repository: Run, apt: Path, server: Server, keys: dict[str, str]) -> None:
    url = server.put("a.public", keys["first"]).replace("file://", "file://me:geheim@")
    repository(key_urls=[url])
    assert "geheim" not in (apt / "sources.list.d" / "datadog.list").read_text()


def test_messages_have_no_password_from_the_url(
    repository: Run, keyring: Keyring, keys: dict[str, str], warnings: list[str]
) -> None:
    urls = ["http://me:geheim@127.0.0.1:9/a.public?token=geheim"]
    refused = repository(key_urls=urls)
    assert "The key http://127.0.0.1:9/a.public?token=******** cannot be downloaded" in refused["msg"]
    keyring.add(keys["first"])
    repository(key_urls=urls)
    [warning] = warnings
    assert "http://127.0.0.1:9/a.public" in warning
    assert "geheim" not in f"{refused}{warning}"
