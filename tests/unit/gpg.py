# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys and keyrings made by GnuPG."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Gpg:
    """GnuPG with its own secret keys."""

    def __init__(self, home: str) -> None:
        self.home = home

    def __call__(self, *arguments: str, given: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", self.home, "--batch", "--quiet", "--no-tty", "--yes", "--passphrase", ""]
        # A separate keyring may lack keys that this GnuPG trusts, which is not an error.
        command += ["--trust-model", "always"]
        return subprocess.run([*command, *arguments], input=given, check=True, capture_output=True).stdout

    def key(self, name: str, *, kind: str = "ed25519", expire: str = "0", at: str = "20260101T000000") -> str:
        """Make a key, dated in the past, and return its fingerprint."""
        self("--faked-system-time", f"{at}!", "--quick-gen-key", f"{name} <{name}@example.com>", kind, "sign", expire)
        listing = self("--with-colons", "--list-keys", f"<{name}@example.com>").decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))

    def prolong(self, fingerprint: str, *, expire: str, at: str) -> None:
        self("--faked-system-time", f"{at}!", "--quick-set-expire", fingerprint, expire)

    def export(self, *fingerprints: str, armor: bool = False) -> bytes:
        return self(*(["--armor"] if armor else []), "--export", *fingerprints)

    def add(self, keyring: str, keys: bytes) -> None:
        """Import into a separate keyring, as the package datadog-signing-keys does."""
        self("--no-default-keyring", "--keyring", keyring, "--import", given=keys)

    def listed(self, keyring: str) -> dict[str, str]:
        """Map fingerprints of a keyring's primary keys to their expiry, in seconds."""
        found: dict[str, str] = {}
        expires: str | None = None
        said = self("--no-default-keyring", "--keyring", keyring, "--with-colons", "--list-keys").decode()
        for fields in (line.split(":") for line in said.splitlines()):
            if fields[0] == "pub":
                expires = fields[6]
            elif fields[0] == "fpr" and expires is not None:
                # Fingerprints of subkeys follow.
                found[fields[9]], expires = expires, None
        return found


class Server:
    """The server of keys: a file for each URL."""

    def __init__(self, folder: Path, gpg: Gpg) -> None:
        self.folder = folder
        self.gpg = gpg
        folder.mkdir()

    def url(self, name: str) -> str:
        return (self.folder / name).as_uri()

    def put(self, name: str, *fingerprints: str, armor: bool = True) -> str:
        (self.folder / name).write_bytes(self.gpg.export(*fingerprints, armor=armor))
        return self.url(name)

    def go_away(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()


class Keyring:
    """The keyring, as GnuPG reads it."""

    def __init__(self, path: Path, gpg: Gpg) -> None:
        self.path = path
        self.gpg = gpg

    def __str__(self) -> str:
        return str(self.path)

    def holds(self) -> list[str]:
        return list(self.gpg.listed(str(self.path)))

    def add(self, *fingerprints: str) -> None:
        """Change it as the package datadog-signing-keys does."""
        self.path.parent.mkdir(exist_ok=True)
        self.path.touch()
        self.gpg.add(str(self.path), self.gpg.export(*fingerprints))


@contextmanager
def gnupg() -> Iterator[Gpg]:
    """GnuPG for the tests of a file. Its path is short, because socket paths are limited to about 100 characters."""
    with tempfile.TemporaryDirectory(prefix="kennel-gpg-") as home:
        try:
            yield Gpg(home)
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=True)
