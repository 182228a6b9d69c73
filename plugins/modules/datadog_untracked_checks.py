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
from glob import escape, glob

from ansible.module_utils.basic import AnsibleModule

SUFFIX = ".disabled"
# Beside a check's configuration: the package's own, and metrics of a check in Java.
KEPT = ("auto_conf", "metrics")


def configurations(root: str) -> dict[str, str]:
    """The check that each configuration file is for, by the file's path."""
    folder = os.path.join(escape(root), "conf.d")
    found = {}
    for kind in (".yaml", ".yml"):
        for path in glob(os.path.join(folder, "*.d", f"*{kind}")):
            if os.path.basename(path).removesuffix(kind) not in KEPT:
                found[path] = os.path.basename(os.path.dirname(path))[:-2]
        found |= {path: os.path.basename(path).removesuffix(kind) for path in glob(os.path.join(folder, f"*{kind}"))}
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "tracked": {"type": "list", "elements": "str", "required": True},
            "root": {"type": "path", "default": "/etc/datadog-agent"},
        },
        supports_check_mode=True,
    )
    found = configurations(module.params["root"])
    files = sorted(path for path, name in found.items() if name not in module.params["tracked"])
    for path in files:
        if not module.check_mode:
            os.replace(path, path + SUFFIX)
    diff = [{"before": f"{path}\n", "after": f"{path}{SUFFIX}\n"} for path in files]
    module.exit_json(changed=bool(files), files=files, diff=diff)


if __name__ == "__main__":
    main()
