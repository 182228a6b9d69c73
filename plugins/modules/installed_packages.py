# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Complete an interrupted dpkg run, and list the installed packages."""

from __future__ import annotations

DOCUMENTATION = r"""
module: installed_packages
short_description: Complete an interrupted dpkg run and list the installed packages
version_added: 1.0.0
description:
  - Lists the installed packages. The list does not contain packages that are half installed or that dpkg requires to be
    reinstalled, so that a play calls M(ansible.builtin.apt) for them.
  - If dpkg was interrupted, for example by a power failure, apt refuses to do anything. The module then configures the
    packages that dpkg has unpacked, and keeps the configuration files of the host.
author: Kennel contributors (@kennel)
options: {}
attributes:
  check_mode:
    support: full
    description: Reports whether there is a run to complete, without changing anything.
  diff_mode:
    support: none
    description: Only the packages themselves know what they change.
seealso:
  - module: kennel.fleet.datadog_agent
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
  description: Names of the installed packages, sorted.
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
                msg=f"dpkg was interrupted on this host and cannot complete its work: {problem}\n"
                "Fix the cause on the host until 'dpkg --configure -a' succeeds, and run again."
            )
    module.exit_json(changed=changed, installed=installed(module))


if __name__ == "__main__":
    main()
