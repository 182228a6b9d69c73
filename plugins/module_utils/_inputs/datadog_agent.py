# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_agent: problems with them, and the content of datadog.yaml. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._secrets.names import secret_places
from .._tags import normalise_value, tag_problem
from .checked import Checked, Host
from .rules import address_problems, holds, merged, place_problems, port_problems, tags_problems
from .specification import shown

# Supported platforms, by distribution and release as in Ansible's facts.
PLATFORMS = {"Debian": ("12", "13", "sid"), "Ubuntu": ("22.04", "24.04", "26.04")}
# Settings of datadog.yaml that have their own variable, by path.
OWN_VARIABLE = {
    **{name: name for name in ("site", "dd_url", "hostname", "env", "tags", "dogstatsd_port")},
    "remote_updates": "remote_updates",
    "use_dogstatsd": "dogstatsd_enabled",
    "apm_config.enabled": "apm_enabled",
    "apm_config.receiver_port": "apm_port",
    "apm_config.apm_dd_url": "apm_url",
}
# Architectures for which there is an Agent package.
ARCHITECTURES = ("x86_64", "aarch64")
_SITE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?\Z")
# Names that the Agent silently replaces by another one (datadog-agent up to 7.84, pkg/util/hostname/validate). It does
# not enforce the limit of 63 characters for a label, but RFC 1123 and every resolver do.
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "localhost6.localdomain6", "ip6-localhost")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
LONGEST_NAME = 255
# What apt accepts in a line of its sources (sources.list(5)); a suite that is a path ends with a slash.
_SUITE = re.compile(r"[A-Za-z0-9._~/+-]+\Z")
_VERSION = re.compile(r"([0-9]+:)?[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+~-]*\Z")


