# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles refuse before they change anything. Pure: each function takes a role's inputs and returns problems.

A problem is a sentence that names the variable and the mend. Inputs may be of any type: a wrong one is a problem too.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import public_address, secret_places
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import merge_secrets
from ansible_collections.kennel.fleet.plugins.module_utils._tags import tag_problem

# Settings of datadog.yaml that have a variable of their own, by their place.
OWN_VARIABLE = {
    **{name: name for name in ("site", "dd_url", "hostname", "env", "tags", "dogstatsd_port")},
    "remote_updates": "remote_updates",
    "use_dogstatsd": "dogstatsd_enabled",
    "apm_config.enabled": "apm_enabled",
    "apm_config.receiver_port": "apm_port",
    "apm_config.apm_dd_url": "apm_url",
}
# For which the Agent's package is made.
ARCHITECTURES = ("x86_64", "aarch64")
_SITE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?\Z")
# What the Agent refuses, and reports under another name without a word of it (datadog-agent up to 7.84,
# pkg/util/hostname/validate). It does not count the 63 characters of a label; RFC 1123 and every resolver do.
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "localhost6.localdomain6", "ip6-localhost")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
LONGEST_NAME = 255
_VERSION = re.compile(r"([0-9]+:)?[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+~-]*\Z")


def agent_problems(inputs: dict[str, Any]) -> list[str]:
    """What is wrong with the inputs of the role datadog_agent, each under its variable's name without the prefix."""
    problems = []
    supported = inputs["distributions"].get(inputs["distribution"], [])
    if inputs["release"] not in supported:
        known = "; ".join(f"{name} {', '.join(releases)}" for name, releases in inputs["distributions"].items())
        problems.append(f"{inputs['distribution']} {inputs['release']} is not supported: use one of {known}")
    if inputs["architecture"] not in ARCHITECTURES:
        problems.append(f"there is no Agent for {inputs['architecture']}: use a host with {' or '.join(ARCHITECTURES)}")
    problems += _groups(inputs["groups"], inputs["host_groups"])
    problems += _api_key(inputs["api_key"])
    if not _SITE.match(str(inputs["site"])) or "." not in str(inputs["site"]):
        problems.append(f"datadog_agent_site {inputs['site']!r} is no site: write for example datadoghq.eu")
    # The one follows the other: what is wrong with both is said once.
    for name in ("dd_url", "apm_url") if inputs["apm_url"] != inputs["dd_url"] else ("dd_url",):
        if inputs[name] and urlsplit(str(inputs[name])).scheme not in ("http", "https"):
            shown = public_address(str(inputs[name]))
            problems.append(f"datadog_agent_{name} {shown!r} is not an address: it starts with https://")
    for name in ("apm_port", "dogstatsd_port"):
        if not is_between(inputs[name], 1, 65535):
            problems.append(f"datadog_agent_{name} is {inputs[name]!r}: it takes a port, from 1 to 65535")
    problems += _host_name(inputs["hostname"])
    if inputs["version"] and not _VERSION.match(str(inputs["version"])):
        problems.append(f"datadog_agent_version {inputs['version']!r} is no version: write for example 7.70.0")
    if str(inputs["remote_updates"]).lower() not in ("true", "false", ""):
        problems.append(
            f"datadog_agent_remote_updates is {inputs['remote_updates']!r}: write true, false or '' for the Agent's own"
        )
    problems += tags_problems("datadog_agent_tags", inputs["tags"])
    if isinstance(inputs["config"], dict):
        problems += _config(inputs["config"], inputs["secrets"])
    else:
        problems.append("datadog_agent_config is no dictionary: write settings as in datadog.yaml")
    return problems


def _api_key(key: Any) -> list[str]:
    if isinstance(key, str) and (re.fullmatch(r"[0-9a-fA-F]{32}", key) or re.fullmatch(r"ENC\[.+\]", key)):
        return []
    mend = "set datadog_api_key in the inventory, or DD_API_KEY in the environment"
    return [f"datadog_agent_api_key is no API key: it has 32 characters, 0-9 and a-f (or is ENC[handle]); {mend}"]


def _host_name(name: Any) -> list[str]:
    text = "" if name is None else str(name)
    if not text:
        return []
    variable = f"datadog_agent_hostname {text[:80]!r}"
    if text.lower() in _LOCAL_NAMES:
        return [
            f"{variable} is the name of every host: write one of its own, or leave it empty for the Agent to find one"
        ]
    if len(text) > LONGEST_NAME or not all(_LABEL.match(label) for label in text.split(".")):
        return [
            f"{variable} is not a host name by RFC 1123: write labels of up to 63 letters, digits and dashes, dots "
            f"between them, {LONGEST_NAME} characters in all"
        ]
    return []


def _groups(groups: Any, known: Any) -> list[str]:
    if not isinstance(groups, (list, tuple)) or not isinstance(known, dict):
        return ["datadog_agent_groups is no list: write names of groups"]
    mend = "create it first, or take it out"
    return [
        f"datadog_agent_groups: there is no group {group!r} on the host: {mend}"
        for group in groups
        if str(group) not in known
    ]


def tags_problems(variable: str, tags: Any) -> list[str]:
    """What is wrong with a list of tags."""
    if not isinstance(tags, (list, tuple)):
        return [f"{variable} is no list: write a list of 'key:value' strings"]
    found = ((tag, tag_problem(tag) if isinstance(tag, str) else "is no 'key:value' string") for tag in tags)
    return [f"{variable}: {tag!r} {problem}" for tag, problem in found if problem]


def _config(config: Any, secrets: Any) -> list[str]:
    """Settings that belong elsewhere: those with a variable of their own, and secrets, which would show in diffs."""
    if not isinstance(config, dict):
        return []
    problems = [
        f"datadog_agent_config.{place} has a variable of its own: set datadog_agent_{name}"
        for place, name in OWN_VARIABLE.items()
        if _holds(config, place)
    ]
    for place in secret_places(config):
        mend = f"put it into datadog_agent_secrets as '{place}', or a part of that path with all that lies under it"
        if place == "api_key":
            mend = "set datadog_agent_api_key"
        problems.append(f"datadog_agent_config.{place} is a secret: {mend}")
    return problems + place_problems("datadog_agent_secrets", config, secrets)


def _holds(config: Any, place: str) -> bool:
    """Whether a configuration has something at this place, a dotted path."""
    name, _dot, rest = place.partition(".")
    return isinstance(config, dict) and name in config and (not rest or _holds(config[name], rest))


def is_between(value: Any, least: int, most: int) -> bool:
    """Whether this is such a whole number, or text that says one, as -e gives it."""
    digits = not isinstance(value, bool) and re.fullmatch("[0-9]{1,9}", str(value))
    return bool(digits) and least <= int(value) <= most


def place_problems(variable: str, config: dict, secrets: Any) -> list[str]:
    """Secrets whose place does not exist in the configuration."""
    try:
        merge_secrets(config, secrets if isinstance(secrets, dict) else {})
    except ValueError as error:
        return [f"{variable}: {error}"]
    return []
