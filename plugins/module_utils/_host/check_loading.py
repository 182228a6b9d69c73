# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find out on a host whether the Agent would load the code of a custom check, before the code is installed."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import check_import

# Seconds that the code may take to load.
PATIENCE = 60


def try_loading(
    module: AnsibleModule,
    *,
    name: str,
    codes: dict[str, str],
    root: str,
    python: str,
    user: str,
    seconds: int = PATIENCE,
) -> tuple[str, str]:
    """Return what prevents the Agent from loading the check NAME, and a warning, either of which may be empty.

    :arg codes: the code of this check and of others to be installed with it, by check name.
    :arg python: the Agent's own Python, ``HOME/embedded/bin/python3``, relative to which its installation is found.
    """
    home = os.path.dirname(os.path.dirname(os.path.dirname(python)))
    become = [shutil.which("runuser") or "runuser", "-u", user, "--"] if os.geteuid() == 0 else []
    limit = [shutil.which("timeout") or "timeout", "-k", "5", str(seconds + 30)]
    # The Agent's interpreter is in UTF-8 mode, whatever the locale.
    spec: Any = check_import.__spec__
    program = [python, "-X", "utf8", "-c", spec.loader.get_source(check_import.__name__)]
    try:
        status, out, err = module.run_command(
            [*become, *limit, *program, name, root, home, str(seconds)],
            data=json.dumps(codes).encode("ascii"),
            binary_data=True,
            cwd="/",
            handle_exceptions=False,
        )
    # It ended before it read the code.
    except OSError as error:
        return f"{python} does not run: {error}", ""
    try:
        answer = json.loads(out.splitlines()[-1])
        return answer.get("problem", ""), answer.get("warning", "")
    except (AttributeError, IndexError, ValueError):
        last = (err or out).strip().splitlines()[-1:]
        return f"{python} does not run (exit status {status}): {''.join(last)}", ""
