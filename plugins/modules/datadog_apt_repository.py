# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set up the package repository of the Agent, keys first."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_apt_repository
short_description: Set up the apt repository of the Datadog Agent
version_added: 0.1.0
description:
  - Puts the keyring right before anything else, since Datadog's signing keys rotate and a host that has only the old
    key cannot refresh its package lists.
  - Adds the keys that the keyring lacks, and removes none. The package C(datadog-signing-keys) adds keys to it, too.
  - Fetches the keys of an address at first, where one of them is missing, and where the package has to be installed or
    changed. What an address gave is noted beside the entry, by a hash of the address and the keys' fingerprints.
  - Writes one entry for the repository and takes out the entries that other tools have left for it. Two entries with
    different keyrings would make every call to apt fail.
  - Reports whether the wanted version has to be installed, so that the package lists are refreshed only then.
author: Kennel contributors (@kennel)
options:
  state:
    description:
      - Whether the repository is to be there.
      - With V(absent) the keyring goes as well, and with it the copy in C(trusted.gpg.d) that C(datadog-signing-keys)
        may have made, unless another list names the keyring or is for one of Datadog's other products.
    type: str
    choices: [present, absent]
    default: present
  url:
    description: The repository.
    type: str
    required: true
  suite:
    description: The suite.
    type: str
    default: stable
  component:
    description: The component, which is the Agent's major version.
    type: str
    default: "7"
  key_urls:
    description:
      - Where the public keys are that may sign the repository, armored or binary, one or several at an address.
      - If one cannot be had and the keyring holds others, those are kept and a warning is given.
    type: list
    elements: str
    required: true
  refresh_keys:
    description:
      - Whether all keys are fetched, though none is missing. A key that is there gets the newer signatures of the one
        that is fetched, which may prolong it.
    type: bool
    default: false
  keyring:
    description: The keyring to write, in binary form.
    type: path
    default: /usr/share/keyrings/datadog-archive-keyring.gpg
  filename:
    description: The file in the sources folder to write.
    type: str
    default: datadog.list
  sources:
    description: The apt sources folder.
    type: path
    default: /etc/apt/sources.list.d
  package:
    description: The package that is to be installed from the repository.
    type: str
    default: datadog-agent
  version:
    description: The version of it that is wanted, as apt writes it. Empty for any.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: full
    description: Shows the entries, and the fingerprints of the keys in the keyring.
"""

EXAMPLES = r"""
- name: Set up the repository
  kennel.fleet.datadog_apt_repository:
    url: https://apt.datadoghq.com/
    key_urls:
      - https://keys.datadoghq.com/DATADOG_APT_KEY_CURRENT.public
  register: repository

- name: Install the Agent
  ansible.builtin.apt:
    name: datadog-agent
    update_cache: true
  when: repository.refresh
"""

RETURN = r"""
refresh:
  description: Whether the wanted version has to be installed, for which the package lists must be refreshed.
  returned: always
  type: bool
downgrade:
  description: Whether the wanted version is older than the installed one.
  returned: always
  type: bool
installed:
  description: The version of the package that is installed, or nothing.
  returned: always
  type: str
  sample: 1:7.70.0-1
interrupted:
  description: Whether dpkg was stopped before it had finished with the package, or in any other work.
  returned: always
  type: bool
shared:
  description: With O(state=absent), whether other lists need the keyring, so that it was kept.
  returned: always
  type: bool
files:
  description: The files that changed, or in check mode would change.
  returned: always
  type: list
  elements: str
