"""The throwaway keys of the lab's package repository: like Datadog's, several, with subkeys, and one expired."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.append(str(Path(__file__).parents[3] / "lab"))

from signing import SIGNER, SPARES, archive_keys, complete


class Made(NamedTuple):
    """The keys after each of two builds of the repository, and the folder of the package of keys."""

    cache: Path
    public: dict[str, str]
    again: dict[str, str]
    ids: list[str]
    debsig: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    cache, debsig = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("debsig")
    assert not complete(cache)
    with archive_keys(cache) as keys:
        public = keys.public()
    assert complete(cache)
    with archive_keys(cache) as keys:
        return Made(cache, public, keys.public(), keys.debsig(debsig), debsig)


def gpg(home: Path, *arguments: str, given: bytes = b"") -> str:
    home.chmod(0o700)
    command = ["gpg", "--homedir", str(home), "--batch", "--quiet", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout.decode()


def listed(home: Path, keyring: Path) -> list[list[str]]:
    options = ("--no-default-keyring", "--keyring", str(keyring), "--with-colons", "--list-keys")
    return [line.split(":") for line in gpg(home, *options).splitlines()]


def test_keys_are_created_once(made: Made) -> None:
    assert made.again == made.public
    names = {f"DATADOG_APT_KEY_{name}.public" for name in ("CURRENT", "06462314", *SPARES)}
    assert set(made.public) == names
    assert made.public["DATADOG_APT_KEY_CURRENT.public"] == made.public["DATADOG_APT_KEY_06462314.public"]
    # The secret part is only kept of the key that signs.
    assert [path.name for path in made.cache.glob("*.asc")] == ["signing-key.asc"]
    secret = [path.name for path in made.cache.rglob("*.asc") if "PRIVATE KEY" in path.read_text(encoding="ascii")]
    assert secret == ["signing-key.asc"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in made.cache.glob("*.asc"))


def test_package_of_keys_extends_a_keyring_once(made: Made, tmp_path: Path) -> None:
    """As measured with the real package: old bytes stay in front, and a complete keyring is unchanged."""
    keyring = tmp_path / "keyring.gpg"
    current = made.public["DATADOG_APT_KEY_CURRENT.public"].encode()
    gpg(tmp_path, "--yes", "--output", str(keyring), "--dearmor", given=current)
    states = [keyring.read_bytes()]
    for _ in range(2):
        for key_id in made.ids:
            data = (made.debsig / key_id / "debsig.gpg").read_bytes()
            gpg(tmp_path, "--no-default-keyring", "--keyring", str(keyring), "--import", given=data)
        states.append(keyring.read_bytes())
    first, second, third = states
    assert second.startswith(first) and len(second) > len(first)
    assert third == second
    keys = listed(tmp_path, keyring)
    users = [fields[9] for fields in keys if fields[0] == "uid"]
    assert users[0] == SIGNER and len(users) == 1 + len(SPARES)
    # Some sign with a subkey, by which the package names them; one has expired.
    assert {fields[4] for fields in keys if fields[0] in ("pub", "sub")} > set(made.ids)
    assert sum(fields[0] == "sub" for fields in keys) == 2
    ends = sorted(int(fields[6]) for fields in keys if fields[0] == "pub")
    assert ends[0] < time.time() < ends[1]
