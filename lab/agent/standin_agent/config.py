"""datadog.yaml: defaults, environment, secrets and the host name, in the real Agent's order of precedence."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from standin_agent import AGENT_VERSION, KEY_TAIL

DEFAULTS: dict[str, Any] = {
    "api_key": "",
    "site": "datadoghq.com",
    "dd_url": "",
    "hostname": "",
    "hostname_file": "",
    "tags": [],
    "env": "",
    "log_level": "info",
    "log_file": "/var/log/datadog/agent.log",
    "confd_path": "/etc/datadog-agent/conf.d",
    "additional_checksd": "/etc/datadog-agent/checks.d",
    "run_path": "/opt/datadog-agent/run",
    # Beside datadog.yaml, where these are empty.
    "auth_token_file_path": "",
    "ipc_cert_file_path": "",
    "skip_ssl_validation": False,
    "enable_metadata_collection": True,
    "forwarder_retry_queue_payloads_max_size": 15 * 1024 * 1024,
    "forwarder_backoff_base": 2,
    # The real Agent waits up to 64 s. A lab that stops its intake wants to see the points again sooner.
    "forwarder_backoff_max": 16,
    "use_dogstatsd": True,
    "dogstatsd_port": 8125,
    "dogstatsd_non_local_traffic": False,
    "dogstatsd_socket": "/var/run/datadog/dsd.socket",
    "dogstatsd_buffer_size": 8192,
    "secret_backend_command": "",
    "secret_backend_command_allow_group_exec_perm": False,
    "secret_backend_arguments": [],
    "secret_backend_timeout": 30,
}
# Of `apm_config`. A variable of the environment is DD_APM_ and the name, without a second APM_.
APM_DEFAULTS: dict[str, Any] = {
    "enabled": True,
    "env": "",
    "receiver_port": 8126,
    "receiver_socket": "/var/run/datadog/apm.socket",
    "apm_non_local_traffic": False,
    "apm_dd_url": "",
    "max_payload_size": 25 * 1024 * 1024,
    "log_file": "/var/log/datadog/trace-agent.log",
    "debug_port": 5012,
}
_SECRET = re.compile(r"^\s*ENC\[(.*)\]\s*$", re.DOTALL)
# A host's name (pkg/util/hostname/validate): RFC 1123, so no underscore, 255 characters, and none of these.
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,255}}$){_LABEL}(\.{_LABEL})*")
_LOCAL = ("localhost", "localhost.localdomain", "localhost6.localdomain6", "ip6-localhost")
# What of an intake's address is Datadog's (comp/forwarder/defaultforwarder/forwarder_health.go). Keys of such an intake
# are validated at the API's address; of any other, at the intake itself.
_DATADOG = re.compile(r"([a-z]{2}\d\.)?(datadoghq\.[a-z]+|ddog-gov\.com)$")


class ConfigError(Exception):
    """The configuration cannot be used; the text names the file or key and the fix."""


class Config:
    """The effective configuration. Unknown keys are kept: checks may ask for them.

    `resolve=False` leaves `ENC[...]` as it is: who only asks the running Agent needs no secret. Raises ConfigError.
    """

    def __init__(self, path: Path, *, required: bool = True, resolve: bool = True) -> None:
        self.path = path
        self.values = dict(DEFAULTS)
        self.values.update({k: v for k, v in _read(path, required).items() if v is not None})
        self.values.update(_environment())
        self._secrets: dict[str, str] = {}
        if resolve:
            self.values = self.resolve(self.values)
        self.api_key = str(self.values["api_key"]).strip()
        self.socket = Path(self.values["run_path"]) / "agent.sock"
        site, version = self.values["site"], AGENT_VERSION.replace(".", "-")
        # Where data goes. The name carries the version, as that of the real one.
        self.intake_url = str(self.values["dd_url"] or f"https://{version}-app.agent.{site}").rstrip("/")
        datadog = _DATADOG.search(self.intake_url)
        self.api_url = f"https://api.{datadog[0]}" if datadog else self.intake_url
        self.hostname, self.hostname_source = self._hostname()

    def artifact(self, name: str) -> Path:
        """The path of one of the two files by which the command line is known: `auth_token`, `ipc_cert.pem`."""
        return Path(self.values[f"{name.partition('.')[0]}_file_path"] or self.path.with_name(name))

    def _hostname(self) -> tuple[str, str]:
        """The name and where it came from. An invalid one is passed over, as by the real Agent."""
        file = self.values["hostname_file"]
        try:
            written = Path(file).read_text(encoding="utf-8").strip() if file else ""
        except (OSError, UnicodeDecodeError):
            written = ""
        named = str(self.values["hostname"]).strip()
        for source, name in (("configuration", named), ("hostnameFile", written), ("os", socket.gethostname())):
            if _HOST_NAME.fullmatch(name) and name.lower() not in _LOCAL:
                return name, source
        raise ConfigError("unable to reliably determine the host name: set a valid one as `hostname` in datadog.yaml")

    def resolve(self, document: Any) -> Any:
        """A copy of a YAML document with every whole value `ENC[handle]` replaced. Raises ConfigError."""
        handles: set[str] = set()
        _replace(document, handles.add)
        if handles - self._secrets.keys():
            self._secrets |= self._ask_backend(sorted(handles - self._secrets.keys()))
        return _replace(document, self._secrets.__getitem__)

    def get(self, key: str) -> Any:
        """The value of a key, dots entering mappings (`apm_config.enabled`); None where it is not set."""
        node: Any = self.values
        for part in key.split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return node

    @property
    def host_tags(self) -> list[str]:
        """The tags that host metadata carries: `tags` and `env`, each once, in their order."""
        env = [f"env:{self.values['env']}"] if self.values["env"] else []
        return list(dict.fromkeys([*map(str, self.values["tags"]), *env]))

    @property
    def apm(self) -> dict[str, Any]:
        """The settings of the trace agent: `apm_config` with what is not set there, from where that comes."""
        found = {**APM_DEFAULTS, **(self.get("apm_config") or {})}
        found["debug_port"] = self.get("apm_config.debug.port") or found["debug_port"]
        for name in APM_DEFAULTS:
            text = os.environ.get(f"DD_APM_{name.removeprefix('apm_').upper()}")
            found[name] = yaml.safe_load(text) if text else found[name]
        tagged = (tag[4:] for tag in map(str, self.values["tags"]) if tag.startswith("env:"))
        found["env"] = str(found["env"] or self.values["env"] or next(tagged, "none"))
        found["apm_dd_url"] = str(found["apm_dd_url"] or f"https://trace.agent.{self.values['site']}").rstrip("/")
        return found

    def scrub(self, text: str) -> str:
        """The text without other secrets and of the API key but the last characters, as in the real log."""
        for secret in self._secrets.values():
            text = text.replace(secret, "********")
        return text.replace(self.api_key, f"***{self.api_key[-KEY_TAIL:]}") if len(self.api_key) > 5 else text

    def _ask_backend(self, handles: list[str]) -> dict[str, str]:
        """Handle to value. The command gets `{"version": "1.0", "secrets": [handles]}` on its input and answers
        `{handle: {"value": text, "error": text or null}}`, as Datadog's documentation of secrets management says.
        """
        command, timeout = self.values["secret_backend_command"], self.values["secret_backend_timeout"]
        if not command:
            raise ConfigError(f"ENC[{handles[0]}] cannot be resolved: secret_backend_command is not set")
        question = json.dumps({"version": "1.0", "secrets": handles, "secret_backend_timeout": timeout})
        try:
            # The real Agent's rule (comp/core/secrets). Whose the command is it does not ask.
            shared = self.values["secret_backend_command_allow_group_exec_perm"] is True
            if os.stat(command).st_mode & (0o027 if shared else 0o077) or not os.access(command, os.X_OK):
                raise ConfigError(
                    f"secret_backend_command {command} must be executable for who runs it, and grant others nothing"
                )
            answer = subprocess.run(
                [command, *map(str, self.values["secret_backend_arguments"])],
                input=question.encode(),
                capture_output=True,
                timeout=float(timeout),
                check=True,
            ).stdout
            found = json.loads(answer)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            # The error of a failed command may hold its output: name the kind of error only.
            raise ConfigError(f"secret_backend_command {command} failed: {type(error).__name__}") from None
        for handle in handles:
            entry = found.get(handle) or {"error": "the command did not return it"}
            if entry.get("error") or not entry.get("value"):
                raise ConfigError(f"secret {handle}: {entry.get('error') or 'empty value'}")
        return {handle: str(found[handle]["value"]) for handle in handles}


def _replace(node: Any, change: Callable[[str], Any]) -> Any:
    """A copy of a document in which `change` was called for each handle, but not for those of `secret_*` keys."""
    if isinstance(node, dict):
        return {k: v if str(k).startswith("secret_") else _replace(v, change) for k, v in node.items()}
    if isinstance(node, list):
        return [_replace(value, change) for value in node]
    match = _SECRET.match(node) if isinstance(node, str) else None
    return change(match[1]) if match else node


def _read(path: Path, required: bool) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(document, dict):
            raise ConfigError("it must be a mapping")
    except FileNotFoundError:
        if not required:
            return {}
        problem = "it does not exist"
    except PermissionError:
        problem = "permission denied, run this as root or dd-agent"
    except (ConfigError, yaml.YAMLError, UnicodeDecodeError) as error:
        problem = yaml_problem(error)
    else:
        return document
    raise ConfigError(f"unable to load Datadog config file: {path}: {problem}")


def yaml_problem(error: Exception) -> str:
    """What is wrong and where, without the offending line that YAML's own text quotes: it may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}" if mark else ""
    return f"not valid YAML{place}: {getattr(error, 'problem', None) or type(error).__name__}"


def _environment() -> dict[str, Any]:
    """Settings from DD_* variables, which win over the file. Lists are separated by spaces, as the real ones."""
    readers: dict[type, Callable[[str], Any]] = {str: str, list: str.split}
    texts = {key: os.environ.get(f"DD_{key.upper()}") for key in DEFAULTS}
    return {key: readers.get(type(DEFAULTS[key]), yaml.safe_load)(text) for key, text in texts.items() if text}