"""

import os
import re
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.dpkg import INSTALLED, read_package, was_interrupted
from ansible_collections.kennel.fleet.plugins.module_utils._host.keyring import Keyring, told
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import HEADER

# Hosts under which the Agent's packages are or were published: entries of other tools are recognised by them.
PUBLISHED = ("apt.datadoghq.com", "apt-trace.datad0g.com", "s3.amazonaws.com/apt.datadoghq.com")
AGENT_COMPONENTS = {"5", "6", "7", "main"}
OFFICIAL = "ansible_datadog_"
# In the entry's file: an address, and the fingerprints of the keys that it gave.
RECORD = re.compile(r"^# ([0-9a-f]{16}) (\S+)$", re.MULTILINE)
RECORD_NOTE = "# The keys that each address gave, by a hash of the address, so that none is fetched a second time:\n"


def without_agent(text: str, *, hosts: tuple[str, ...]) -> str:
    """The text of a sources file, one-line or deb822 form, without the entries for the Agent's repository.

    Entries for Datadog's other products on the same host (other components) stay.
    """
    stanzas = re.split(r"(\n[ \t]*\n)", text)
    if any(re.match(r"(?im)^URIs:", line) for line in text.splitlines()):
        kept = ["" if _is_agent_stanza(stanza, hosts) else stanza for stanza in stanzas]
        return "" if not "".join(kept).strip() else "".join(kept)
    lines = [line for line in text.splitlines(keepends=True) if not _is_agent_line(line, hosts)]
    return "".join(lines)


def _is_agent_line(line: str, hosts: tuple[str, ...]) -> bool:
    found = re.match(r"\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s*)?(?P<uri>\S+)\s+\S+(?P<components>(?:\s+[^\s#]+)*)", line)
    return bool(found) and _matches(found["uri"], hosts) and bool(AGENT_COMPONENTS & set(found["components"].split()))


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
    """The repository on this host, compared and brought to what is wanted."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.changes = Changes(module)
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
        """Write keys and entry. DUE says that the package is about to be installed, and so the repository verified."""
        there = safe_files.read_text(self.path)
        renew = due or self.params["refresh_keys"] or self.entry not in there
        record = self.keyring.add(self.params["key_urls"], dict(RECORD.findall(there)), renew=renew)
        if self.keyring.diff:
            self.changes.note(self.keyring.path, *self.keyring.diff)
        self.others()
        noted = "".join(f"# {address} {fingerprints}\n" for address, fingerprints in record.items())
        self.changes.write(self.path, f"{HEADER}{RECORD_NOTE}{noted}{self.entry}")

    def absent(self) -> None:
        """Remove the entry, and the keys unless another list of Datadog's needs them."""
        left = self.others()
        self.remove(self.path)
        self.shared = any(name in line for line in left for name in (self.params["keyring"], *PUBLISHED))
        if self.shared:
            return
        # datadog-signing-keys 1.4.1 makes a copy that apt believes for every repository, where it finds no list that
        # names the keyring. GnuPG keeps what was there before it changed a keyring under the name with a tilde.
        name = os.path.basename(self.params["keyring"])
        for path in (
            self.params["keyring"],
            os.path.join(os.path.dirname(self.params["sources"]), "trusted.gpg.d", name),
        ):
            self.remove(path)
            self.remove(f"{path}~")

    def others(self) -> list[str]:
        """Take the repository out of every other sources file; remove a file that says nothing after that.

        Returns the lines that all of them then have, without comments.
        """
        left = []
        folder = self.params["sources"]
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        paths = [os.path.join(folder, name) for name in names if name.endswith((".list", ".sources"))]
        for path in [*paths, os.path.join(os.path.dirname(folder), "sources.list")]:
            if path == self.path or not os.path.isfile(path):
                continue
            before = safe_files.read_text(path)
            # The official role's files hold nothing but the Agent's repository, wherever it is.
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
            self.changes.note(path, told(keys) if keys else text, "")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["present", "absent"], "default": "present"},
            "url": {"required": True},
            "suite": {"default": "stable"},
            "component": {"default": "7"},
            "key_urls": {"type": "list", "elements": "str", "required": True, "no_log": False},
            "keyring": {"type": "path", "default": "/usr/share/keyrings/datadog-archive-keyring.gpg", "no_log": False},
            "filename": {"default": "datadog.list"},
            "sources": {"type": "path", "default": "/etc/apt/sources.list.d"},
            "package": {"default": "datadog-agent"},
            "version": {"default": ""},
            "refresh_keys": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    package = read_package(module, module.params["package"])
    installed = package.version if package.status == INSTALLED and not package.damaged else ""
    wanted = module.params["version"]
    refresh = not installed or bool(wanted and wanted != installed)
    repository = Repository(module)
    with safe_files.refusals(module):
        if module.params["state"] == "present":
            repository.present(due=refresh)
        else:
            repository.absent()
    older = ["dpkg", "--compare-versions", wanted, "lt", installed]
    module.exit_json(
        **repository.changes.result,
        installed=installed,
        downgrade=bool(installed and wanted) and module.run_command(older)[0] == 0,
        refresh=refresh,
        interrupted=not package.whole or was_interrupted(),
        shared=repository.shared,
    )


if __name__ == "__main__":
    main()
