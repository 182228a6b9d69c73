# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keyring with which apt verifies a repository. Keys are downloaded and added; none is removed."""

from __future__ import annotations

import hashlib
import os
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from .._secrets.names import public_address, public_text
from . import openpgp, safe_files

# Limit for a download. A key has some kilobytes.
LARGEST = 1 << 20


class Keyring:
    """A keyring in binary form. ``diff`` is its content before and after, if it changes or would in check mode."""

    def __init__(self, module: AnsibleModule, path: str) -> None:
        self.module = module
        self.path = os.path.realpath(path)
        self.diff: tuple[str, str] | None = None
        self._unreachable: set[str] = set()

    def add(self, urls: list[str], record: dict[str, str], *, renew: bool) -> dict[str, str]:
        """Add missing keys from these URLs. Return the fingerprints of the keys at each URL, by the hash of the URL.

        RECORD is the previous result: a URL whose keys are all present is not read again. With RENEW, all are read: apt
        is about to verify the repository, whose key may be new or extended.
        """
        stored = self._stored()
        have = {key.fingerprint for key in openpgp.public_keys(stored)}
        known, fetched = {}, []
        for url in urls:
            address = _hash(url)
            if address in record:
                known[address] = record[address]
                if not renew and have >= set(record[address].split(",")):
                    continue
            keys = self._fetch(url, kept=bool(have))
            if keys:
                known[address] = ",".join(key.fingerprint for key in openpgp.public_keys(keys))
                fetched.append(keys)
        self._write(openpgp.merge(stored, fetched))
        return known

    def _stored(self) -> bytes:
        """Return the existing keys in binary form."""
        there = safe_files.read_bytes(self.path)
        try:
            keys = openpgp.dearmor(there) if there else b""
            openpgp.public_keys(keys)
        except ValueError as error:
            self.module.warn(f"apt cannot use the keyring {self.path}: {error}. It is replaced.")
            return b""
        return keys

    def _fetch(self, url: str, *, kept: bool) -> bytes:
        """Return the keys at this URL; nothing if it cannot be read and other keys of the keyring are KEPT."""
        # The import takes a tenth of a second, and few runs download a key.
        from ansible.module_utils.urls import open_url

        server = urlsplit(url).netloc
        if server in self._unreachable:
            return b""
        try:
            with open_url(url, timeout=30) as answer:
                keys = openpgp.dearmor(answer.read(LARGEST))
            if not openpgp.public_keys(keys):
                raise ValueError("it is not a public key")
        # Whatever the transport raises, a host with a keyring should keep it.
        except Exception as error:  # noqa: BLE001
            message = public_text(f"The key {public_address(url)} cannot be downloaded: {error}")
            if not kept:
                self.module.fail_json(msg=f"{message}. Make it reachable from this host, or change key_urls.")
            if server and not isinstance(error, (HTTPError, ValueError)):
                # Otherwise each of its other keys would time out, too.
                self._unreachable.add(server)
            self.module.warn(f"{message}. The keys in the keyring were kept.")
            return b""
        return keys

    def _write(self, wanted: bytes) -> None:
        there = safe_files.read_bytes(self.path)
        # apt reads it as a separate user.
        if there == wanted and (not there or os.stat(self.path).st_mode & 0o444 == 0o444):
            return
        self.diff = (describe(there), describe(wanted))
        if self.module.check_mode:
            return
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        safe_files.ensure_file(self.module, self.path, wanted, owner="root", group="root", mode="0644")


def describe(keyring: bytes) -> str:
    """Return the keys of a keyring for a diff, one on each line."""
    try:
        return "".join(f"{key.fingerprint} ({len(key.data)} bytes)\n" for key in openpgp.public_keys(keyring))
    except ValueError:
        return f"{len(keyring)} bytes that are not keys\n"


def _hash(url: str) -> str:
    """Return a hash of a URL, without the password that it may contain."""
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.sha256(bare.encode()).hexdigest()[:16]
