# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Datadog's tag rules: what a tag becomes, and what cannot become one. Pure. The lab uses the same.

The rules are those of Datadog's documentation:

- https://docs.datadoghq.com/getting_started/tagging/: letters in lower case; letters, digits and ``_-:./`` stay, any
  other character becomes an underscore; a letter first; no colon at the end; at most 200 characters; Unicode.
- https://docs.datadoghq.com/developers/guide/what-best-practices-are-recommended-for-naming-metrics-and-tags/: runs of
  underscores become one, and a trailing underscore goes.
- https://docs.datadoghq.com/cloud_cost_management/tags/: what precedes the first letter goes, as with metrics.

What the documentation leaves open follows Datadog's own copies of the rule: letters and digits are Unicode's categories
L* and Nd (datadog-agent 7.48, pkg/trace/traceutil, NormalizeTag), and the length counts what is left after the clean-up
(datadog-serverless-functions, pull request 240, sanitize_aws_tag_string). Both keep a colon at either end, which the
second calls a bug of the backend that makes tags that no query finds; here the documentation is followed.
Clients and the Agent send tags as they are written: the intake normalises them. The exception is the trace agent, which
normalises values of services and environments by a rule of its own: see lab/agent/standin_agent/spans.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

MAX_LENGTH = 200
# A tag host:X makes a second host of that name in every query, so Datadog keeps the key to itself.
RESERVED_KEYS = frozenset({"host"})


def normalise_tag(tag: str) -> str:
    """Return TAG as Datadog stores it; "" when nothing is left of it.

    Applying it twice is the same as once. It does not judge: see ``tag_problem``.
    """
    return _cleaned(tag)[:MAX_LENGTH].rstrip("_:")


def normalise_value(value: str) -> str:
    """Return the part of a tag after its key as Datadog stores it, without regard to its length."""
    return _cleaned(f"key:{value}").partition(":")[2]


def _cleaned(tag: str) -> str:
    text = re.sub("__+", "_", "".join(map(_kept, tag)))
    first = next((place for place, char in enumerate(text) if char.isalpha()), len(text))
    return text[first:].rstrip("_:")


def _kept(char: str) -> str:
    lower = char.lower()
    # The lower case of some letters is two characters. Such a letter stays, as in NormalizeTag.
    char = lower if len(lower) == 1 else char
    return char if char.isalpha() or char.isdecimal() or char in "-:./" else "_"


def tag_problem(tag: str) -> str | None:
    """Return why TAG cannot be made a valid ``key:value`` tag and what to write instead, or None."""
    if ":" not in tag:
        return "is not of the form key:value: write for example 'team:web'"
    if re.search("[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]", tag):
        return "has a line break or another control character in it: take that out"
    key, _colon, value = _trimmed(tag).partition(":")
    if not key:
        return "has an empty key: write something before the colon"
    if not value:
        return "has an empty value: give it one, or leave the tag out"
    if not key[0].isalpha():
        return "does not start with a letter: rename its key"
    cleaned = _cleaned(f"{key}:{value}")
    if ":" not in cleaned:
        return "has a value without any letter or digit: give it one, or leave the tag out"
    if cleaned.partition(":")[0] in RESERVED_KEYS:
        return "uses the key 'host', which Datadog keeps for the host's own name: choose another key"
    if len(cleaned) > MAX_LENGTH:
        return f"has {len(cleaned)} characters, {MAX_LENGTH} are allowed: shorten it"
    return None


def _trimmed(tag: str) -> str:
    """Return TAG without white space around key and value, which its author hardly means as underscores."""
    return ":".join(part.strip() for part in tag.split(":", 1))


def build_tags(
    literals: Any,
    *,
    groups: Any = None,
    group_key: Any = "ansible_group",
    variables: Any = None,
    facts: Any = None,
) -> tuple[list[str], list[str]]:
    """Gather tags from every source.

    :arg literals: a list of ``key:value`` strings, or a dictionary of key to value.
    :arg groups: a list of group names; each becomes ``GROUP_KEY:NAME``.
    :arg variables: dictionary of tag key to value; a list as value makes several tags.
    :arg facts: the same, named apart in problems.
    :returns: the valid tags, sorted, each once; and the problems, each naming its source and the fix.
        Never raises: an argument of a wrong type is a problem too.
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


# What a source gives for each tag: (where it comes from, the tag, "") or (where it comes from, "", the problem).
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
                    "is a dictionary: write 'key:value' in quotes, without a space after the colon",
                )
            else:
                yield f"literal tag {_shown(item)}", "", f"is {_type(item)}: write a 'key:value' string"
    else:
        yield "literal tags", "", f"are {_type(literals)}: write a list of 'key:value' strings, or a dictionary"


def _groups(groups: Any, group_key: Any) -> Iterator[_Candidate]:
    if groups is None:
        return
    if not isinstance(groups, (list, tuple, set, frozenset)):
        yield "groups", "", f"are {_type(groups)}: give a list of group names"
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
            yield source, "", f"is {_type(group)}: a group name is a string"


def _mapping(kind: str, mapping: Any) -> Iterator[_Candidate]:
    if mapping is None:
        return
    if not isinstance(mapping, Mapping):
        yield f"{kind}s", "", f"are {_type(mapping)}: give a dictionary of tag key to value"
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
                yield source, "", f"has {_type(item)} as value: give a string, a number, a boolean or a list of them"
            else:
                yield source, f"{key}:{text}", ""


def _key_problem(key: Any) -> str | None:
    if not isinstance(key, str):
        return f"is {_type(key)}: a tag key is a string"
    if not key.strip():
        return "is empty: a tag key is a word"
    if ":" in key:
        return "holds a colon: everything after the first colon of a tag is its value"
    return None


def _text(value: Any) -> str | None:
    """Return a scalar as it is written in a tag, or None when it is not a scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return None


def _type(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    if isinstance(value, Mapping):
        return "a dictionary"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    if isinstance(value, str):
        return "a string"
    # By type only: printing an undefined value of older Ansible versions raises.
    return f"of type {type(value).__name__}"


def _shown(value: Any) -> str:
    """Return VALUE quoted and short enough for a message."""
    if isinstance(value, (str, int, float, list, tuple, Mapping)):
        try:
            text = str(value)
        # An undefined value inside raises whatever it likes when it is printed; its type is all there is to say.
        except Exception:  # noqa: BLE001
            text = type(value).__name__
        return repr(text if len(text) <= 60 else text[:57] + "...")
    return f"({_type(value)})"
