# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install and configure the Datadog Agent, or remove it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent
short_description: Install and configure the Datadog Agent, or remove it
version_added: 1.0.0
description:
  - Installs the package with C(apt-get) if the requested version is not installed. Refreshes the package lists of the
    Agent's repository only. Refreshes the others, too, if the host has none, or if the installation fails without them.
  - Updates the keyring first, since Datadog rotates its signing keys and a host with only the old key cannot refresh
    its package lists.
  - Adds missing keys to the keyring and never removes any. The package C(datadog-signing-keys) adds keys to the same
    keyring.
  - Downloads keys on the first run, if one of them is missing from the keyring, and if the package has to be installed
    or changed. Next to the repository entry, the module records a hash of each URL with the fingerprints of its keys.
  - Writes one entry for the repository and removes entries that other tools have left for it. Two entries with
    different keyrings make every apt command fail.
  - Completes a dpkg run that was interrupted, and reinstalls the package if dpkg has left it half installed.
  - Then writes C(/etc/datadog-agent/datadog.yaml), enables the Agent, or stops and disables one that should not run.
    Starting and restarting are left to a handler with M(kennel.fleet.configured_service), so that the Agent starts
    once, after its checks are configured as well. The task reports a change if one of these is due.
author: Kennel contributors (@kennel)
options:
  state:
    description:
      - V(absent) removes the repository and the package. It also removes the keyring, and the copy in C(trusted.gpg.d)
        that C(datadog-signing-keys) may have made, unless another apt source uses the keyring or belongs to another
        Datadog product.
    type: str
    choices: [present, absent]
    default: present
  config:
    description:
      - Content of C(datadog.yaml), without secrets. If not set, only the package is managed.
    type: dict
  secrets:
    description:
      - Secrets to add to O(config), by their path in dotted form such as V(logs_config.api_key). They appear in no
        output, log or diff.
      - A value of the form V(ENC[handle]) is written unchanged, for the Agent to resolve.
    type: dict
    default: {}
  enabled:
    description:
      - Whether the Agent should run, now and after a reboot. If not, it is stopped and disabled, with the units that
        would start it again at boot. It is never masked, since an upgrade of its package would then fail.
    type: bool
    default: true
  groups:
    description: Groups that the user C(dd-agent) is put into, in addition to those that it is in.
    type: list
    elements: str
    default: []
  watch:
    description:
      - Other files that the Agent reads when it starts. It is restarted if one of them changed since then. A directory
        includes everything in it.
    type: list
    elements: path
    default: []
  version:
    description:
      - Version of the package, as apt writes it. If empty, an installed version is kept, and a host without one gets
        the newest.
    type: str
    default: ""
  allow_downgrade:
    description: Whether to allow a downgrade. If not, the module fails before it changes anything.
    type: bool
    default: false
  purge:
    description:
      - With O(state=absent), whether to remove everything that the package and the Agent leave behind as well. This
        covers configuration, logs, the user C(dd-agent), systemd units, symbolic links, C(/opt/datadog-packages) unless
        it contains other Datadog packages, and the package C(datadog-signing-keys) unless another package depends on it
        or another apt source needs the keyring.
    type: bool
    default: false
  url:
    description: URL of the repository.
    type: str
    required: true
  suite:
    description: Suite of the repository.
    type: str
    default: stable
  component:
    description: Component of the repository, which is the major version of the Agent.
    type: str
    default: "7"
  key_urls:
    description:
      - URLs of the public keys that may sign the repository. Each URL may provide one or more keys, armored or binary.
      - If a URL cannot be read and the keyring contains keys already, the module keeps these and warns.
      - Required with O(state=present).
    type: list
    elements: str
  refresh_keys:
    description:
      - Whether to download all keys even if none is missing. Existing keys then receive newer signatures, which may
        extend their validity.
    type: bool
    default: false
  keyring:
    description: Path of the keyring, which is written in binary form.
    type: path
    default: /usr/share/keyrings/datadog-archive-keyring.gpg
  filename:
    description: Name of the file to write in O(sources).
    type: str
    default: datadog.list
  sources:
    description: Directory of apt sources.
    type: path
    default: /etc/apt/sources.list.d
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing it.
  diff_mode:
    support: full
    description: >-
      Shows the repository entries, the fingerprints of the keys in the keyring, and C(datadog.yaml) with secrets
      hidden.
