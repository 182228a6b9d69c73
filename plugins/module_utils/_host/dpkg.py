# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dpkg reports of a package."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule

ABSENT, REMOVED, INSTALLED = "not-installed", "config-files", "installed"
ADMINDIR = "/var/lib/dpkg"


@dataclass(frozen=True)
class Package:
    """A package: its status in dpkg's words, whether dpkg demands that it be installed again, and its version."""

    status: str
    damaged: bool
    version: str

    @property
    def whole(self) -> bool:
        """Whether dpkg has finished with it, one way or the other."""
        return self.status in (ABSENT, REMOVED, INSTALLED) and not self.damaged


def read_package(module: AnsibleModule, name: str) -> Package:
    """Return what dpkg knows of the package NAME."""
    wanted = "${db:Status-Status} ${db:Status-Eflag} ${Version}"
    failed, out, _err = module.run_command(["dpkg-query", "--show", "--showformat", wanted, name])
    status, flag, version = (*out.split(), "", "", "")[:3]
    return Package(ABSENT, False, "") if failed or not status else Package(status, flag == "reinstreq", version)


def was_interrupted() -> bool:
    """Whether dpkg was stopped in mid-work. Until it has finished that, apt refuses everything."""
    # Where dpkg notes what it is about to do, in files with numbers for names.
    journal = os.path.join(ADMINDIR, "updates")
    return os.path.isdir(journal) and any(name.isdigit() for name in os.listdir(journal))
