# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the inputs of roles. Documented in the module of the same name."""

from __future__ import annotations

import functools
import glob
import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.kennel.fleet.plugins.module_utils import _inputs
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host, depends_on, subject
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.specification import convert
from ansible_collections.kennel.fleet.plugins.module_utils._plain import copied

FACTS = "Not all facts are gathered. Set kennel_gather_subset to [all], or correct the variable."
BRACES = "Correct it. If the braces are meant for Datadog, as in {{host.name}}, write !unsafe before the text."
display = Display()
ROLES = Path(__file__).resolve().parents[2] / "roles"


@functools.cache
def load_role(name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], ModuleType]:
    """Return a role's defaults, its variables, the options of its argument specification, and its rules."""
    loader = DataLoader()

    def load(place: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in sorted([*(ROLES / name).glob(f"{place}.yml"), *(ROLES / name / place).glob("*.yml")]):
            # Nothing changes what is loaded, so it needs no copy, which would take twice as long as loading.
            found |= loader.load_from_file(str(path), cache="none", unsafe=True, trusted_as_template=True) or {}
        return found

    options = load("meta/argument_specs")["argument_specs"]["main"]["options"]
    return load("defaults/main"), load("vars/main"), options, importlib.import_module(f"{_inputs.__name__}.{name}")


# Ansible imports this file in its main process. Its workers, one for each task and host, inherit what is loaded here.
# The role datadog_objects is left out: one worker checks the objects of a fleet, once.
for _path in ROLES.iterdir():
    if _path.name != "datadog_objects" and (Path(_inputs.__file__).parent / f"{_path.name}.py").exists():
        load_role(_path.name)


class Templated(Mapping[str, Any]):
    """Variables that are templated when they are read. A variable that cannot be templated counts as missing."""

    def __init__(self, templar: Any, variables: Mapping[str, Any]) -> None:
        self._templar, self._variables = templar, variables

    def __getitem__(self, name: str) -> Any:
        try:
            return copied(self._templar.template(self._variables[name]))
        except AnsibleError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return self.get(name) is not None  # type: ignore[call-overload]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


class ActionModule(ActionBase):
    """Ansible's entry point."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _valid, arguments = self.validate_argument_spec(
            {
                "roles": {"type": "list", "elements": "str", "required": True},
                "checked": {"type": "dict", "default": {}},
                "known": {"type": "list", "elements": "str", "default": []},
                "refuse": {"type": "bool", "default": True},
            }
        )
        inputs: dict[str, Any] = {}
        expects: dict[str, Any] = {}
        variables = {**(task_vars or {})}
        problems = [f"{variables['inventory_hostname']}: {problem}" for problem in arguments["known"]]
        before, found = arguments["checked"], list[tuple[str, str]]()
        for role in arguments["roles"]:
            for name, value in load_role(role)[0].items():
                variables.setdefault(name, value)
        for role in arguments["roles"]:
            if role in before.get("inputs", {}):
                inputs[role], expects[role] = before["inputs"][role], before["expects"][role]
            else:
                checked = self._check(role, variables, {**before.get("inputs", {}), **inputs})
                per_host = getattr(load_role(role)[3], "PER_HOST", True)
                found += [
                    (f"{variables['inventory_hostname']}: " if per_host else "", each) for each in checked.problems
                ]
                inputs[role], expects[role] = checked.inputs, checked.expects
                # Only the first host warns about what concerns the whole fleet.
                name = variables["inventory_hostname"]
                if per_host or name in variables.get("ansible_play_hosts", [name])[:1]:
                    for warning in checked.warnings:
                        display.warning(warning)
            for name, value in getattr(load_role(role)[3], "OUTPUTS", {}).items():
                variables[name] = inputs[role].get(value, [])
        refused = variables.keys() & {subject(problem) for _host, problem in found}
        # Leave out problems that only follow from the value of another variable that is refused.
        problems += [host + each for host, each in found if not depends_on(subject(each), refused, variables)]
        problems = list(dict.fromkeys(problems))
        if problems and arguments["refuse"]:
            # Ansible prints the whole result of a failed task, so return only the problems.
            return {**result, "failed": True, "msg": "\n".join(problems)}
        return {**result, "changed": False, "inputs": inputs, "expects": expects, "problems": problems}

    def _check(self, role: str, variables: dict[str, Any], others: dict[str, Any]) -> Checked:
        defaults, own, options, rules = load_role(role)
        variables.update(own)
        templar = self._templar.copy_with_new_env(available_variables=variables)
        given, problems = {}, []
        for name in options:
            if name in variables:
                try:
                    given[name] = copied(templar.template(variables[name]))
                except AnsibleError as error:
                    hint = FACTS if "ansible_" in str(variables[name]) else BRACES
                    problems.append(
                        f"{name} cannot be templated: {' '.join(error.message.split()).rstrip('.')}. {hint}"
                    )

        def default(name: str) -> Any:
            try:
                return copied(templar.template(defaults.get(name)))
            except AnsibleError:
                return None

        problems += convert(options, given, default, getattr(rules, "SEVERAL_LINES", ()), tuple(map(subject, problems)))
        unfit = {subject(problem) for problem in problems}
        prefix = f"{role}_"
        short = {name.removeprefix(prefix): given.get(name) for name in options}
        host = Host(
            name=variables["inventory_hostname"],
            facts=self._facts(rules.asks(short) if hasattr(rules, "asks") else {}, variables),
            groups=tuple(variables.get("group_names", ())),
            variables=Templated(templar, variables),
            files=self._read(role, rules.reads(short)) if hasattr(rules, "reads") else {},
            unwritable={path: unwritable(path) for path in rules.writes(short)} if hasattr(rules, "writes") else {},
            others=others,
        )
        checked = rules.check(short, host)
        # Do not report again what the specification has refused.
        problems += [problem for problem in checked.problems if subject(problem) not in unfit]
        public = {name.removeprefix(prefix): without_secrets(given.get(name), options[name]) for name in options
                  if not options[name].get("no_log")}  # fmt: skip
        warnings = [] if problems else checked.warnings
        return Checked(problems, {**public, **checked.inputs} if not problems else {}, checked.expects, warnings)

    def _facts(self, asked: Mapping[str, tuple[str, dict[str, Any]]], variables: dict[str, Any]) -> dict[str, Any]:
        """Return the facts of the host, with those that are ASKED for: modules and their arguments by fact."""
        facts: dict[str, Any] = copied(variables.get("ansible_facts", {}))
        for name, (module, arguments) in asked.items():
            if name not in facts:
                answer = self._execute_module(module_name=module, module_args=arguments, task_vars=variables)
                if answer.get("failed"):
                    raise AnsibleActionFail(f"{module} fails: {answer.get('msg')}")
                facts |= copied(answer["ansible_facts"])
        return facts

    def _read(self, role: str, paths: list[str]) -> dict[str, str | None]:
        """Return the contents of files on the controller, searched for as files of a playbook or of this role.

        A relative pattern starts at the folder in which Ansible was started.
        """
        found: dict[str, str | None] = {}
        places = [str(ROLES / role), *self._task.get_search_path()]
        for path in paths:
            for name in sorted(glob.glob(os.path.abspath(path))) if "*" in path else [path]:
                try:
                    where = name
                    if not os.path.isabs(name):
                        where = self._loader.path_dwim_relative_stack(places, "files", name)
                    found[name] = Path(where).read_bytes().decode(errors="surrogateescape") if where else None
                except (OSError, AnsibleError):
                    found[name] = None
        return found


def unwritable(folder: str) -> str:
    """Return why a folder on the controller could not be created or written to, or "". Creates nothing."""
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    if not os.path.isdir(place):
        return f"{place} is not a folder"
    return "" if os.access(place, os.W_OK | os.X_OK) else f"{place} cannot be written to"


def without_secrets(value: Any, option: dict[str, Any]) -> Any:
    """Return the value without keys of its dictionaries that the argument specification marks as secret."""
    inner = option.get("options")
    if not inner or not isinstance(value, list):
        return value
    return [
        {key: part for key, part in item.items() if not inner.get(key, {}).get("no_log")}
        if isinstance(item, dict)
        else item
        for item in value
    ]