"""

EXAMPLES = r"""
- name: Install and configure the Agent
  kennel.fleet.datadog_agent:
    version: 1:7.80.0-1
    url: https://apt.datadoghq.com/
    key_urls:
      - https://keys.datadoghq.com/DATADOG_APT_KEY_CURRENT.public
    config:
      site: datadoghq.eu
      tags: [env:production]
    secrets:
      api_key: "{{ vault_datadog_api_key }}"
  notify: Restart the Agent

# This is a handler.
- name: Restart the Agent
  kennel.fleet.configured_service:
    name: datadog-agent
    watch: [/etc/datadog-agent/datadog.yaml, /etc/datadog-agent/conf.d, /etc/datadog-agent/checks.d]

- name: Remove every trace of the Agent from the host
  kennel.fleet.datadog_agent:
    state: absent
    purge: true
    url: https://apt.datadoghq.com/
"""

RETURN = r"""
previous_version:
  description: Version of the package that was installed before. Empty if there was none.
  returned: always
  type: str
  sample: 1:7.70.0-1
version_changed:
  description: Whether the module installed another version, or would install one in check mode.
  returned: always
  type: bool
files:
  description: Files that changed, or would change in check mode.
  returned: always
  type: list
  elements: str
  sample: [/etc/datadog-agent/datadog.yaml]
actions:
  description: >-
    Packages, paths and accounts that were installed, repaired or removed, or would be in check mode. Packages that were
    installed have their versions. Also what was done to the service, and V(start is due) or V(restart is due), which
    is left to a handler.
  returned: always
  type: list
  elements: str
  sample: ["datadog-agent 1:7.70.0-1 -> 1:7.80.0-1", restart is due]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import agent_package, groups, service
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes

DATADOG_YAML = {
    "path": "/etc/datadog-agent/datadog.yaml",
    "state": "present",
    "content": None,
    "owner": agent_package.USER,
    "group": agent_package.USER,
    "mode": "0640",
    "live": False,
}
# Old packages also enable -trace, -process and -security, which are bound to the Agent and start it at boot.
COMPANIONS = ["datadog-agent-*.service"]


def configure(changes: Changes, params: dict[str, Any]) -> None:
    """Write the configuration, put the user into its groups, and stop an Agent that should not run."""
    missing = groups.lacking(agent_package.USER, params["groups"])
    wanted = service.Wanted(
        name="datadog-agent",
        enabled=params["enabled"],
        files=[{**DATADOG_YAML, "config": params["config"], "secrets": params["secrets"]}],
        watch=params["watch"],
        companions=COMPANIONS,
        memberships=True,
        pending=bool(missing),
        defer=True,
    )
    service.apply(changes, wanted)
    groups.join(changes, agent_package.USER, missing)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["present", "absent"], "default": "present"},
            "config": {"type": "dict"},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "enabled": {"type": "bool", "default": True},
            "groups": {"type": "list", "elements": "str", "default": []},
            "watch": {"type": "list", "elements": "path", "default": []},
            "version": {"default": ""},
            "allow_downgrade": {"type": "bool", "default": False},
            "purge": {"type": "bool", "default": False},
            "url": {"required": True},
            "suite": {"default": "stable"},
            "component": {"default": "7"},
            "key_urls": {"type": "list", "elements": "str", "no_log": False},
            "refresh_keys": {"type": "bool", "default": False},
            "keyring": {"type": "path", "default": "/usr/share/keyrings/datadog-archive-keyring.gpg", "no_log": False},
            "filename": {"default": "datadog.list"},
            "sources": {"type": "path", "default": "/etc/apt/sources.list.d"},
        },
        required_if=[("state", "present", ["key_urls"])],
        supports_check_mode=True,
    )
    changes = Changes(module)
    result = agent_package.apply(changes)
    if module.params["state"] == "present" and module.params["config"] is not None:
        configure(changes, module.params)
    module.exit_json(actions=changes.actions, **result, **changes.result)


if __name__ == "__main__":
    main()
