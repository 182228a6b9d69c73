# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keyring that apt verifies a repository with: keys are fetched for it and added to it, and none is removed."""

from __future__ import annotations

import hashlib
import os
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import openpgp, safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import public_address, public_text

# Of what an address gives: a key has some kilobytes.
LARGEST = 1 << 20


class Keyring:
    """A keyring in binary form. ``diff`` is what it held and holds, if it was or in check mode would be changed."""

    def __init__(self, module: AnsibleModule, path: str) -> None:
        self.module = module
        self.path = os.path.realpath(path)
        self.diff: tuple[str, str] | None = None
        self._unreachable: set[str] = set()

    def add(self, urls: list[str], record: dict[str, str], *, renew: bool) -> dict[str, str]:
        """Add the keys at these addresses that are missing. Returns the fingerprints of each address, by its hash.

        RECORD is what was returned at the last time: an address whose keys are all there is not asked again. With RENEW
        all are asked: apt is about to verify the repository, and its key may be a new one, or an old one prolonged.
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
        """The keys that are there, in binary form."""
        there = safe_files.read_bytes(self.path)
        try:
            keys = openpgp.dearmor(there) if there else b""
            openpgp.public_keys(keys)
        except ValueError as error:
            self.module.warn(f"apt cannot use the keyring {self.path}: {error}. It is replaced.")
            return b""
        return keys

    def _fetch(self, url: str, *, kept: bool) -> bytes:
        """The keys at this address; nothing where they cannot be had and the keyring holds others that are KEPT."""
        # It takes a tenth of a second to import, and few runs fetch a key.
        from ansible.module_utils.urls import open_url

        server = urlsplit(url).netloc
        if server in self._unreachable:
            return b""
        try:
            with open_url(url, timeout=30) as answer:
                keys = openpgp.dearmor(answer.read(LARGEST))
            if not openpgp.public_keys(keys):
                raise ValueError("it is not a public key")
        # Whatever the transport raises, a host that has a keyring is better off with it than without.
        except Exception as error:  # noqa: BLE001
            message = public_text(f"The key {public_address(url)} cannot be had: {error}")
            if not kept:
                self.module.fail_json(
                    msg=f"{message}. Make it reachable from this host or change the key addresses (key_urls)."
                )
            if server and not isinstance(error, (HTTPError, ValueError)):
                # Else each of its other keys would be waited for, too.
                self._unreachable.add(server)
            self.module.warn(f"{message}. The keys that are in the keyring were kept.")
            return b""
        return keys

    def _write(self, wanted: bytes) -> None:
        there = safe_files.read_bytes(self.path)
        # apt reads it as a user of its own.
        if there == wanted and (not there or os.stat(self.path).st_mode & 0o444 == 0o444):
            return
        self.diff = (describe(there), describe(wanted))
        if self.module.check_mode:
            return
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        safe_files.ensure_file(self.module, self.path, wanted, owner="root", group="root", mode="0644")


def describe(keyring: bytes) -> str:
    """The keys of a keyring for a diff, each in a line."""
    try:
        return "".join(f"{key.fingerprint} ({len(key.data)} bytes)\n" for key in openpgp.public_keys(keyring))
    except ValueError:
        return f"{len(keyring)} bytes that are not keys\n"


def _hash(url: str) -> str:
    """A name for an address, without the password that may be in it."""
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}?{parts.query}"
    return hashlib.sha256(bare.encode()).hexdigest()[:16]
