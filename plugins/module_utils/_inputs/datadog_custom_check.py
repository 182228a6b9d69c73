# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_custom_check: problems with its checks, and the metrics that they report. Pure."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from .._secrets.names import secret_places
from .checked import Checked, Host
from .rules import is_between, metric_problem, place_problems, tags_problems
from .specification import shown

_CHECK_NAME = re.compile(r"[a-z_][a-z0-9_]{0,99}\Z")
_TRACKED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")
LONGEST_INTERVAL = 86400
# The check that the role brings.
OWN = "my_metric"
_CHECK_FIELDS = {"name", "source", "init_config", "instances", "sections", "secrets", "state", "metrics"}

# Go checks of the Agent for Linux, which take precedence over a custom check with the same name:
# pkg/commonchecks/corechecks.go and corechecks_sysprobe.go of datadog-agent 7.70 to 7.84.
_IN_GO = """
    agentprofiling apm battery cisco_sdwan cloud_hostinfo container container_image container_lifecycle containerd cpu
    cri datadog_csi_driver discovery disk docker ebpf file_handle gpu helm io jetson kata_containers kubelet
    kubernetes_apiserver kubernetes_state_core load lock_contention memory nccl network network_config_management
    network_path ntp oom_kill oracle orchestrator orchestrator_ecs orchestrator_kubelet_config orchestrator_pod
    process_agent sbom snmp syscall_latency systemd tcp_queue_length telemetry uptime versa wlan
"""
# The Agent's own modules: rtloader/common/builtins and cmd/agent/dist of datadog-agent 7.84.
_OF_AGENT = "_util aggregator checks config containers datadog_agent datadog_checks kubeutil tagger util utils"
# Modules that older Pythons of controllers have, but not Python 3.13, which the Agent ships.
_FORMER = """
    aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib nis nntplib
    ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib
"""
GO_CHECKS = frozenset(_IN_GO.split())
MODULES = (sys.stdlib_module_names - frozenset(_FORMER.split())) | frozenset(_OF_AGENT.split())

# Lines with syntax of Python 3.12, which an older Python does not understand.
_NEWER_SYNTAX = re.compile(r"\s*(type\s+\w+|(async\s+)?def\s+\w+\s*\[|class\s+\w+\s*\[)|.*\b[rR]?[fF][rR]?[\"']")


def reads(inputs: dict[str, Any]) -> list[str]:
    """Return the source files of the checks."""
    checks = inputs["checks"] if isinstance(inputs["checks"], (list, tuple)) else ()
    return [
        str(check["source"])
        for check in checks
        if isinstance(check, dict) and check.get("source") is not None and _is_present(check)
    ]


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: in addition to the inputs, ``code``, the content of each source by check name, and ``proven``, the metrics
        of each check that lists some.
    """
    variable, checks = "datadog_custom_check_checks", inputs["checks"]
    problems, seen = [], set()
    if not is_between(inputs["interval"], 1, LONGEST_INTERVAL):
        problems.append(
            f"datadog_custom_check_interval is {inputs['interval']!r}. Write seconds from 1 to {LONGEST_INTERVAL}."
        )
    problems += [
        f"datadog_custom_check_tracked has {name!r}, which is not a valid check name. Write one such as mysql."
        for name in inputs["tracked"] or ()
        if not _TRACKED.match(str(name))
    ]
    if not isinstance(checks, (list, tuple)):
        return Checked([*problems, f"{variable} is not a list. Write one whose items have a name and instances."])
    for number, item in enumerate(checks):
        if not isinstance(item, dict) or not _CHECK_NAME.match(str(item.get("name", ""))):
            name = shown(item.get("name", "")) if isinstance(item, dict) else ""
            problems.append(
                f"{variable}[{number}] has the name {name}. Write lowercase letters, digits and _, at most 100."
            )
            continue
        name = item["name"]
        if name in seen:
            problems.append(f"{variable} lists the check {name} twice. Put all of its instances in one item.")
        seen.add(name)
        found = _one_check(item, host.files)
        if name == "mysql" and _has_mysql_role(host):
            found.append(
                "another role writes its conf.yaml on this host. Remove it, and use datadog_mysql_user_connection, "
                "or datadog_mysql_user_instances for several servers."
            )
        problems += [f"{variable}, check {name}: {problem}" for problem in found]
    if problems:
        return Checked(problems)
    present = [item for item in checks if _is_present(item)]
    proven = {item["name"]: list(item["metrics"] or ()) for item in present if "metrics" in item}
    code = {item["name"]: host.files[str(item["source"])] for item in present if item.get("source") is not None}
    return Checked([], {"code": code, "proven": proven}, _expects(present))


def _is_present(item: dict[str, Any]) -> bool:
    return item.get("state") in (None, "present")


def _has_mysql_role(host: Host) -> bool:
    """Whether the role datadog_mysql_user applies to this host and writes the integration's file."""
    return "datadog_mysql_user" in host.others or "datadog_mysql_user_expects" in host.variables