def asks(inputs: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the facts that have to be gathered for the rules, each with a module and its arguments."""
    return {"getent_group": ("ansible.builtin.getent", {"database": "group"})} if inputs["groups"] else {}


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: in addition to the inputs, ``config``, the content of datadog.yaml without secrets, and ``apt_version``.
    """
    problems = [*_platform(host.facts), *_groups(inputs["groups"], host.facts.get("getent_group"))]
    problems += _api_key(inputs["api_key"])
    if not _SITE.match(str(inputs["site"])) or not re.search(r"^[^.]+(\.[^.]+)+$", str(inputs["site"])):
        problems.append(f"datadog_agent_site {inputs['site']!r} is not a site. Write one such as datadoghq.eu.")
    # One is the default of the other: report a problem with both only once.
    for name in ("dd_url", "apm_url") if inputs["apm_url"] != inputs["dd_url"] else ("dd_url",):
        problems += address_problems(f"datadog_agent_{name}", inputs[name]) if inputs[name] else []
    for name in ("apm_port", "dogstatsd_port"):
        problems += port_problems(f"datadog_agent_{name}", inputs[name])
    problems += _host_name(inputs["hostname"]) + _env(inputs["env"]) + _repository(inputs)
    if inputs["version"] and not _VERSION.match(str(inputs["version"])):
        problems.append(f"datadog_agent_version {inputs['version']!r} is not a version. Write one such as 7.70.0.")
    if str(inputs["remote_updates"]).lower() not in ("true", "false", ""):
        problems.append(
            f"datadog_agent_remote_updates is {inputs['remote_updates']!r}. Write true, false, or '' for its default."
        )
    problems += tags_problems("datadog_agent_tags", inputs["tags"])
    if not isinstance(inputs["config"], dict):
        return Checked([*problems, "datadog_agent_config is not a dictionary. Write settings as in datadog.yaml."])
    if problems := problems + _config_problems(inputs["config"], inputs["secrets"]):
        return Checked(problems)
    runs = inputs["state"] == "present" and inputs["enabled"]
    expects = {"tags": inputs["tags"], "present": ["system.load.1", "system.mem.usable"]} if runs else {}
    return Checked([], {"config": _config(inputs), "apt_version": _apt_version(inputs["version"])}, expects)


def _platform(facts: Mapping[str, Any]) -> list[str]:
    problems = []
    name, version = str(facts.get("distribution")), str(facts.get("distribution_version"))
    release = version
    # Debian unstable has a name, such as forky/sid, and no number. So does testing.
    if "sid" in f"{version}/{facts.get('distribution_release')}".split("/"):
        release = "sid"
    elif name == "Debian":
        release = str(facts.get("distribution_major_version"))
    if release not in PLATFORMS.get(name, ()):
        known = "; ".join(f"{name} {', '.join(releases)}" for name, releases in PLATFORMS.items())
        problems.append(f"{name} {release} is not supported. Use one of {known}.")
    # A 32-bit system can run on a 64-bit processor.
    bits = " with 32 bits" if str(facts.get("userspace_bits", "64")) == "32" else ""
    architecture = f"{facts.get('architecture')}{bits}"
    if architecture not in ARCHITECTURES:
        problems.append(f"there is no Agent for {architecture}. Use a host with {' or '.join(ARCHITECTURES)}.")
    return problems


def _apt_version(version: str) -> str:
    """Return a bare version such as 7.70.0 as apt writes it; an existing epoch or revision stays."""
    if version and ":" not in version:
        version = f"1:{version}"
    return f"{version}-1" if version and "-" not in version else version


def _config(inputs: Mapping[str, Any]) -> dict[str, Any]:
    traces = {"enabled": inputs["apm_enabled"], "receiver_port": int(inputs["apm_port"])}
    if inputs["apm_url"]:
        traces["apm_dd_url"] = inputs["apm_url"]
    given = {name: inputs[name] for name in ("site", "dd_url", "hostname", "env", "tags")}
    config: dict[str, Any] = {name: value for name, value in given.items() if value}
    config |= {
        "apm_config": traces,
        "use_dogstatsd": inputs["dogstatsd_enabled"],
        "dogstatsd_port": int(inputs["dogstatsd_port"]),
    }
    if (updates := str(inputs["remote_updates"]).lower()) in ("true", "false"):
        config["remote_updates"] = updates == "true"
    return merged(config, inputs["config"])


def _api_key(key: Any) -> list[str]:
    if isinstance(key, str) and (re.fullmatch(r"[0-9a-fA-F]{32}", key) or re.fullmatch(r"ENC\[.+\]", key)):
        return []
    fix = "Set datadog_api_key in the inventory, or DD_API_KEY in the environment."
    return [f"datadog_agent_api_key is not 32 characters 0-9 and a-f, or ENC[handle]. {fix}"]


def _host_name(name: Any) -> list[str]:
    text = "" if name is None else str(name)
    if not text:
        return []
    variable = f"datadog_agent_hostname {text[:80]!r}"
    if text.lower() in _LOCAL_NAMES:
        return [f"{variable} is not unique. Write the host's own name, or leave it empty so that the Agent finds it."]
    if len(text) > LONGEST_NAME or not all(_LABEL.match(label) for label in text.split(".")):
        return [
            f"{variable} is not a host name by RFC 1123. Write labels of up to 63 letters, digits and dashes, dots "
            f"between them, {LONGEST_NAME} characters in all."
        ]
    return []


def _env(env: Any) -> list[str]:
    """Return problems with the value of a tag, of which Datadog may change nothing but the case."""
    text = str(env or "")
    if not text or (normalise_value(text) == text.lower() and not tag_problem(f"env:{text}")):
        return []
    wanted = normalise_value(text)[:100] or "letters and digits"
    return [f"datadog_agent_env is {shown(text)}, which Datadog would change. Write {wanted}."]


def _repository(inputs: Mapping[str, Any]) -> list[str]:
    problems = address_problems("datadog_agent_apt_url", inputs["apt_url"])
    for name, example in (("suite", "stable"), ("component", "7")):
        if not _SUITE.match(str(inputs[f"apt_{name}"])):
            problems.append(
                f"datadog_agent_apt_{name} is {inputs[f'apt_{name}']!r}, which apt does not accept. Write {example}."
            )
    keys = inputs["apt_key_urls"]
    if not isinstance(keys, (list, tuple)) or not keys:
        return [
            *problems,
            "datadog_agent_apt_key_urls is empty, so apt would not trust any package. Add at least one.",
        ]
    for number, address in enumerate(keys):
        problems += address_problems(f"datadog_agent_apt_key_urls[{number}]", address)
    return problems


def _groups(groups: Any, known: Mapping[str, Any] | None) -> list[str]:
    if not isinstance(groups, (list, tuple)):
        return ["datadog_agent_groups is not a list. Write names of groups."]
    return [
        f"datadog_agent_groups: the group {group!r} does not exist on the host. Create it first, or remove it."
        for group in groups
        # Groups are only known after facts have been gathered.
        if known is not None and str(group) not in known
    ]


def _config_problems(config: dict[str, Any], secrets: Any) -> list[str]:
    """Return settings that belong elsewhere: those with their own variable, and secrets, which diffs would show."""
    problems = [
        f"datadog_agent_config.{place} has its own variable. Set datadog_agent_{name}."
        for place, name in OWN_VARIABLE.items()
        if holds(config, place)
    ]
    for place in secret_places(config):
        fix = f"Move it to datadog_agent_secrets as '{place}', or move a parent of it as a whole."
        if place == "api_key":
            fix = "Set datadog_agent_api_key."
        problems.append(f"datadog_agent_config.{place} is a secret. {fix}")
    for place, secret in secrets.items() if isinstance(secrets, dict) else ():
        own = {**OWN_VARIABLE, "api_key": "api_key"}
        names = [name for each, name in own.items() if f"{each}.".startswith(f"{place}.")]
        if names:
            problems.append(
                f"datadog_agent_secrets has {place!r}, which has its own variable. Set datadog_agent_{names[0]}."
            )
        elif secret in (None, ""):
            problems.append(f"datadog_agent_secrets has {place!r}, which is empty. Set it, or remove it.")
    return problems + place_problems("datadog_agent_secrets", config, secrets)
