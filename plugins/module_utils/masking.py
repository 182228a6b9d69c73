# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts and differences of files without the secrets in them."""

from __future__ import annotations

import re

from ansible_collections.kennel.fleet.plugins.module_utils.datadog_files import scalar
from ansible_collections.kennel.fleet.plugins.module_utils.secret_names import (
    DATADOG_KEY,
    SECRET_NAME,
    URL_PASSWORD,
)

HIDDEN = "********"
_SECRET_LINE = re.compile(
    rf"""^(?P<lead>\s*\#?\s*(?:-\s+)?["']?{SECRET_NAME}["']?\s*:[ \t]+)(?P<value>\S.*)$""", re.IGNORECASE
)
_SETTING_LINE = re.compile(r"""^(?P<lead>\s*#?\s*(?:-\s+)?["']?(?P<name>[^\s"':]+)["']?\s*:[ \t]+)(?P<value>\S.*)$""")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?\s*(?:#.*)?\Z")


def _leaves(value) -> list[str]:
    if isinstance(value, (dict, list)):
        return [leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in _leaves(item)]
    return [] if value is None else [str(value)]


def mask(text: str, secrets: dict) -> str:
    """The text with secrets hidden: the given values, what stood in their places, settings with telling names, keys,
    passwords in addresses.
    """
    for secret in sorted(_leaves(secrets), key=len, reverse=True):
        if secret and not secret.startswith("ENC["):
            text = text.replace(scalar(secret)[1:-1], HIDDEN).replace(secret, HIDDEN)
    places = {path.rpartition(".")[2] for path in secrets}
    lines = []
    block = None
    for line in text.splitlines(keepends=True):
        depth = len(line) - len(line.lstrip())
        if block is not None and (depth > block or not line.strip()):
            continue
        block = None
        found = _SECRET_LINE.match(line)
        if not found:
            setting = _SETTING_LINE.match(line)
            found = setting if setting and setting["name"] in places else None
        if found and _BLOCK_SCALAR.match(found["value"].strip()):
            block = depth
        if found and not found["value"].strip("\"'").startswith("ENC["):
            line = f'{found["lead"]}"{HIDDEN}"\n'
        lines.append(URL_PASSWORD.sub(rf"\g<1>{HIDDEN}@", DATADOG_KEY.sub(HIDDEN, line)))
    return "".join(lines)


def masked_diff(path: str, before: str, after: str, secrets: dict) -> dict[str, str]:
    """A diff for Ansible in which a secret that changes shows as changed, but never as itself."""
    old, new = mask(before, secrets), mask(after, secrets)
    said = f"{HIDDEN} (changed)"
    real, shown = after.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(real) == len(shown):
        # Lines that look alike once masked, and were not. A value in other quotes, or in none, is the same.
        known, alike = set(map(_bare, before.splitlines())), set(old.splitlines(keepends=True))
        pairs = zip(real, shown, strict=True)
        new = "".join(
            mark if _bare(line) in known or mark not in alike else mark.replace(HIDDEN, said) for line, mark in pairs
        )
    if old == new and before != after:
        new = new.replace(HIDDEN, said)
    return {"before_header": path, "after_header": path, "before": old, "after": new}


def _bare(line: str) -> str:
    return re.sub("[\"']", "", line).rstrip()
