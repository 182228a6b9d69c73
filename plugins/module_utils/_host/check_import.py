# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program that imports a custom check as the Agent does, and reports problems with it.

It runs on a host, as the Agent's user, with the Agent's own Python, which may be as old as 3.8. It reads the code, and
that of checks to be installed with it, as JSON from standard input, and changes nothing in the Agent: the code goes to
a private copy of the configuration folder, which contains links to everything else, so that the check finds the files
next to it.

Source of the rules: datadog-agent 7.70 to 7.84, rtloader/three/three.cpp, rtloader/common/builtins,
pkg/collector/python/loader.go and cmd/agent/common/common.go.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import types

EXCEEDED = "it was still loading after {} seconds"
ENDED = "it ends the process that loads it ({}), which would be the Agent"
MISSING = ". Install it in the Agent's Python first, or put its file next to the check."
SHADOWED = "the Agent finds {} under this name first. Rename the check and its source."
INTEGRATION = (
    "the Agent comes with an integration {}{} and would run that instead. Rename the check and its source, or leave its"
    " source out to configure the integration."
)
NO_CLASS = "it has no subclass of AgentCheck that no other class derives from"
OTHER_CLASS = "the Agent uses its class {0}, the first by name, and not {1}. Rename {1}, or do not import {0}."

# Modules that only exist in the Agent's own process, with what their functions return here.
METRIC_TYPES = ("GAUGE", "RATE", "COUNT", "MONOTONIC_COUNT", "COUNTER", "HISTOGRAM", "HISTORATE")
SUBMITTING = ("submit_metric", "submit_service_check", "submit_event", "submit_histogram_bucket")
HEADERS = {"User-Agent": "Datadog Agent", "Content-Type": "application/x-www-form-urlencoded", "Accept": "*/*"}
ANSWERS: dict[str, dict[str, object]] = {
    "aggregator": dict.fromkeys((*SUBMITTING, "submit_event_platform_event")),
    "datadog_agent": {
        **dict.fromkeys(("get_config", "get_clustername", "log", "send_log", "set_check_metadata")),
        **dict.fromkeys(("set_external_tags", "write_persistent_cache", "emit_agent_telemetry")),
        **dict.fromkeys(("report_issue", "resolve_issue")),
        **dict.fromkeys(("read_persistent_cache", "obfuscate_sql", "obfuscate_sql_exec_plan"), ""),
        "obfuscate_mongodb_string": "",
        "get_hostname": socket.gethostname(),
        "get_host_tags": "{}",
        "get_process_start_time": time.time(),
        "get_version": "7.0.0",
        "headers": HEADERS,
        "tracemalloc_enabled": False,
    },
    "util": {"headers": HEADERS},
    "_util": dict.fromkeys(("subprocess_output", "get_subprocess_output"), ("", "", 0)),
    "tagger": {"tag": [], "get_tags": []},
    "kubeutil": {"get_connection_info": {}},
    "containers": {"is_excluded": False},
}
CONSTANTS: dict[str, dict[str, object]] = {
    "aggregator": {name: number for number, name in enumerate(METRIC_TYPES)},
    "tagger": {"LOW": 0, "ORCHESTRATOR": 1, "HIGH": 2},
    "_util": {"SubprocessOutputEmptyError": type("SubprocessOutputEmptyError", (Exception,), {"__module__": "_util"})},
}


def copy_folder(root: str, folder: str, name: str, codes: dict[str, str]) -> str:
    """Make FOLDER look like ROOT with these checks installed, and return the path of the code of the check NAME."""
    checks = os.path.join(folder, "checks.d")
    os.mkdir(checks, 0o700)
    files = {f"{each}.py": code.encode("utf-8", "surrogateescape") for each, code in codes.items()}
    for source, target, own in ((root, folder, {"checks.d"}), (os.path.join(root, "checks.d"), checks, {*files})):
        for entry in os.listdir(source) if os.path.isdir(source) else ():
            if entry not in (*own, "__pycache__"):
                os.symlink(os.path.join(source, entry), os.path.join(target, entry))
    for file, code in files.items():
        with open(os.path.join(checks, file), "wb") as stream:
            stream.write(code)
    return os.path.join(checks, f"{name}.py")


