# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Datadog's tag rules: how tags are normalized, and which ones are invalid. Pure. The lab uses the same rules.

The rules are those of Datadog's documentation:

- https://docs.datadoghq.com/getting_started/tagging/: letters become lowercase; letters, digits and ``_-:./`` stay,
  any other character becomes an underscore; a tag starts with a letter and does not end with a colon; it has at most
  200 characters; Unicode is allowed.
- https://docs.datadoghq.com/developers/guide/what-best-practices-are-recommended-for-naming-metrics-and-tags/:
  repeated underscores become one, and a trailing underscore is removed.
- https://docs.datadoghq.com/cloud_cost_management/tags/: anything before the first letter is removed, as with metrics.

Where the documentation is silent, these rules follow Datadog's own code: letters and digits are the Unicode categories
L* and Nd (datadog-agent 7.48, pkg/trace/traceutil, NormalizeTag), and the length is that of the normalized tag
(datadog-serverless-functions, pull request 240, sanitize_aws_tag_string). Both keep a colon at either end, which the
second calls a backend bug that produces tags no query finds. Here the documentation prevails.
Clients and the Agent send tags unchanged, and the intake normalizes them. The exception is the trace agent, which
normalizes the values of services and environments by its own rule: see lab/agent/standin_agent/spans.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_LENGTH = 200
# In queries, a tag host:X would create a second host with that name, so Datadog reserves the key.
RESERVED_KEYS = frozenset({"host"})


def normalise_tag(tag: str) -> str:
    """Return TAG as Datadog stores it, or "" if nothing is left of it.

    Idempotent. Does not validate the tag: see ``tag_problem``.
    """
    return _cleaned(tag)[:MAX_LENGTH].rstrip("_:")


def normalise_value(value: str) -> str:
    """Return a tag value as Datadog stores it, regardless of its length."""
    return _cleaned(f"key:{value}").partition(":")[2]


def _cleaned(tag: str) -> str:
    text = re.sub("__+", "_", "".join(map(_kept, tag)))
    first = next((place for place, char in enumerate(text) if char.isalpha()), len(text))
    return text[first:].rstrip("_:")


def _kept(char: str) -> str:
    lower = char.lower()
    # Some letters become two characters in lowercase. They stay unchanged, as in NormalizeTag.
    char = lower if len(lower) == 1 else char
    return char if char.isalpha() or char.isdecimal() or char in "-:./" else "_"


def tag_problem(tag: str) -> str | None:
    """Return why TAG cannot become a valid ``key:value`` tag, with the fix, or None."""
    if ":" not in tag:
        return "is not of the form key:value. Write one such as 'team:web'."
    if re.search("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]", tag):
        return "contains a line break or another control character. Remove it."
    key, _colon, value = _trimmed(tag).partition(":")
    if not key:
        return "has an empty key. Write something before the colon."
    if not value:
        return "has an empty value. Add one, or remove the tag."
    if not key[0].isalpha():
        return "does not start with a letter. Rename its key."
    cleaned = _cleaned(f"{key}:{value}")
    if ":" not in cleaned:
        return "has a value without any letter or digit. Change it, or remove the tag."
    if cleaned.partition(":")[0] in RESERVED_KEYS:
        return "uses the key 'host', which Datadog keeps for the host's own name. Choose another key."
    if len(cleaned) > MAX_LENGTH:
        return f"has {len(cleaned)} characters, more than {MAX_LENGTH}. Shorten it."
    return None


def _trimmed(tag: str) -> str:
    """Return TAG without white space around key and value, which is hardly meant to become underscores."""
    return ":".join(part.strip() for part in tag.split(":", 1))


