# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The apt repository of the Agent's package: its keys, its entry, and the entries that other tools have left for it."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from .._secrets.yaml_files import HEADER
from . import safe_files
from .changes import Changes
from .keyring import Keyring, describe

# Hosts under which the Agent's packages are or were published: entries of other tools are recognised by them.
PUBLISHED = ("apt.datadoghq.com", "apt-trace.datad0g.com", "s3.amazonaws.com/apt.datadoghq.com")
AGENT_COMPONENTS = {"5", "6", "7", "main"}
OFFICIAL = "ansible_datadog_"
# In the file of the entry: the hash of a URL, and the fingerprints of its keys.
RECORD = re.compile(r"^# ([0-9a-f]{16}) (\S+)$", re.MULTILINE)
RECORD_NOTE = "# The keys that each address gave, by a hash of the address, so that none is fetched a second time:\n"


def without_agent(text: str, *, hosts: tuple[str, ...]) -> str:
    """Return a sources file, in one-line or deb822 format, without the entries for the Agent's repository.

    Entries for other Datadog products on the same host (other components) stay.
    """
    stanzas = re.split(r"(\n[ \t]*\n)", text)
    if any(re.match(r"(?im)^URIs:", line) for line in text.splitlines()):
        kept = ["" if _is_agent_stanza(stanza, hosts) else stanza for stanza in stanzas]
        return "" if not "".join(kept).strip() else "".join(kept)
    lines = [line for line in text.splitlines(keepends=True) if not _is_agent_line(line, hosts)]
    return "".join(lines)


def _is_agent_line(line: str, hosts: tuple[str, ...]) -> bool:
    found = re.match(r"\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?(?P<uri>\S+)\s+\S+(?P<components>(?:\s+[^\s#]+)*)", line)
    if found is None:
        return False
    return _matches(found["uri"], hosts) and bool(AGENT_COMPONENTS & set(found["components"].split()))


def _is_agent_stanza(stanza: str, hosts: tuple[str, ...]) -> bool:
    fields = dict(re.findall(r"(?im)^([A-Za-z-]+):[ \t]*(.*)$", stanza))
    named = {name.lower(): value.split() for name, value in fields.items()}
    return any(_matches(uri, hosts) for uri in named.get("uris", [])) and bool(
        AGENT_COMPONENTS & set(named.get("components", []))
    )


def _matches(uri: str, hosts: tuple[str, ...]) -> bool:
    parts = urlsplit(uri.removeprefix("mirror+"))
    return any(f"{parts.netloc}{parts.path}/".startswith(f"{host}/") for host in hosts)


class Repository:
    """The repository on this host: compares it with the desired state and applies that."""

    def __init__(self, changes: Changes) -> None:
        self.module = module = changes.module
        self.params = module.params
        self.changes = changes
        self.path = os.path.join(self.params["sources"], self.params["filename"])
        wanted = urlsplit(self.params["url"])
        self.hosts = (*PUBLISHED, f"{wanted.netloc}{wanted.path}".rstrip("/"))
        self.entry = (
            f"deb [signed-by={self.params['keyring']}] {self.params['url']} "
            f"{self.params['suite']} {self.params['component']}\n"
        )
        self.keyring = Keyring(module, self.params["keyring"])
        self.shared = False

    def present(self, *, due: bool) -> None:
        """Write keys and entry. DUE means that the package is about to be installed, so apt verifies the repository."""
        there = safe_files.read_text(self.path)
        renew = due or self.params["refresh_keys"] or self.entry not in there
        record = self.keyring.add(self.params["key_urls"], dict(RECORD.findall(there)), renew=renew)
        if self.keyring.diff:
            self.changes.note(self.keyring.path, *self.keyring.diff)
        self.others()
        noted = "".join(f"# {address} {fingerprints}\n" for address, fingerprints in record.items())
        self.changes.write(self.path, f"{HEADER}{RECORD_NOTE}{noted}{self.entry}")

    def absent(self) -> None:
        """Remove the entry, and the keys unless another apt source of Datadog needs them."""
        left = self.others()
        self.remove(self.path)
        self.shared = any(name in line for line in left for name in (self.params["keyring"], *PUBLISHED))
        if self.shared:
            return
        # If no apt source names the keyring, datadog-signing-keys 1.4.1 makes a copy that apt trusts for every
        # repository. GnuPG keeps the previous version of a keyring under its name with a tilde.
        name = os.path.basename(self.params["keyring"])
        for path in (
            self.params["keyring"],
            os.path.join(os.path.dirname(self.params["sources"]), "trusted.gpg.d", name),
        ):
            self.remove(path)
            self.remove(f"{path}~")

    def others(self) -> list[str]:
        """Remove the repository from all other sources files; delete a file that is empty afterwards.

        Return the remaining lines of all of them, without comments.
        """
        left = []
        folder = self.params["sources"]
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        paths = [os.path.join(folder, name) for name in names if name.endswith((".list", ".sources"))]
        for path in [*paths, os.path.join(os.path.dirname(folder), "sources.list")]:
            if path == self.path or not os.path.isfile(path):
                continue
            before = safe_files.read_text(path)
            # Files of the official role contain only the Agent's repository, at any URL.
            after = "" if os.path.basename(path).startswith(OFFICIAL) else without_agent(before, hosts=self.hosts)
            lines = [line for line in after.splitlines() if line.strip() and not line.lstrip().startswith("#")]
            left += lines
            if after != before and lines:
                self.changes.write(path, after)
            elif after != before:
                self.remove(path)
        return left

    def remove(self, path: str) -> None:
        keys = b"" if path.endswith((".list", ".sources")) else safe_files.read_bytes(path)
        text = safe_files.remove_file(self.module, path)
        if text is not None:
            self.changes.note(path, describe(keys) if keys else text, "")
