"""Run a command with a newer Python: in a container with a newer Debian, in this checkout.

    python tests/controller.py SUITE COMMAND [ARGUMENT ...]

The container has this machine's network, so that it can reach labs and package indexes, the checkout at the same path,
and a temporary home folder. It gets `VENV`, and variables that start with `KENNEL_`, `ANSIBLE_` or `MOLECULE_`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lab"))

from common import PODMAN, ROOT, run
from containers import limits

HOME = "/tmp/home"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
HANDED_ON = re.compile(r"VENV|LC_ALL|PYTHONDONTWRITEBYTECODE|(KENNEL|ANSIBLE|MOLECULE)_\w+")


def image(suite: str) -> str:
    """Build the suite's image if it does not exist, and return its ID."""
    root = [] if os.geteuid() == 0 else ["sudo"]
    built = run(*root, sys.executable, "-B", str(ROOT / "lab" / "images.py"), "--kind", "controller", suite)
    return json.loads(built)["images"][suite]["id"]


def pip_settings() -> dict[str, str]:
    """Return this machine's pip settings as variables: its index and its certificates."""
    listing = run(sys.executable, "-m", "pip", "config", "list")
    told = dict(re.findall(r"^[\w:]+\.([\w-]+)='(.*)'$", listing, re.MULTILINE))
    wanted = {"index-url": "PIP_INDEX_URL", "trusted-host": "PIP_TRUSTED_HOST", "timeout": "PIP_DEFAULT_TIMEOUT"}
    found = {variable: told[name] for name, variable in wanted.items() if name in told}
    return {**found, "certificates": told.get("cert", BUNDLE)}


def main(suite: str, *command: str) -> int:
    settings = pip_settings()
    certificates = settings.pop("certificates")
    given = {**settings, "HOME": HOME, "PIP_CERT": BUNDLE, "SSL_CERT_FILE": BUNDLE}
    names = [*(name for name in os.environ if HANDED_ON.fullmatch(name)), *given]
    root = [] if os.geteuid() == 0 else ["sudo", f"--preserve-env={','.join(names)}"]
    done = subprocess.run(
        [
            *(*root, PODMAN, "run", "--rm", "--privileged", *limits(), "--network=host"),
            *(f"--user={os.getuid()}:{os.getgid()}", f"--tmpfs={HOME}:mode=1777", f"--workdir={ROOT}"),
            *(f"--volume={ROOT}:{ROOT}", f"--volume={Path(certificates).resolve()}:{BUNDLE}:ro"),
            # Only names appear in the argument list, because an index URL may contain a password.
            *(f"--env={name}" for name in names),
            *(image(suite), *command),
        ],
        env=os.environ | given,
        check=False,
    )
    return done.returncode


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
