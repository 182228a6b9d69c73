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
  - Writes one entry for the repository and takes out the entries that other tools have left for it. Two entries with
    different keyrings would make every call to apt fail.
  - Says whether the package lists must be refreshed for the wanted version, so that they are refreshed only then.
author: Kennel contributors (@kennel)
options:
  state:
    description: Whether the repository is to be there.
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
      - Where the public keys are that may sign the repository.
      - If one cannot be had and a keyring is there already, that keyring is kept and a warning given.
    type: list
    elements: str
    required: true
  keyring:
    description: The keyring to write.
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
    description: Shows the entries; of the keyring, how many bytes it has.
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
    update_cache: "{{ repository.refresh }}"
"""

RETURN = r"""
refresh:
  description: Whether the package lists must be refreshed before the wanted version can be installed.
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
files:
  description: The files that changed, or in check mode would change.
  returned: always
  type: list
  elements: str
"""

import base64
import binascii
import os
import re
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.urls import open_url
from ansible_collections.kennel.fleet.plugins.module_utils import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils.masking import masked_diff

# Hosts under which the Agent's packages are or were published: entries of other tools are recognised by them.
PUBLISHED = ("apt.datadoghq.com", "apt-trace.datad0g.com", "s3.amazonaws.com/apt.datadoghq.com")
AGENT_COMPONENTS = {"5", "6", "7", "main"}
OFFICIAL = "ansible_datadog_"


def dearmor(data: bytes) -> bytes:
    """The binary form of one public key, given armored or binary. Raises ValueError if it is neither."""
    if data[:1] and data[0] & 0x80:
        return data
    text = data.decode("ascii", errors="replace")
    found = re.search(
        r"-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n(?:[^\r\n]+: [^\r\n]*\r?\n)*\r?\n(?P<body>.*?)"
        r"(?:\r?\n=[A-Za-z0-9+/]{4})?\r?\n-----END PGP PUBLIC KEY BLOCK-----",
        text,
        re.DOTALL,
    )
    if found is None:
        raise ValueError("it is no public key")
    try:
        return base64.b64decode("".join(found["body"].split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f"its armor is damaged ({error})") from None


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
        self.files: list[str] = []
        self.diffs: list[dict[str, str]] = []
        self.path = os.path.join(self.params["sources"], self.params["filename"])
        self.entry = (
            f"deb [signed-by={self.params['keyring']}] {self.params['url']} "
            f"{self.params['suite']} {self.params['component']}\n"
        )

    def present(self) -> None:
        self.keyring()
        self.others()
        self.write(self.path, self.entry)

    def absent(self) -> None:
        self.others()
        self.remove(self.path)
        self.remove(self.params["keyring"])

    def keyring(self) -> None:
        path = self.params["keyring"]
        there = _read(path)
        keys = []
        for url in self.params["key_urls"]:
            try:
                with open_url(url, timeout=30) as answer:
                    keys.append(dearmor(answer.read()))
            # Whatever the transport raises, a host that has a keyring is better off with it than without.
            except Exception as error:  # noqa: BLE001
                message = f"The key {url} cannot be had: {error}"
                if there is None:
                    self.module.fail_json(
                        msg=f"{message}. Make it reachable from this host or change the key addresses (key_urls)."
                    )
                self.module.warn(f"{message}. The keyring that is there was kept.")
                return
        wanted = b"".join(dict.fromkeys(keys))
        if there == wanted:
            return
        self.files.append(path)
        self.diffs.append({"before_header": path, "after_header": path, "before": _size(there), "after": _size(wanted)})
        if not self.module.check_mode:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            aside = f"{path}.new"
            with open(aside, "wb") as stream:
                stream.write(wanted)
            os.chmod(aside, 0o644)
            os.rename(aside, path)

    def others(self) -> None:
        """Take the repository out of every other sources file; remove a file that says nothing after that."""
        wanted = urlsplit(self.params["url"])
        hosts = (*PUBLISHED, f"{wanted.netloc}{wanted.path}".rstrip("/"))
        folder = self.params["sources"]
        names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
        paths = [os.path.join(folder, name) for name in names if name.endswith((".list", ".sources"))]
        for path in [*paths, os.path.join(os.path.dirname(folder), "sources.list")]:
            if path == self.path or not os.path.isfile(path):
                continue
            before = safe_files.read_text(path)
            # The official role's files hold nothing but the Agent's repository, wherever it is.
            after = "" if os.path.basename(path).startswith(OFFICIAL) else without_agent(before, hosts=hosts)
            if after == before:
                continue
            if any(line.strip() and not line.lstrip().startswith("#") for line in after.splitlines()):
                self.write(path, after)
            else:
                self.remove(path)

    def write(self, path: str, text: str) -> None:
        before = safe_files.read_text(path)
        if safe_files.ensure_file(self.module, path, text, owner="root", group="root", mode="0644"):
            self.files.append(path)
            self.diffs.append(masked_diff(path, before, text, {}))

    def remove(self, path: str) -> None:
        text = safe_files.remove_file(self.module, path)
        if text is not None:
            self.files.append(path)
            self.diffs.append(masked_diff(path, "" if path == self.params["keyring"] else text, "", {}))

    def installed(self) -> str:
        status, out, _err = self.module.run_command(
            ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Version}", self.params["package"]]
        )
        state, _space, version = out.partition(" ")
        return version.strip() if status == 0 and state == "installed" else ""

    def older(self, one: str, other: str) -> bool:
        return self.module.run_command(["dpkg", "--compare-versions", one, "lt", other])[0] == 0


def _read(path: str) -> bytes | None:
    if not os.path.exists(path):
        return None
    with open(path, "rb") as stream:
        return stream.read()


def _size(data: bytes | None) -> str:
    return "" if data is None else f"{len(data)} bytes of keys\n"


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
        },
        supports_check_mode=True,
    )
    repository = Repository(module)
    with safe_files.refusals(module):
        getattr(repository, module.params["state"])()
    installed = repository.installed()
    wanted = module.params["version"]
    module.exit_json(
        changed=bool(repository.files),
        files=repository.files,
        diff=repository.diffs,
        installed=installed,
        downgrade=bool(installed and wanted) and repository.older(wanted, installed),
        refresh=bool(repository.files) or not installed or bool(wanted and wanted != installed),
    )


if __name__ == "__main__":
    main()
