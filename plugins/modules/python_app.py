# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install a Python application: its files and a virtual environment with exactly its requirements."""

from __future__ import annotations

DOCUMENTATION = r"""
module: python_app
short_description: Install a Python application and its virtual environment
version_added: 0.1.0
description:
  - Writes the files of an application and creates a virtual environment that holds its requirements and nothing else.
  - Root owns everything and everybody can read it, so the application cannot change itself.
  - When the requirements or Python change, the module creates a new environment and switches to it once it is complete.
    It never uses an environment that an interrupted run left behind. The previous one stays until the next change, for
    processes that still run in it.
author: Kennel contributors (@kennel)
options:
  path:
    description: The folder of the application. Its parent must exist. The environment is C(venv) in this folder.
    type: path
    required: true
  files:
    description: The content of each file by its path, absolute or relative to O(path). Their folders must exist.
    type: dict
    default: {}
  requirements:
    description:
      - What pip installs, in the format of C(requirements.txt). List every package with its exact version, dependencies
        included. pip uses wheels only.
    type: str
    required: true
  python:
    description: The Python interpreter of the environment.
    type: path
    default: /usr/bin/python3
  index_url:
    description: The package index. It may contain a password. If empty, pip uses the host's configuration.
    type: str
    default: ""
  ca_bundle:
    description: The certificates that pip trusts, as PEM text. If empty, pip trusts its default ones.
    type: str
    default: ""
attributes:
  check_mode:
    support: full
    description: Reports what would change and changes nothing, even if Python is not installed yet.
  diff_mode:
    support: full
    description: Shows the differences in each file and in the requirements.
"""

EXAMPLES = r"""
- name: Install the app
  kennel.fleet.python_app:
    path: /opt/shop
    files:
      app.py: "{{ lookup('ansible.builtin.file', 'app.py', rstrip=false) }}"
    requirements: "{{ lookup('ansible.builtin.file', 'requirements.txt', rstrip=false) }}"
"""

RETURN = r"""
files:
  description: The files that changed, or would change in check mode. C(venv) stands for the environment.
  returned: always
  type: list
  elements: str
  sample: [/opt/shop/app.py, /opt/shop/venv]
"""

import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import public_text

PIP = ("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
PINNED = ("--no-deps", "--only-binary=:all:", "--no-cache-dir")


class App:
    """Compares the application on this host with what is wanted, and updates it."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.path = self.params["path"]
        self.link = os.path.join(self.path, "venv")
        self.changes = Changes(module)
        self.held: tuple[int, ...] = ()

    def write(self) -> None:
        """Write the folder and the application's files."""
        self.changes.folder(self.path)
        for name, text in self.params["files"].items():
            self.changes.write(os.path.join(self.path, name), text)

    def create_environment(self) -> None:
        """Create the environment unless it exists. It is complete once it contains the list of its requirements."""
        requirements = self.params["requirements"]
        wanted = os.path.join(self.path, self.environment_name())
        current = self.current()
        before = safe_files.read_text(os.path.join(current, "requirements.txt")) if current else ""
        if current == wanted and before == requirements:
            return
        self.changes.note(self.link, before, requirements, label=os.path.join(self.link, "requirements.txt"))
        if self.module.check_mode:
            return
        self.remove_unused(current if before else None)
        self.run([self.params["python"], "-m", "venv", wanted], "The environment could not be created")
        self.install(os.path.join(wanted, "bin", "python"))
        listed = os.path.join(wanted, "requirements.txt")
        safe_files.ensure_file(self.module, listed, requirements, owner="root", group="root", mode="0644")
        aside = f"{self.link}.new"
        os.symlink(os.path.basename(wanted), aside)
        os.replace(aside, self.link)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait for other runs that work on this application.

        The programs of a run that was killed go on on the host. They hold the lock, too, so that they are waited for.
        """
        if self.module.check_mode:
            yield
            return
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self.held = (handle,)
            yield
        finally:
            os.close(handle)

    def environment_name(self) -> str:
        """Return a name that depends on the requirements and the version of Python, and on nothing else."""
        python = self.params["python"]
        if not os.path.exists(python):
            if self.module.check_mode:
                return "venv-none"
            self.module.fail_json(msg=f"{python} does not exist. Install it before the application.")
        version = self.run([python, "-c", "import sys; print(sys.version_info[:2])"], f"{python} does not run")
        return f"venv-{hashlib.sha256((version + self.params['requirements']).encode()).hexdigest()[:12]}"

    def current(self) -> str | None:
        """Return the path of the environment that the link points to, or None."""
        try:
            name = os.readlink(self.link)
        except FileNotFoundError:
            return None
        except OSError:
            raise safe_files.FileProblem(
                f"{self.link} is not a link that this module created. Find out what it is, remove it and run again."
            ) from None
        return os.path.join(self.path, name) if re.fullmatch(r"venv-[0-9a-f]+", name) else None

    def remove_unused(self, current: str | None) -> None:
        """Remove all environments but the current one, including incomplete ones."""
        for entry in safe_files.list_folder(self.path):
            path = os.path.join(self.path, entry.name)
            if entry.name == "venv.new":
                os.unlink(path)
            elif entry.name.startswith("venv-") and entry.is_folder and path != current:
                shutil.rmtree(path)

    def install(self, python: str) -> None:
        """Install the requirements. Files and variables keep the password of an index out of the argument list."""
        with tempfile.TemporaryDirectory() as folder:
            listed, bundle = os.path.join(folder, "requirements.txt"), os.path.join(folder, "ca.pem")
            for path, text in ((listed, self.params["requirements"]), (bundle, self.params["ca_bundle"])):
                with open(path, "w", encoding="utf-8") as stream:
                    stream.write(text)
            given = {"PIP_INDEX_URL": self.params["index_url"], "PIP_CERT": self.params["ca_bundle"] and bundle}
            self.run(
                [python, *PIP, *PINNED, "-r", listed],
                "pip could not install the requirements",
                {name: value for name, value in given.items() if value},
                fix="Check index_url and ca_bundle.",
            )

    def run(
        self,
        command: list[str],
        problem: str,
        env: dict[str, str] | None = None,
        fix: str = "Fix that on the host and run again.",
    ) -> str:
        status, out, err = self.module.run_command(command, environ_update=env or {}, pass_fds=self.held)
        if status != 0:
            # pip names the addresses that it tried, which may contain a password or a token.
            said = public_text("\n".join((err.strip() or out.strip()).splitlines()[-6:]))
            self.module.fail_json(msg=f"{problem}: {said}\n{fix}")
        return out


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "files": {"type": "dict", "default": {}},
            "requirements": {"required": True},
            "python": {"type": "path", "default": "/usr/bin/python3"},
            "index_url": {"default": "", "no_log": True},
            # Not a secret, but too long for the output of -vvv.
            "ca_bundle": {"default": "", "no_log": True},
        },
        supports_check_mode=True,
    )
    # Any user may run the application, so any user can read it.
    os.umask(0o022)
    app = App(module)
    with safe_files.refusals(module):
        app.write()
        with app.alone():
            app.create_environment()
    module.exit_json(**app.changes.result)


if __name__ == "__main__":
    main()
