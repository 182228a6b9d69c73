# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finish what dpkg was stopped in, and list the installed packages."""

from __future__ import annotations

DOCUMENTATION = r"""
module: installed_packages
short_description: Finish what dpkg was stopped in, and list the installed packages
version_added: 1.0.0
description:
  - Lists the packages that are installed. One that dpkg has left in between, or wants to have installed again, is not
    among them, so that C(ansible.builtin.apt) is called for it.
  - If dpkg was stopped in mid-work, as by a loss of power, apt refuses everything. The packages that dpkg had unpacked
    are then configured, with the configuration files that the host has.
author: Kennel contributors (@kennel)
options: {}
attributes:
  check_mode:
    support: full
    description: Says whether there is something to finish, and changes nothing.
  diff_mode:
    support: none
    description: What is finished is known to the packages alone.
seealso:
  - module: kennel.fleet.datadog_agent_package
"""

EXAMPLES = r"""
- name: List the installed packages
  kennel.fleet.installed_packages:
  register: packages

- name: Install MariaDB
  ansible.builtin.apt:
    name: mariadb-server
  when: "'mariadb-server' not in packages.installed"
"""

RETURN = r"""
installed:
  description: Names of the packages that are installed, in order.
  returned: success
  type: list
  elements: str
  sample: [mariadb-server, python3-pymysql]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host.dpkg import finish, installed, was_interrupted


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    changed = was_interrupted()
    if changed and not module.check_mode:
        changed, problem = finish(module, lambda: not was_interrupted())
        if problem:
            module.fail_json(
                msg=f"dpkg was stopped in mid-work on this host, and cannot finish it: {problem}\n"
                "Put right on the host what this says, so that 'dpkg --configure -a' ends well, and run again."
            )
    module.exit_json(changed=changed, installed=installed(module))


if __name__ == "__main__":
    main()
