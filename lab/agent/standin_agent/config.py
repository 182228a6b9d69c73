# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""datadog.yaml: defaults, environment, secrets and the host name, in the real Agent's order of precedence."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import stat
import subprocess
from pathlib import Path
from typing import Any

import yaml

DEFAULTS: dict[str, Any] = {
    "api_key": "",
    "site": "datadoghq.com",
    "dd_url": "",
    "hostname": "",
    "hostname_file": "",
    "tags": [],
    "extra_tags": [],
    "env": "",
    "log_level": "info",
    "log_file": "/var/log/datadog/agent.log",
    "confd_path": "/etc/datadog-agent/conf.d",
    "additional_checksd": "/etc/datadog-agent/checks.d",
    "run_path": "/opt/datadog-agent/run",
    "skip_ssl_validation": False,
    "min_tls_version": "tlsv1.2",
    "proxy": {},
    "enable_metadata_collection": True,
    "forwarder_timeout": 20,
    "forwarder_retry_queue_payloads_max_size": 15 * 1024 * 1024,
    "forwarder_backoff_base": 2,
    # The real Agent waits up to 64 s. A lab that stops its intake wants to see the points again sooner.
    "forwarder_backoff_max": 16,
    "secret_backend_command": "",
    "secret_backend_arguments": [],
    "secret_backend_timeout": 30,
    "secret_backend_command_allow_group_exec_perm": False,
}
_SECRET = re.compile(r"^\s*ENC\[(.*)\]\s*$", re.DOTALL)
_HOST_NAME = re.compile(r"^(?=.{1,255}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9][a-z0-9-]{0,62})*\.?$", re.IGNORECASE)
_LOCAL_NAMES = {"localhost", "localhost.localdomain", "localhost6.localdomain6", "ip6-localhost"}


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file or key and the mend."""


class Secrets:
    """Resolves `ENC[handle]` values by the configured command and remembers what must not be logged.

    The command gets `{"version": "1.0", "secrets": [handles]}` on its input and answers
    `{handle: {"value": text, "error": text or null}}`, as Datadog's documentation of secrets management says.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._known: dict[str, str] = {}

    @property
    def values(self) -> list[str]:
        return list(self._known.values())

    def resolve(self, document: Any) -> Any:
        """A copy of a YAML document with every whole-value handle replaced. Raises ConfigError."""
        handles = sorted(set(self._handles(document)) - self._known.keys())
        if handles:
            self._known.update(self._ask(handles))
        return self._replace(document)

    def _handles(self, node: Any) -> list[str]:
        if isinstance(node, dict):
            return [
                handle
                for key, value in node.items()
                if not str(key).startswith("secret_")
                for handle in self._handles(value)
            ]
        if isinstance(node, list):
            return [handle for value in node for handle in self._handles(value)]
        match = _SECRET.match(node) if isinstance(node, str) else None
        return [match[1]] if match else []

    def _replace(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {k: v if str(k).startswith("secret_") else self._replace(v) for k, v in node.items()}
        if isinstance(node, list):
            return [self._replace(value) for value in node]
        match = _SECRET.match(node) if isinstance(node, str) else None
        return self._known[match[1]] if match else node

    def _ask(self, handles: list[str]) -> dict[str, str]:
        command = self._config["secret_backend_command"]
        if not command:
            raise ConfigError(f"ENC[{handles[0]}] cannot be resolved: secret_backend_command is not set")
        self._refuse_loose_rights(command)
        question = {
            "version": "1.0",
            "secrets": handles,
            "secret_backend_timeout": self._config["secret_backend_timeout"],
        }
        try:
            answer = subprocess.run(
                [command, *map(str, self._config["secret_backend_arguments"] or [])],
                input=json.dumps(question).encode(),
                capture_output=True,
                timeout=float(self._config["secret_backend_timeout"]),
                check=True,
            ).stdout
            found = json.loads(answer)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            # The error of a failed command may hold its output: name the kind of error only.
            raise ConfigError(f"secret_backend_command {command} failed: {type(error).__name__}") from None
        values = {}
        for handle in handles:
            entry = found.get(handle) or {"error": "the command did not return it"}
            if entry.get("error") or not entry.get("value"):
                raise ConfigError(f"secret {handle}: {entry.get('error') or 'empty value'}")
            values[handle] = str(entry["value"])
        return values

    def _refuse_loose_rights(self, command: str) -> None:
        """The real Agent's rule: owned by the user who runs it, no right for anybody else."""
        try:
            info = os.stat(command)
        except OSError as error:
            raise ConfigError(f"secret_backend_command {command}: {error.strerror}") from None
        allowed = stat.S_IRWXU
        if self._config["secret_backend_command_allow_group_exec_perm"]:
            allowed |= stat.S_IRGRP | stat.S_IXGRP
        if info.st_uid != os.geteuid():
            raise ConfigError(
                f"secret_backend_command {command} must be owned by the user that runs this, uid {os.geteuid()}"
            )
        if stat.S_IMODE(info.st_mode) & ~allowed or not info.st_mode & stat.S_IXUSR:
            raise ConfigError(f"secret_backend_command {command} must have mode 0700 or 0500: others have rights on it")


class Config:
    """The effective configuration. Unknown keys are kept: checks may ask for them.

    `resolve=False` leaves `ENC[...]` as it is: who only asks the running Agent needs no secret. Raises ConfigError.
    """

    def __init__(self, path: Path, *, required: bool = True, resolve: bool = True) -> None:
        self.path = path
        self.values = dict(DEFAULTS)
        self.values.update({k: v for k, v in _read(path, required).items() if v is not None})
        self.values.update(_environment())
        self.secrets = Secrets(self.values)
        if resolve:
            self.values = self.secrets.resolve(self.values)
        self.api_key = str(self.values["api_key"]).strip()
        self.hostname, self.hostname_source = _hostname(self.values)

    def get(self, key: str) -> Any:
        """The value of a key, dots entering mappings (`apm_config.enabled`); None where it is not set."""
        if key in self.values:
            return self.values[key]
        node: Any = self.values
        for part in key.split("."):
            if not isinstance(node, dict) or part not in node:
                return None
            node = node[part]
        return node

    @property
    def intake_url(self) -> str:
        return str(self.values["dd_url"] or f"https://app.{self.values['site']}").rstrip("/")

    @property
    def host_tags(self) -> list[str]:
        """The tags that host metadata carries: `tags`, `extra_tags` and `env`, each once, in their order."""
        tags = [str(tag) for key in ("tags", "extra_tags") for tag in self.values[key] or []]
        if self.values["env"]:
            tags.append(f"env:{self.values['env']}")
        return list(dict.fromkeys(tags))

    def scrub(self, text: str) -> str:
        """The text without the API key (its last five characters stay, as in the real log) and other secrets."""
        for secret in self.secrets.values:
            text = text.replace(secret, "********")
        return text.replace(self.api_key, f"***{self.api_key[-5:]}") if len(self.api_key) > 5 else text


def _read(path: Path, required: bool) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"unable to load Datadog config file: {path} does not exist") from None
        return {}
    except PermissionError:
        raise ConfigError(
            f"unable to load Datadog config file: {path}: permission denied, run this as root or dd-agent"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"unable to load Datadog config file: {path}: {yaml_problem(error)}") from None
    if document is not None and not isinstance(document, dict):
        raise ConfigError(f"unable to load Datadog config file: {path} must be a mapping")
    return document or {}


