# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Format results as lines of text for the callback C(steps). Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDTH = 79
INDENT = "    "
# Names beyond these numbers are counted.
MOST_HOSTS, MOST_PARTS = 5, 4
# What dpkg prints when it unpacks, and what apt-get prints when it simulates this.
UNPACKED = re.compile(r"^Unpacking (?P<name>\S+) \((?P<new>\S+)\)(?: over \((?P<old>\S+)\))? \.\.\.", re.MULTILINE)
SIMULATED = re.compile(r"^Inst (?P<name>\S+) (?:\[(?P<old>\S+)\] )?\((?P<new>\S+) ", re.MULTILINE)
# Verdicts on a host, and the counts of AggregateStats.summarize that lead to them.
VERDICTS = {"unreachable": "unreachable", "failed": "failures"}
EMPTY_MESSAGES = ("", "All assertions passed")
OUTCOMES = {"created": "create", "changed": "change", "deleted": "delete"}


def wrapped(text: str, indent: str = INDENT) -> list[str]:
    """Return the lines of a text, each indented and wrapped without breaking words and addresses."""
    lines = []
    for line in text.rstrip().splitlines():
        own = indent + line[: len(line) - len(line.lstrip())]
        longest = max(map(len, line.split()), default=0)
        # A line with an address that is too long anyway is not wrapped.
        width = WIDTH if len(own) + longest <= WIDTH else len(own) + len(line)
        lines += textwrap.wrap(
            line.strip(), width, initial_indent=own, subsequent_indent=own, break_long_words=False,
            break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return lines


def some(names: Iterable[str], most: int = MOST_HOSTS) -> str:
    """Return names separated by commas; if there are more than MOST, count the rest."""
    listed = list(dict.fromkeys(names))
    if len(listed) <= most:
        return ", ".join(listed)
    return f"{', '.join(listed[: most - 1])} and {len(listed) - most + 1} more"


def what_changed(result: Mapping[str, Any]) -> str:
    """Return what changed according to a result: packages with versions, or actions and files; or an empty text."""
    output = result.get("stdout")
    packages = _versions(output) if isinstance(output, str) else []
    parts = packages or [one for name in ("actions", "files") for one in result.get(name) or () if isinstance(one, str)]
    return some(parts, MOST_PARTS)


def _versions(output: str) -> list[str]:
    found = [*UNPACKED.finditer(output), *SIMULATED.finditer(output)]
    return [
        f"{one['name'].partition(':')[0]} {one['old'] + ' -> ' if one['old'] else ''}{one['new']}"
        for one in sorted(found, key=lambda one: not one["old"])
    ]


def failure(result: Mapping[str, Any], label: str = "") -> list[str]:
    """Return the whole message of a failed result, with the output of a command or a broken module."""
    message = str(result.get("msg") or result.get("censored") or "failed").strip()
    texts = [f"{label}: {message}" if label else message]
    for name in ("stderr", "stdout", "module_stderr", "module_stdout"):
        said = str(result.get(name) or "").strip()
        if said and said not in "\n".join(texts):
            texts.append(f"{name.rpartition('_')[2]}: {said}")
    return texts


def said(result: Mapping[str, Any]) -> str:
    """Return the message that a task is meant to print."""
    message = result.get("msg")
    text = "\n".join(map(str, message)) if isinstance(message, list) else "" if message is None else str(message)
    return "" if text in EMPTY_MESSAGES else text


def host_table(hosts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return a table with the result of each host, from its counts by AggregateStats."""
    rows = [("HOST", "RESULT", "TASKS", "CHANGED")]
    for host, counts in sorted(hosts.items()):
        verdict = next((word for word, count in VERDICTS.items() if counts[count]), "ok")
        tasks = counts["ok"] + counts["failures"] + counts["unreachable"]
        rows.append((host, verdict, str(tasks), str(counts["changed"])))
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    return [f"{row[0]:<{wide[0]}}  {row[1]:<{wide[1]}}  {row[2]:>{wide[2]}}  {row[3]:>{wide[3]}}" for row in rows]


def object_lines(summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the results of Datadog objects: their number, and each changed object with title and address."""
    lines = []
    for one in summaries:
        counts, check = one["counts"], one["check"]
        done = [f"{OUTCOMES[how] if check else how} {counts[how]}" for how in OUTCOMES]
        lines += ["", f"Datadog objects of {one['fleet']}: {'would ' * check}{', '.join(done)}"]
        for how in OUTCOMES:
            for kind, outcomes in one["objects"].items():
                for entry in outcomes[how]:
                    note = f" ({entry['note']})" if entry.get("note") else ""
                    lines += wrapped(f"{how} {kind.removesuffix('s')} {entry['title'] or entry['key']}{note}") + (
                        [f"{INDENT * 2}{entry['url']}"] if entry["url"] else []
                    )
    return lines