def become_agent(home: str, checks: str) -> None:
    """Give this process the modules and the search path of the Agent's process."""
    sys.dont_write_bytecode = True
    for name, answers in ANSWERS.items():
        module = types.ModuleType(name)
        for function, answer in answers.items():
            setattr(module, function, lambda *_arguments, _answer=answer, **_options: _answer)
        vars(module).update(CONSTANTS.get(name, {}))
        sys.modules[name] = module
    # `python -c` adds the current folder, which the Agent does not have.
    sys.path[:] = [path for path in sys.path if path]
    dist = os.path.join(home, "bin", "agent", "dist")
    sys.path += [dist, os.path.join(home, "checks.d"), os.path.join(dist, "checks.d"), checks]


def find_class(module: types.ModuleType, base: type) -> type | None:
    """Return the class that the Agent uses, wherever it is defined.

    It is the first by name that derives from AgentCheck and that no other class derives from.
    """
    for name in dir(module):
        found = getattr(module, name, None)
        if isinstance(found, type) and base in found.__mro__[1:] and not found.__subclasses__():
            return found
    return None


def import_check(name: str, path: str) -> dict[str, str]:
    """Import the check NAME, whose code is at PATH, and return its problem or warning."""
    base = importlib.import_module("datadog_checks.checks").AgentCheck
    try:
        wheel = importlib.import_module(f"datadog_checks.{name}")
    # Whatever an integration raises, the Agent tries the check's own module next.
    except BaseException:  # noqa: BLE001
        wheel = None
    if wheel and find_class(wheel, base):
        version = getattr(wheel, "__version__", "")
        return {"problem": INTEGRATION.format(name, f" {version}" if version else "")}
    try:
        module = importlib.import_module(name)
    # For the Agent, `sys.exit()` is an error like any other.
    except BaseException as error:  # noqa: BLE001
        return {"problem": describe(error, path)}
    file = getattr(module, "__file__", None)
    if not file or not os.path.exists(file) or not os.path.samefile(file, path):
        return {"problem": SHADOWED.format(file or f"Python's own module {name}")}
    found = find_class(module, base)
    if not found:
        return {"problem": NO_CLASS}
    classes = [each for each in vars(module).values() if isinstance(each, type) and base in each.__mro__[1:]]
    own = [each.__name__ for each in classes if each.__module__ == name]
    return {"warning": OTHER_CLASS.format(found.__name__, own[0])} if own and found.__module__ != name else {}


def describe(error: BaseException, path: str) -> str:
    """Return the error on one line, with the line number in the check."""
    frames = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if isinstance(error, SyntaxError) and error.filename == path:
        frames.append(error.lineno)
    text = " ".join(traceback.format_exception_only(type(error), error)[-1].split())
    place = f"line {frames[-1]}: " if frames else ""
    return f"{place}{text}{MISSING if isinstance(error, ModuleNotFoundError) else ''}"


def attempt(name: str, home: str, path: str, seconds: float) -> dict[str, str]:
    """Import the check in a separate process, which ends whatever the code does."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        try:
            become_agent(home, os.path.dirname(path))
            answer = import_check(name, path)
        except BaseException as error:  # noqa: BLE001
            answer = {"problem": f"the Agent's Python fails: {describe(error, path)}"}
        os.write(writer, json.dumps(answer).encode() + b"\n")
        # Do not wait for threads that the code has started.
        os._exit(0)
    os.close(writer)
    text, deadline, late = b"", time.monotonic() + seconds, False
    # Another process of the code may keep the pipe open, so a complete line is the end.
    while not text.endswith(b"\n"):
        late = not select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]
        chunk = b"" if late else os.read(reader, 65536)
        if not chunk:
            break
        text += chunk
    for kill in (os.killpg, os.kill):
        try:
            kill(child, signal.SIGKILL)
        # It has ended, or does not have its own process group yet.
        except ProcessLookupError:
            continue
    _child, status = os.waitpid(child, 0)
    how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit status {os.WEXITSTATUS(status)}"
    if text.endswith(b"\n"):
        said: dict[str, str] = json.loads(text)
        return said
    return {"problem": EXCEEDED.format(f"{seconds:g}") if late else ENDED.format(how)}


def main(name: str, root: str, home: str, seconds: str) -> None:
    """Print a ``problem`` or a ``warning``, or neither, as JSON."""
    codes = json.load(sys.stdin)
    folder = tempfile.mkdtemp(prefix="kennel-check-")
    try:
        answer = attempt(name, home, copy_folder(root, folder, name, codes), float(seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.write(json.dumps({what: text.replace(folder, root) for what, text in answer.items()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
