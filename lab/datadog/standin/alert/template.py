"""Messages of monitors: conditional blocks, variables and notified handles. Pure.

Source: https://docs.datadoghq.com/monitors/notify/variables/
"""

import html
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from urllib.parse import quote
from zoneinfo import ZoneInfo

_TAG = re.compile(
    r"\{\{\{\{raw\}\}\}\}(?P<raw>.*?)\{\{\{\{/raw\}\}\}\}"
    r"|\{\{!(?:--.*?--|[^{}]*)\}\}"
    r"|\{\{\{(?P<plain>[^{}]*)\}\}\}"
    r"|\{\{(?P<tag>[^{}]*)\}\}",
    re.DOTALL,
)
_WORDS = re.compile(r"\"([^\"]*)\"|'([^']*)'|(\S+)")
_HANDLE = re.compile(r"(?<![\w.+@-])@([\w.+-]+@[\w-]+(?:\.[\w-]+)+|[A-Za-z][\w./:-]*)")
# A handle ends before punctuation.
_PUNCTUATION = ".:/-"


def render(text: str, values: Mapping[str, str], conditions: Collection[str]) -> str:
    """Return `text` with variables replaced, and blocks kept or removed.

    `values` are the variables by name (host.name, value); missing ones become empty. `conditions` are those that are
    true, such as is_alert and is_priority:P1. What Datadog computes and the lab does not (eval) stays unchanged.
    """
    shown: list[str] = []
    # The open blocks: name, and whether their content is shown.
    blocks: list[tuple[str, bool]] = []
    position = 0
    for found in _TAG.finditer(text):
        visible = all(holds for _name, holds in blocks)
        shown.append(text[position : found.start()] if visible else "")
        position = found.end()
        tag = (found["tag"] or "").strip()
        if tag[:1] in ("#", "^") and tag[1:]:
            name, *words = _words(tag[1:])
            blocks.append((name, _holds(name, words, values, conditions) is (tag[0] == "#")))
        elif tag[:1] == "/":
            if blocks and blocks[-1][0] == tag[1:].strip():
                blocks.pop()
        elif tag == "else" and blocks:
            blocks[-1] = (blocks[-1][0], not blocks[-1][1])
        elif visible:
            shown.append(found["raw"] if found["raw"] is not None else _value(found, values))
    shown.append(text[position:] if all(holds for _name, holds in blocks) else "")
    return "".join(shown)


def handles(text: str) -> list[str]:
    """Return the handles in a rendered message without @ and duplicates: mail addresses, slack-channel, team-name."""
    return list(dict.fromkeys(found.rstrip(_PUNCTUATION) for found in _HANDLE.findall(text)))


def _words(text: str) -> list[str]:
    return [next((group for group in found.groups() if group is not None), "") for found in _WORDS.finditer(text)]


def _look(name: str, values: Mapping[str, str]) -> str:
    """Return the value of a variable. A key with dots may be in brackets; the .name of a tag is optional."""
    plain = name.strip().replace("[", "").replace("]", "")
    return values.get(plain, values.get(f"{plain}.name", ""))


def _holds(name: str, words: list[str], values: Mapping[str, str], conditions: Collection[str]) -> bool:
    if name in ("is_match", "is_exact_match") and words:
        value, *wanted = _look(words[0], values), *words[1:]
        if name == "is_exact_match":
            return value in wanted
        return any(word in value if word else bool(value) for word in wanted)
    if name == "is_priority":
        return any(f"is_priority:{word}" in conditions for word in words)
    return name in conditions


def _value(found: re.Match[str], values: Mapping[str, str]) -> str:
    if found["plain"] is not None:
        return _look(found["plain"], values)
    words = _words(found["tag"] or "")
    if len(words) < 2:
        return html.escape(_look(found["tag"] or "", values))
    if words[0] == "urlencode":
        return quote(_look(words[1], values), safe="")
    if words[0] == "local_time" and len(words) == 3:
        moment = _look(f"{words[1]}_epoch", values)
        return str(datetime.fromtimestamp(int(moment) // 1000, ZoneInfo(words[2]))) if moment else ""
    return found[0]


def utc(moment: float) -> str:
    """Format a time as {{last_triggered_at}} does."""
    return datetime.fromtimestamp(int(moment), timezone.utc).strftime("%a %b %d %Y %H:%M:%S UTC")
