"""Print everything that roles can change on a host, by path or name. `faults.state_of` runs it there.

For every path in folders that roles write to: owner, mode and content. Also files in temporary folders, and the state
of dpkg, systemd and the server. Times, byte code and random values are omitted.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import re
import stat
import subprocess

WRITTEN = ("/etc", "/opt", "/usr/local", "/usr/share/keyrings", "/lib/systemd/system")
TEMPORARY = ("/tmp", "/var/tmp", "/root", "/home", "/var/cache/apt/archives/partial", "/var/lib/apt/lists/partial")
DPKG = ("/var/lib/dpkg/updates", "/var/lib/dpkg/tmp.ci")
MADE = re.compile(
    "|".join(
        (
            # User IDs depend on the order of installation, so users are compared by name.
            r"/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?",
            r"/etc/(hosts|hostname|resolv\.conf|mtab|\.updated|machine-id|ld\.so\.cache)",
            r"/etc/datadog-agent/(auth_token|ipc_cert\.pem|install\.json)",
            # Files of the package belong to root after an installation, and to the Agent after an upgrade.
            r"/etc/datadog-agent/install_info",
            r"/opt/datadog-agent/run/.*",
            # Files of other tests, systemd and Ansible.
            r"/var/tmp/(marker|before|kept|own.*)",
            r"(/var)?/tmp/systemd-private.*",
            r"/(root|home/kennel)/\.(ansible(/tmp)?|(gnupg|cache|ssh).*)",
        )
    )
)
PRIVILEGES = "information_schema.{}_privileges"
STATEMENTS = (
    "SELECT concat(user, '@', host) FROM mysql.user",
    "SHOW DATABASES",
    *(f"SELECT * FROM {PRIVILEGES.format(kind)}" for kind in ("user", "schema", "table")),
)


def out(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def look(path: str) -> list[str]:
    """Return owner, group, mode and content, or the target of a link."""
    about = os.lstat(path)
    try:
        owner = [pwd.getpwuid(about.st_uid).pw_name, grp.getgrgid(about.st_gid).gr_name]
    except KeyError:
        owner = [str(about.st_uid), str(about.st_gid)]
    if stat.S_ISLNK(about.st_mode):
        return [*owner, os.readlink(path)]
    if not stat.S_ISREG(about.st_mode):
        return [*owner, oct(about.st_mode)]
    with open(path, "rb") as stream:
        return [*owner, oct(about.st_mode), hashlib.sha256(stream.read()).hexdigest()]


def main() -> None:
    found: dict[str, object] = {}
    for tree in (*WRITTEN, *TEMPORARY, *DPKG):
        for folder, folders, files in os.walk(tree):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for path in (os.path.join(folder, name) for name in (*folders, *files)):
                if not MADE.fullmatch(path):
                    found[path] = look(path)
    shown = out("dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Abbrev} ${Version}\\n")
    found |= {f"package {name}": state for name, _, state in (line.partition(" ") for line in shown.splitlines())}
    found["chosen packages"] = sorted(out("apt-mark", "showmanual").split())
    found["unfinished packages"] = out("dpkg", "--audit")
    found |= {f"user {user.pw_name}": [user.pw_dir, user.pw_shell] for user in pwd.getpwall()}
    found |= {f"group {group.gr_name}": sorted(group.gr_mem) for group in grp.getgrall()}
    for unit in ("datadog-agent", "mariadb", "flask_apm"):
        found[f"unit {unit}"] = [out("systemctl", verb, unit).strip() for verb in ("is-active", "is-enabled")]
    found["database"] = sorted(out("mysql", "--batch", "--skip-column-names", "-e", "; ".join(STATEMENTS)).splitlines())
    print(json.dumps(found))


main()