def build_tags(
    literals: Any,
    *,
    groups: Any = None,
    group_key: Any = "ansible_group",
    variables: Any = None,
    facts: Any = None,
) -> tuple[list[str], list[str]]:
    """Collect tags from all sources.

    :arg literals: a list of ``key:value`` strings, or a dictionary of keys and values.
    :arg groups: a list of group names; each becomes ``GROUP_KEY:NAME``.
    :arg variables: dictionary of tag keys and values; a list as a value produces several tags.
    :arg facts: the same; problems distinguish the two.
    :returns: the valid tags, sorted and without duplicates; and the problems, each with its source and the fix.
        Never raises: an argument of the wrong type is a problem, too.
    """
    tags: set[str] = set()
    problems: list[str] = []
    candidates = (
        *_literals(literals),
        *_groups(groups, group_key),
        *_mapping("variable tag", variables),
        *_mapping("fact tag", facts),
    )
    for source, tag, unusable in candidates:
        if problem := unusable or tag_problem(tag):
            problems.append(f"{source} {problem}")
        else:
            tags.add(normalise_tag(_trimmed(tag)))
    return sorted(tags), problems


# What a source yields for each tag: (its origin, the tag, "") or (its origin, "", the problem).
_Candidate = tuple[str, str, str]


def _literals(literals: Any) -> Iterator[_Candidate]:
    if isinstance(literals, Mapping):
        yield from _mapping("literal tag", literals)
    elif literals is None or isinstance(literals, (list, tuple)):
        for item in literals or ():
            if isinstance(item, str):
                yield f"literal tag {_shown(item)}", item, ""
            elif isinstance(item, Mapping):
                yield (
                    f"literal tag {_shown(item)}",
                    "",
                    "is a dictionary. Write 'key:value' in quotes, without a space after the colon.",
                )
            else:
                yield f"literal tag {_shown(item)}", "", f"is {_type(item)}. Write a 'key:value' string."
    else:
        yield "literal tags", "", f"are {_type(literals)}. Write a list of 'key:value' strings, or a dictionary."


def _groups(groups: Any, group_key: Any) -> Iterator[_Candidate]:
    if groups is None:
        return
    if not isinstance(groups, (list, tuple, set, frozenset)):
        yield "groups", "", f"are {_type(groups)}. Write a list of group names."
        return
    problem = _key_problem(group_key)
    if problem and groups:
        yield f"group key {_shown(group_key)}", "", problem
        return
    for group in groups:
        source = f"group {_shown(group)}"
        if isinstance(group, str):
            yield source, f"{group_key}:{group}", ""
        else:
            yield source, "", f"is {_type(group)}. Write a string."


def _mapping(kind: str, mapping: Any) -> Iterator[_Candidate]:
    if mapping is None:
        return
    if not isinstance(mapping, Mapping):
        yield f"{kind}s", "", f"are {_type(mapping)}. Write a dictionary of tag keys and values."
        return
    for key, value in mapping.items():
        source = f"{kind} {_shown(key)}"
        problem = _key_problem(key)
        if problem:
            yield source, "", problem
            continue
        for item in value if isinstance(value, (list, tuple, set, frozenset)) else (value,):
            text = _text(item)
            if text is None:
                yield (
                    source,
                    "",
                    f"has {_type(item)} as its value. Use a string, a number, a boolean or a list of them.",
                )
            else:
                yield source, f"{key}:{text}", ""


def _key_problem(key: Any) -> str | None:
    if not isinstance(key, str):
        return f"is {_type(key)}. Write a string."
    if not key.strip():
        return "is empty. Write the key of a tag."
    if ":" in key:
        return "contains a colon. Write only the key, since all after the first colon of a tag is its value."
    return None


def _text(value: Any) -> str | None:
    """Return a scalar as text for a tag, or None if the value is not a scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return None


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    if isinstance(value, str):
        return "a string"
    # Only the type: printing an undefined value raises in older Ansible versions.
    return f"of type {type(value).__name__}"


def _shown(value: Any) -> str:
    """Return VALUE quoted and short enough for a message."""
    if isinstance(value, (str, int, float, list, tuple, Mapping)):
        try:
            text = str(value)
        # An undefined value inside can raise any exception when it is printed, so only its type is shown.
        except Exception:  # noqa: BLE001
            text = type(value).__name__
        return repr(text if len(text) <= 60 else text[:57] + "...")
    return f"({_type(value)})"
