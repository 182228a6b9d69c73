# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Set aside the checks of the Agent that nothing keeps track of."""

from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_untracked_checks
short_description: Set aside checks of the Datadog Agent that nothing keeps track of
version_added: 0.1.0
description:
  - Renames every file from which the Agent would run a check that is not named, such as C(conf.d/NAME.d/conf.yaml) or
    C(conf.d/NAME.yaml), so that its name ends in C(.disabled), which the Agent passes over. Renaming it back enables
    the check again.
  - Where that name is taken by another file, the new one gets a number, as in C(conf.yaml.2.disabled). Neither is lost.
  - Leaves alone what the Agent's package brings, such as C(conf.yaml.default) and C(auto_conf.yaml).
  - The Agent reads all this when it starts. Restarting it is left to the caller.
author: Kennel contributors (@kennel)
options:
  tracked:
    description: Names of the checks to leave as they are.
    type: list
    elements: str
    required: true
  root:
    description: The Agent's configuration folder.
    type: path
    default: /etc/datadog-agent
attributes:
  check_mode:
    support: full
    description: Says what would change and changes nothing.
  diff_mode:
    support: full
    description: Names the files.
"""

EXAMPLES = r"""
- name: Run these checks and no others
  kennel.fleet.datadog_untracked_checks:
    tracked: [my_metric, mysql]
"""

RETURN = r"""
files:
  description: The files that were renamed, or in check mode would be, under the names that they had.
  returned: always
  type: list
  elements: str
  sample: [/etc/datadog-agent/conf.d/nginx.d/conf.yaml]
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files

KINDS = (".yaml", ".yml")
# Beside a check's configuration: the package's own, and metrics of a check in Java.
KEPT = ("auto_conf", "metrics")


def configurations(root: str) -> dict[str, str]:
    """The check that each configuration file is for, by the file's path.

    As the Agent finds them (7.84, comp/core/autodiscovery/providers/config_reader.go): it does not look into a link to
    a folder, and reads a file through a link.
    """
    folder = os.path.join(root, "conf.d")
    found = {}
    for entry in safe_files.list_folder(folder):
        path = os.path.join(folder, entry.name)
        name, kind = os.path.splitext(entry.name)
        if entry.is_folder and kind == ".d":
            for inner in safe_files.list_folder(path):
                stem, inner_kind = os.path.splitext(inner.name)
                if not inner.is_folder and inner_kind in KINDS and stem not in KEPT:
                    found[os.path.join(path, inner.name)] = name
        elif not entry.is_folder and kind in KINDS:
            found[path] = name
    return found


def disabled_name(name: str, number: int) -> str:
    """A name that the Agent passes over."""
    return f"{name}.disabled" if number == 1 else f"{name}.{number}.disabled"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "tracked": {"type": "list", "elements": "str", "required": True},
            "root": {"type": "path", "default": "/etc/datadog-agent"},
        },
        supports_check_mode=True,
    )
    renamed = {}
    with safe_files.refusals(module):
        found = configurations(module.params["root"])
        for path in sorted(path for path, name in found.items() if name not in module.params["tracked"]):
            new = safe_files.set_aside(module, path, disabled_name)
            if new is not None:
                renamed[path] = new
    diff = [{"before": f"{path}\n", "after": f"{new}\n"} for path, new in renamed.items()]
    module.exit_json(changed=bool(renamed), files=list(renamed), diff=diff)


if __name__ == "__main__":
    main()
