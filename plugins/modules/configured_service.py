# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the configuration files of a service, and run the service with them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: configured_service
short_description: Configure and run a systemd service
version_added: 0.1.0
description:
  - Writes the files of a service, each atomically, then enables and starts the service. Restarts the service if it was
    started before its configuration last changed, so that a run also completes an earlier one that was interrupted
    between writing a file and restarting the service.
  - Never exposes a file to other users while writing it. Secrets do not appear in output, logs or diffs.
  - Reloads the systemd unit before a start if its file has changed.
  - If the service does not start with the changed files, restores the previous files and starts it with those.
  - Only follows links that nobody but root can have created, and only replaces regular files. Fails if anything else is
    in the way, names it, and leaves it alone.
  - Works in check mode even if the service is not installed yet.
author: Kennel contributors (@kennel)
options:
  name:
    description: Name of the unit, without its suffix.
    type: str
    required: true
  enabled:
    description:
      - Whether the service should run, now and after a reboot. If not, it is stopped and disabled, but never masked,
        since a package that enables its service during an upgrade fails if the service is masked.
      - If not set, this stays as it is. A running service is restarted if necessary, a stopped one is started if it is
        enabled, and a service that does not exist is left alone.
    type: bool
  files:
    description: Files to write or remove before the service starts. Their directories must exist.
    type: list
    elements: dict
    default: []
    version_added: 1.0.0
    suboptions:
      path:
        description: Path of the file.
        type: path
        required: true
      state:
        description: Whether the file should exist.
        type: str
        choices: [present, absent]
        default: present
      content:
        description:
          - Content of the file. Either this or O(files[].config) is required with O(files[].state=present).
        type: str
      config:
        description: Content of the file as a dictionary, without its secrets. The module writes it as YAML.
        type: dict
      secrets:
        description:
          - Secrets by their path in O(files[].config), in dotted form, in which numbers are list positions.
          - A value of the form V(ENC[handle]) is written unchanged, for the Agent to resolve.
        type: dict
        default: {}
      owner:
        description: Owner of the file.
        type: str
        default: root
      group:
        description: Group of the file.
        type: str
        default: root
      mode:
        description: Mode of the file, as a quoted octal number.
        type: str
        default: "0640"
      live:
        description: Whether the service reads the file while it is running, so that a change needs no restart.
        type: bool
        default: false
  watch:
    description:
      - Files that the service reads when it starts, in addition to O(files). A directory includes everything in it.
    type: list
    elements: path
    default: []
  memberships:
    description:
      - Whether to also restart the service if its user was added to a group after it was started.
    type: bool
    default: false
  pending:
    description:
      - Whether an earlier task has changed the configuration.
      - Check mode needs this information, since the change is not visible on disk.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reports what would change without changing it.
  diff_mode:
    support: full
    description: Shows the differences in the files with secrets hidden.
"""

EXAMPLES = r"""
- name: Configure and run a service
  kennel.fleet.configured_service:
    name: shop
    enabled: true
    files:
      - path: /etc/systemd/system/shop.service
        content: "{{ lookup('ansible.builtin.template', 'shop.service.j2') }}"
        mode: "0644"
      - path: /etc/shop.yaml
        config: {database: {host: db1.example.com, user: shop}}
        secrets: {database.password: "{{ vault_shop_database_password }}"}
        group: shop

- name: Restart the Agent if its files have changed since its start
  kennel.fleet.configured_service:
    name: datadog-agent
    watch: [/etc/datadog-agent/datadog.yaml, /etc/datadog-agent/conf.d, /etc/datadog-agent/checks.d]
"""

RETURN = r"""
active:
  description: Whether the service is running.
  returned: always
  type: bool
since:
  description:
    - Time of the last start of the service in seconds since the epoch, by the host's clock. V(0) if it is not running.
  returned: always
  type: float
actions:
  description: Actions taken on the service. In check mode, actions that are necessary.
  returned: always
  type: list
  elements: str
  sample: [enable, start]
files:
  description: Files that changed, or would change in check mode.
  returned: always
  type: list
  elements: str
  sample: [/etc/shop.yaml]
  version_added: 1.0.0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.service import FILE, Wanted, apply


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"required": True},
            "enabled": {"type": "bool"},
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": FILE,
                "mutually_exclusive": [("content", "config")],
                "required_if": [("state", "present", ("content", "config"), True)],
            },
            "watch": {"type": "list", "elements": "path", "default": []},
            "memberships": {"type": "bool", "default": False},
            "pending": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    changes = Changes(module)
    state = apply(changes, Wanted(**module.params))
    module.exit_json(actions=changes.actions, **state, **changes.result)


if __name__ == "__main__":
    main()