def _expects(present: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what Datadog must show for the checks: for the role's own, also the interval and the range of values."""
    expects: dict[str, Any] = {"present": [], "metrics": []}
    for item in present:
        instances = item.get("instances") or [{}]
        # Without an interval, the Agent's default applies. Several instances send more often than each of them.
        interval = {"interval": instances[0].get("min_collection_interval", 15)} if len(instances) == 1 else {}
        for metric in item.get("metrics") or ():
            if (item["name"], item.get("source"), metric) == (OWN, f"{OWN}.py", OWN):
                expects["metrics"].append({"name": OWN, **interval, "min": 0, "max": 1000})
            else:
                expects["present"].append(metric)
    return expects


def _one_check(check: dict[str, Any], files: Mapping[str, str | None]) -> list[str]:
    problems = [
        f"{field} is not a known field. Use one of {', '.join(sorted(_CHECK_FIELDS))}."
        for field in check
        if field not in _CHECK_FIELDS
    ]
    source = check.get("source")
    if source is not None and _is_present(check):
        problems += _name_problems(check)
        code = files.get(str(source))
        if code is None:
            problems.append(f"there is no file {source}. Add it to the playbook's files, or write its absolute path.")
        else:
            problems += _code_problems(str(source), code)
    if not isinstance(check.get("init_config") or {}, dict):
        problems.append("init_config is not a dictionary. Write one.")
    if not isinstance(check.get("secrets", {}), dict):
        problems.append("secrets is not a dictionary of dotted paths and values. Write one.")
    sections = check.get("sections", {})
    if not isinstance(sections, dict) or {"init_config", "instances"} & set(sections):
        return [
            *problems,
            "sections is not a dictionary of sections besides init_config and instances. Write one, such as"
            " {logs: [...]}.",
        ]
    instances = check.get("instances", [{}])
    # A file may contain only other sections.
    if not isinstance(instances, (list, tuple)) or not (instances or sections):
        return [*problems, "instances is not a list with at least one item. Write one."]
    for number, instance in enumerate(instances):
        problems += [f"instances[{number}]{problem}" for problem in _instance(instance)]
    if not isinstance(check.get("metrics") or [], (list, tuple)):
        problems.append("metrics is not a list of names. Write one.")
    else:
        problems += [f"metrics: {problem}" for problem in map(metric_problem, check.get("metrics") or ()) if problem]
    config = {"init_config": check.get("init_config") or {}, "instances": list(instances), **sections}
    problems += [
        f"{place} is a secret. Move it to the check's secrets, by this path." for place in secret_places(config)
    ]
    return problems + place_problems("secrets", config, check.get("secrets", {}))


def _name_problems(check: dict[str, Any]) -> list[str]:
    """Return problems with names under which the Agent would never load a custom check."""
    name = check["name"]
    if name in MODULES:
        return ["the Agent's Python has a module with that name and would load it instead. Rename check and source."]
    if name in GO_CHECKS and not _loaded_by_python(check):
        # The role does not set the loader: with a loader, the Agent does not report a check that it cannot load.
        return [
            "the Agent has a check with that name and would run it instead. Rename check and source, or set"
            " init_config: {loader: python}, or leave source out to configure the Agent's own."
        ]
    return []


def _loaded_by_python(check: dict[str, Any]) -> bool:
    """Whether every instance selects Python's loader, itself or through init_config."""
    common, instances = check.get("init_config"), check.get("instances")
    shared = common.get("loader") if isinstance(common, dict) else None
    settings = instances if isinstance(instances, (list, tuple)) and instances else ({},)
    return all(isinstance(one, dict) and (one.get("loader") or shared) == "python" for one in settings)


def _code_problems(source: str, code: str) -> list[str]:
    """Compile the code as a file, with its byte order mark and encoding declaration. Does not run it."""
    try:
        with warnings.catch_warnings():
            # Warnings are about style, and would appear in the output of the run.
            warnings.simplefilter("ignore")
            compile(code.encode(), source, "exec", dont_inherit=True)
    except UnicodeEncodeError:
        return [f"{source} is not UTF-8. Save it as UTF-8."]
    except SyntaxError as error:
        if sys.version_info < (3, 12) and _NEWER_SYNTAX.match(error.text or ""):
            # It may be valid for the Agent's Python, which is newer. The host finds out.
            return []
        return [f"{source}, line {error.lineno or 1} is not valid Python: {error.msg}. Fix it."]
    except (MemoryError, RecursionError, ValueError) as error:
        return [f"{source} is not valid Python: {error}. Fix it."]
    return []


def _instance(instance: Any) -> list[str]:
    if not isinstance(instance, dict):
        return [" is not a dictionary. Write one."]
    problems = []
    interval = instance.get("min_collection_interval", 15)
    number = isinstance(interval, (int, float)) and not isinstance(interval, bool)
    if not number or not 1 <= interval <= LONGEST_INTERVAL:
        problems.append(f".min_collection_interval is {shown(interval)}. Write seconds from 1 to {LONGEST_INTERVAL}.")
    problems += [f": {problem}" for problem in tags_problems("tags", instance.get("tags", []))]
    return problems
