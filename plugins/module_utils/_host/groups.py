# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The groups of an account."""

from __future__ import annotations

import grp
import os
import pwd

from .changes import Changes


def lacking(user: str, groups: list[str]) -> list[str]:
    """Return the groups that the user is not in, which include those that do not exist, as in check mode."""

    def is_in(name: str) -> bool:
        try:
            return grp.getgrnam(name).gr_gid in os.getgrouplist(user, pwd.getpwnam(user).pw_gid)
        except KeyError:
            return False

    return [name for name in groups if not is_in(name)]


def join(changes: Changes, user: str, groups: list[str]) -> None:
    """Put the user into the groups, or fail the module."""
    if not groups:
        return
    if not changes.module.check_mode:
        usermod = changes.module.get_bin_path("usermod", required=True)
        status, out, err = changes.module.run_command([usermod, "--append", "--groups", ",".join(groups), user])
        if status:
            changes.fail(
                f"{user} cannot be put into {', '.join(groups)}: {(err or out).strip().rstrip('.')}. "
                "Fix that on the host, or remove them from datadog_agent_groups."
            )
    changes.actions += [f"put {user} into {name}" for name in groups]
