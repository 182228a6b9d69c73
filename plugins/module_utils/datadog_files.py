# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Agent's YAML files on a host: rendering, secrets, masked diffs and atomic writing.

Managed hosts need no YAML library for this: what is written is rendered here, what is there is only compared and masked
as text.
"""

from __future__ import annotations

import copy
import json
import os
import re
import tempfile

HEADER = "# Managed by Ansible (kennel.fleet): changes made here are overwritten.\n"
HIDDEN = "********"

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
# Words that a YAML 1.1 parser reads as a boolean or null, also as keys.
_RESERVED = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
# What JSON leaves as it is and YAML does not: line ends of its own, and characters that it calls not printable.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

_SECRET_NAME = r"[\w.-]*(?:api_?key|app(?:lication)?_?key|pass(?:word|wd)?|token|secret|credential|private_?key)[\w.-]*"
_SECRET_LINE = re.compile(
    rf"""^(?P<lead>\s*\#?\s*(?:-\s+)?["']?{_SECRET_NAME}["']?\s*:[ \t]+)(?P<value>\S.*)$""", re.IGNORECASE
)
_SETTING_LINE = re.compile(r"""^(?P<lead>\s*#?\s*(?:-\s+)?["']?(?P<name>[^\s"':]+)["']?\s*:[ \t]+)(?P<value>\S.*)$""")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?\d?\s*(?:#.*)?\Z")
_DATADOG_KEY = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9a-f]{32})(?![0-9A-Za-z])")
_URL_PASSWORD = re.compile(r"(://[^\s:/@]+:)[^\s@]+@")


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name usually holds a secret."""
    return re.fullmatch(_SECRET_NAME, name, re.IGNORECASE) is not None


def to_yaml(value, indent: int = 0) -> str:
    """Render mappings, lists and scalars as YAML text that ends in a newline.

    Every string is quoted: the Agent's parser would read an unquoted key of digits, or one such as 12e4, as a number.
    Raises TypeError or ValueError on anything that JSON could not hold.
    """
    pad = "  " * indent
    if isinstance(value, dict) and value:
        return "".join(f"{pad}{_key(key)}:{_after(item, indent + 1)}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"{pad}-{_item(item, indent + 1)}" for item in value)
    return f"{pad}{_scalar(value)}\n"


def _key(key) -> str:
    text = str(key)
    return text if _PLAIN_KEY.match(text) and text.lower() not in _RESERVED else _scalar(text)


def _after(value, indent: int) -> str:
    nested = isinstance(value, (dict, list)) and value
    return f"\n{to_yaml(value, indent)}" if nested else f" {_scalar(value)}\n"


def _item(value, indent: int) -> str:
    if isinstance(value, dict) and value:
        return " " + to_yaml(value, indent).lstrip(" ")
    return _after(value, indent)


def _scalar(value) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if isinstance(value, float):
        # YAML 1.1 takes a number with an exponent for one only if it has a point.
        return re.sub(r"^(-?\d+)e", r"\1.0e", text)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def secret_places(value, path: str = "") -> list[str]:
    """The places, as dotted paths, of what looks like a secret: by its setting's name, as a key, or in an address.

    A path to a file is none, nor is what the Agent resolves itself, ``ENC[handle]``.
    """
    if isinstance(value, dict):
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        return []
    places = []
    for key, item in pairs:
        place = f"{path}.{key}" if path else key
        if isinstance(item, str) and item and not item.startswith(("ENC[", "/")):
            telling = is_secret_name(key) and not key.startswith("secret_backend_")
            if telling or _DATADOG_KEY.fullmatch(item) or _URL_PASSWORD.search(item):
                places.append(place)
        places += secret_places(item, place)
    return places


def merge_secrets(config: dict, secrets: dict) -> dict:
    """A copy of the configuration with each secret put at its place.

    A place is a dotted path, list positions as numbers: ``api_key``, ``instances.0.password``. What is put there may be
    a mapping or a list, for keys that themselves hold dots; a number is written as text, as keys and passwords are.
    Raises ValueError, naming the path and not the value, where the path leads nowhere.
    """
    merged = copy.deepcopy(config)
    for path, secret in secrets.items():
        *parents, last = path.split(".")
        node = merged
        if isinstance(secret, (int, float)):
            secret = str(secret)
        try:
            for part in parents:
                node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
            if isinstance(node, list):
                node[int(last)] = secret
            elif isinstance(node, dict):
                node[last] = secret
            else:
                raise TypeError
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise ValueError(f"no such place in the configuration for the secret {path!r}") from None
    return merged


def split_secrets(config, path: str = "") -> tuple:
    """A copy of the configuration without what `secret_places` finds, and that by its place: `merge_secrets` backwards.

    A list that itself holds secrets, and a mapping that has them under keys with dots, go as a whole.
    """
    kept, secrets = {}, {}
    for key, item in config.items() if isinstance(config, dict) else enumerate(config):
        place = f"{path}{key}"
        if not secret_places([item] if isinstance(config, list) else {key: item}):
            kept[key] = item
        elif _can_be_split(item):
            kept[key], found = split_secrets(item, f"{place}.")
            secrets |= found
        else:
            secrets[place] = item
    return (kept if isinstance(config, dict) else list(kept.values())), secrets


def _can_be_split(value) -> bool:
    if isinstance(value, dict):
        return not any("." in str(key) and secret_places({key: item}) for key, item in value.items())
    return isinstance(value, list) and all(_can_be_split(item) for item in value if secret_places([item]))


def render(config: dict, secrets: dict) -> str:
    """The text of a configuration file, header included."""
    return HEADER + to_yaml(merge_secrets(config, secrets))


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
            text = text.replace(_scalar(secret)[1:-1], HIDDEN).replace(secret, HIDDEN)
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
        lines.append(_URL_PASSWORD.sub(rf"\g<1>{HIDDEN}@", _DATADOG_KEY.sub(HIDDEN, line)))
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


def read_text(path: str) -> str:
    """What is in the file, or nothing where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def ensure_file(module, path: str, text: str, *, owner: str, group: str, mode: str) -> bool:
    """Make the file have this content, owner and mode; say whether that was (or in check mode: would be) a change.

    The new file is complete, with its owner and mode, before it takes the old one's place: a reader finds one or the
    other, and nobody else can read what it holds at any moment.
    """
    changed = not os.path.exists(path) or read_text(path) != text
    if not changed:
        return _attributes(module, path, owner, group, mode)
    if module.check_mode:
        return True
    handle, aside = tempfile.mkstemp(prefix=".kennel-", dir=os.path.dirname(path))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        _attributes(module, aside, owner, group, mode)
        os.rename(aside, path)
    finally:
        if os.path.exists(aside):
            os.unlink(aside)
    return True


def ensure_folder(module, path: str, *, owner: str, group: str, mode: str) -> bool:
    """Make the folder exist with this owner and mode; say whether that was a change."""
    changed = not os.path.isdir(path)
    if changed and module.check_mode:
        return True
    if changed:
        os.mkdir(path, 0o700)
    return _attributes(module, path, owner, group, mode) or changed


def _attributes(module, path: str, owner: str, group: str, mode: str) -> bool:
    wanted = module.load_file_common_arguments({"path": path, "owner": owner, "group": group, "mode": mode}, path=path)
    return module.set_fs_attributes_if_different(wanted, False)