def yaml_problem(error: Exception) -> str:
    """What is wrong and where, without the offending line that YAML's own text quotes: it may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark else ""
    return f"not valid YAML{place}: {getattr(error, 'problem', None) or type(error).__name__}"


def _environment() -> dict[str, Any]:
    """Settings from DD_* variables, which win over the file. Lists are separated by spaces, as the real ones."""
    found: dict[str, Any] = {}
    for key, default in DEFAULTS.items():
        text = os.environ.get(f"DD_{key.upper()}")
        if text is None and key == "dd_url":
            text = os.environ.get("DD_URL")
        if not text or isinstance(default, dict):
            continue
        if isinstance(default, list):
            found[key] = text.split()
        else:
            found[key] = text if isinstance(default, str) else yaml.safe_load(text)
    return found


def _hostname(values: dict[str, Any]) -> tuple[str, str]:
    """The name and where it came from: `hostname`, `hostname_file`, else the operating system's."""
    candidates = [("configuration", str(values["hostname"]).strip())]
    if values["hostname_file"]:
        # Where it cannot be read the next source is tried, as by the real Agent.
        with contextlib.suppress(OSError):
            candidates.append(("hostnameFile", Path(values["hostname_file"]).read_text(encoding="utf-8").strip()))
    candidates.append(("os", socket.gethostname()))
    for source, name in candidates:
        if _HOST_NAME.match(name) and name.lower() not in _LOCAL_NAMES:
            return name, source
    raise ConfigError("unable to reliably determine the host name: set a valid one as `hostname` in datadog.yaml")
