"""List Ansible's deprecation warnings that can be about our files.

    ansible-playbook ... 2>&1 | python tests/deprecations.py

Exits with 1 if there are any. A warning that names neither a file nor a collection counts as ours, because warnings of
modules name neither.
"""

from __future__ import annotations

import re
import sys

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WARNING = re.compile(r"^\[DEPRECATION WARNING\]: .*(?:\nOrigin: .*)?", re.MULTILINE)
# Folders of installed collections, names of other collections, and other callbacks, all of which molecule lists.
OTHERS = re.compile(
    r"\nOrigin: \S*/ansible_collections/(?!kennel/fleet/)|from collection '(?!kennel\.fleet')|another callback plugin"
)


def ours(text: str) -> list[str]:
    """Return the warnings in Ansible's output, each with the place that it names."""
    return [found for found in WARNING.findall(COLOUR.sub("", text)) if not OTHERS.search(found)]


if __name__ == "__main__":
    listed = ours(sys.stdin.read())
    sys.exit("\n".join(listed) if listed else 0)
