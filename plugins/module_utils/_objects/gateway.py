# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards, monitors and downtimes of an account. The only file of this package that calls the API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._api import client as api
from .._api.errors import DatadogError
from .._api.module import write_reports
from .dashboards import Dashboards
from .downtimes import Downtimes
from .monitors import Monitors
from .plan import CREATING, Change, Refused, by_key, diff, ids, match, plan, report, unlisted
from .schema import Body, Schema, input_doubts, input_problems
from .summary import summary

# The order in which they are applied.
KINDS = ("dashboard", "monitor", "downtime")


class Gateway:
    """The objects of one schema in an account."""

    def __init__(self, client: api.Client, schema: Schema) -> None:
        self.client, self.schema = client, schema

    def list_objects(self, fleet: str | None = None) -> Iterator[Body]:
        """Yield the objects of the account; with a fleet, those of other fleets may be left out."""
        return self.client.pages(self.schema.name)

    def fetch(self, found: Body, item: Body) -> Body:
        """Return a listed object with everything that is compared with the item; empty if it has been deleted."""
        return found

    def validate(self, body: Body, found: Body) -> list[str]:
        """Have Datadog validate this body for what is found, without a change, and return its problems."""
        return []

    def create(self, body: Body, former: Body) -> Body:
        """Create an object and return it as it is listed.

        If the response is lost, an object with its mark is the new one, unless it is the one to be replaced.
        """
        mark = self.schema.mark(body)

        def find() -> Body | None:
            listed = self.list_objects(mark.fleet if mark else None)
            made = [found for found in listed if self.schema.mark(found) == mark and found["id"] != former.get("id")]
            return min(made, key=self.schema.age) if made else None

        return self._create(self.schema.create_body(body), find)

    def _create(self, body: Body, find: Any) -> Body:
        made: Body = self.client.post(self.schema.name, body, find=find)
        return made

    def update(self, change: Change, body: Body) -> None:
        """Update what is found to the body."""
        found = change.found
        self._update(found["id"], self.schema.update_body(body, found, change.wanted or {}, change.actual or {}))

    def _update(self, number: Any, body: Body) -> None:
        self.client.put(f"{self.schema.name}/{number}", body)

    def delete(self, found: Body) -> None:
        """Delete an object. It is not an error if somebody else has deleted it."""
        try:
            self._delete(found["id"])
        except DatadogError as error:
            if error.status != 404:
                raise

    def _delete(self, number: Any) -> None:
        self.client.delete(f"{self.schema.name}/{number}")

    def _get(self, number: Any, **params: Any) -> Body:
        try:
            found: Body = self.client.get(f"{self.schema.name}/{number}", **params)
            return found
        except DatadogError as error:
            if error.status != 404:
                raise
            return {}


class DashboardGateway(Gateway):
    """The list of dashboards has no widgets, so dashboards are read one by one. Widgets can be validated first."""

    def fetch(self, found: Body, item: Body) -> Body:
        return self._get(found["id"])

    def validate(self, body: Body, found: Body) -> list[str]:
        """Validate as terraform-provider-datadog plans a datadog_dashboard_v2. The API reference lacks this call."""
        flat = list(_flat_widgets(body.get("widgets") or [], "widgets"))
        if not flat:
            return []
        asked = {name: body[name] for name in ("layout_type", "reflow_type") if body.get(name)}
        try:
            answer = self.client.post(
                "dashboard/widgets/validate", {"widgets": [widget for _place, widget in flat], **asked}, harmless=True
            )
        except DatadogError as error:
            if error.kind != "request":
                raise
            # Without this endpoint, only the offline rules apply.
            return [] if error.status in (404, 405) else [f"Datadog rejects it: {error.words.rstrip('.')}."]
        # If a widget has no result, Datadog validates it when the dashboard is sent.
        return [
            f"{'.'.join(filter(None, (place, result.get('error_path'))))}: "
            f"Datadog rejects it: {(result.get('error_message') or 'invalid widget definition').rstrip('.')}."
            for (place, _widget), result in zip(flat, answer["results"], strict=False)
            if not result["is_valid"]
        ]


def _flat_widgets(widgets: Sequence[Any], place: str) -> Iterator[tuple[str, Body]]:
    """Yield the place and the widget; a group without its widgets, which follow separately."""
    for number, widget in enumerate(widgets):
        here, definition = f"{place}[{number}]", widget.get("definition", {})
        inner = definition.get("widgets") if definition.get("type") == "group" else None
        yield here, widget if inner is None else {**widget, "definition": {**definition, "widgets": []}}
        yield from _flat_widgets(inner or [], f"{here}.definition.widgets")


class MonitorGateway(Gateway):
    """Monitors can be validated before they are created or updated."""

    def list_objects(self, fleet: str | None = None) -> Iterator[Body]:
        return self.client.pages("monitor", **({"monitor_tags": f"kennel_fleet:{fleet}"} if fleet else {}))

    def fetch(self, found: Body, item: Body) -> Body:
        # Lists do not contain assets, nor do responses without this parameter.
        return found if item.get("assets") is None else self._get(found["id"], with_assets="true")

    def validate(self, body: Body, found: Body) -> list[str]:
        try:
            self.client.post(f"monitor/{found['id']}/validate" if found else "monitor/validate", body, harmless=True)
        except DatadogError as error:
            if error.kind != "request":
                raise
            return [f"Datadog rejects it: {error.words.rstrip('.')}."]
        return []


class DowntimeGateway(Gateway):
    """Uses downtimes of version 2 of the API, which wraps them. Leaves out those that have ended or are canceled."""

    def list_objects(self, fleet: str | None = None) -> Iterator[Body]:
        for data in self.client.pages("downtime"):
            if data["attributes"].get("status") not in ("canceled", "ended"):
                yield _flat(data)

    def _create(self, body: Body, find: Any) -> Body:
        data = {"type": "downtime", "attributes": body}
        answer = self.client.post("downtime", {"data": data}, version="v2", find=find)
        # An object that was found instead of a response is flat already.
        return _flat(answer["data"]) if "data" in answer else answer

    def _update(self, number: Any, body: Body) -> None:
        data = {"type": "downtime", "id": number, "attributes": body}
        self.client.patch(f"downtime/{number}", {"data": data}, version="v2")

    def _delete(self, number: Any) -> None:
        self.client.delete(f"downtime/{number}", version="v2")


def _flat(data: Body) -> Body:
    return {**data["attributes"], "id": data["id"]}


def gateway(client: api.Client, name: str) -> Gateway:
    """Return the gateway to ``dashboard``, ``monitor`` or ``downtime``."""
    if name == "dashboard":
        return DashboardGateway(client, Dashboards())
    if name == "monitor":
        return MonitorGateway(client, Monitors())
    return DowntimeGateway(client, Downtimes(datetime.now(timezone.utc)))


def object_argument_spec(**options: Any) -> dict[str, dict[str, Any]]:
    """Return the arguments of a module for lists of objects; the fragment ``datadog_objects`` mirrors them."""
    return {
        **api.datadog_argument_spec(),
        "fleet": {"type": "str", "required": True},
        "adopt": {"type": "bool", "default": False},
        "prune": {"type": "bool", "default": False},
        **options,
    }


def main_of_kind(name: str) -> None:
    """Run the module for ``dashboard``, ``monitor`` or ``downtime``."""
    items = {f"{name}s": {"type": "list", "elements": "dict", "required": True}}
    module = AnsibleModule(argument_spec=object_argument_spec(**items), supports_check_mode=True)
    _end(module, apply_kind(gateway(api.client_from_module(module), name), module.params, module.check_mode))


def main_of_fleet() -> None:
    """Run the module for all of them."""
    lists = {f"{name}s": {"type": "list", "elements": "dict"} for name in KINDS}
    arguments = object_argument_spec(**lists, reports={"type": "path"})
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    client, params = api.client_from_module(module), module.params
    gateways = [gateway(client, name) for name in KINDS if params[f"{name}s"] is not None]
    result = apply_fleet(gateways, params, module.check_mode)
    if params["reports"] and "failed" not in result:
        text = json.dumps(result["summary"], indent=4) + "\n"
        result["reports"] = write_reports(module, params["reports"], {"objects.json": text}, **result)
    _end(module, result)


def _end(module: AnsibleModule, result: Body) -> None:
    for warning in result.pop("warnings", ()):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def apply_kind(objects: Gateway, params: Mapping[str, Any], check: bool) -> Body:
    """Apply the list to the objects of ``params["fleet"]``, or in check mode return what would be done.

    :arg params: ``fleet``, ``adopt``, ``prune`` and the list under the schema's name in the plural.
    :return: the module's result, with ``warnings``, and with ``failed`` and ``msg`` on failure.
    """
    schema = objects.schema
    changes: list[Change] = []
    others: dict[str, list[Body]] = {}
    result: Body = {}
    try:
        changes, others = _plan(objects, params)
        _validate(objects, changes)
        _apply(objects, changes, check)
        if not check:
            _settle(objects, params["fleet"], changes)
    except (Refused, DatadogError) as error:
        undone = [change.key for change in changes if not change.done and change.action != "unchanged"]
        left = f" Not done: {', '.join(undone)}." if undone and any(change.done for change in changes) else ""
        result = {"failed": True, "msg": f"{error}{left}"}
        if isinstance(error, Refused):
            result["problems"] = error.problems
    done = [change for change in changes if change.done]
    changed = [change for change in done if change.action != "unchanged"]
    return {
        **result,
        "warnings": [] if "problems" in result else input_doubts(schema, params),
        "changed": bool(changed),
        "diff": [diff(schema, change, _address(objects, change.whole), _url(objects, change)) for change in changed],
        "unlisted": [
            unlisted(schema, found, _address(objects, found)) for key in sorted(others) for found in others[key]
        ],
        f"{schema.name}s": [report(schema, change, _url(objects, change)) for change in done],
    }


def apply_fleet(gateways: Sequence[Gateway], params: Mapping[str, Any], check: bool) -> Body:
    """Call ``run`` for one gateway after the other until one fails, and summarize. Bad input stops all of them."""
    problems = list(dict.fromkeys(text for objects in gateways for text in input_problems(objects.schema, params)))
    result: Body = {"changed": False, "diff": [], "unlisted": [], "warnings": []}
    if problems:
        result |= {"failed": True, "msg": "\n".join(problems), "problems": problems}
    done: dict[str, list[Body]] = {}
    for objects in gateways:
        if "failed" in result:
            break
        one = apply_kind(objects, params, check)
        plural = f"{objects.schema.name}s"
        done[plural] = one.pop(plural)
        sums = {name: result[name] + one[name] for name in ("diff", "unlisted", "warnings")}
        result |= {**one, **sums, "changed": result["changed"] or one["changed"]}
    if result["unlisted"]:
        result["warnings"] += [_stays(result["unlisted"])]
    result["summary"] = {"fleet": params["fleet"], "check": check, **summary(done)}
    result["urls"] = [each["url"] for each in done.get("dashboards", []) if each["url"]]
    return result


def _stays(left: list[Body]) -> str:
    names = ", ".join(f"{each['kind']} {each['key']}" for each in left)
    number, them = ("1 object is", "it") if len(left) == 1 else (f"{len(left)} objects are", "them")
    return (
        f"{number} no longer listed: {names}. Remove {them} with state: absent, or with datadog_objects_prune (prune)."
    )


def _url(objects: Gateway, change: Change) -> str | None:
    return None if change.action == "deleted" else _address(objects, change.found)


def _address(objects: Gateway, found: Body) -> str | None:
    return objects.client.web_address(objects.schema.page(found)) if found else None


def _plan(objects: Gateway, params: Mapping[str, Any]) -> tuple[list[Change], dict[str, list[Body]]]:
    """Read what exists, and return the changes and the fleet's objects that are left alone.

    :raises Refused: with all problems of the input.
    """
    if problems := input_problems(objects.schema, params):
        raise Refused(problems)
    listed = objects.list_objects(None if params["adopt"] else params["fleet"])
    changes, left = match(objects.schema, params, listed)
    for change in changes:
        change.whole = objects.fetch(change.found, change.item or {}) if change.found else {}
    return plan(objects.schema, params["fleet"], changes, left), left


def _validate(objects: Gateway, changes: list[Change]) -> None:
    """Raise Refused with everything for which Datadog would refuse a change."""
    schema, problems, known = objects.schema, [], ids(changes)
    unmade = {change.key for change in changes if change.action in CREATING}
    for change in changes:
        # Datadog refuses references to what does not exist yet; what else is wrong it says when that does.
        if change.action in ("unchanged", "deleted") or schema.references(change.body) & unmade:
            continue
        found = {} if change.action == "replaced" else change.found
        body = schema.with_names(change.body, known)
        refusals = schema.refusals(body, found) or objects.validate(body, found)
        problems += [f"{change.key}: {problem}" for problem in refusals]
    if problems:
        raise Refused(problems)


def _apply(objects: Gateway, changes: list[Change], check: bool) -> None:
    """Create and update, first what others refer to; then delete, the other way round.

    Datadog deletes no monitor to which others refer. So one that is to be replaced is deleted only when its successor
    exists and has its place in them.
    """
    schema = objects.schema
    used = frozenset().union(*(schema.references(change.found) for change in changes))
    for change in sorted(changes, key=lambda change: bool(schema.references(change.body))):
        if change.action == "deleted":
            continue
        if not check and change.action in CREATING:
            if change.former and change.former["id"] not in used:
                objects.delete(change.former)
                change.former = {}
            change.found = objects.create(schema.with_names(change.body, ids(changes)), change.former)
        elif not check and change.action != "unchanged":
            objects.update(change, schema.with_names(change.body, ids(changes)))
        change.done = True
    for change in sorted(changes, key=lambda change: not schema.references(change.former)):
        if change.former and not check:
            objects.delete(change.former)
        change.done = True


def _settle(objects: Gateway, fleet: str, changes: list[Change]) -> None:
    """Look again after creating: if two runs created the same object, the older one is kept.

    Each run deletes its own object if that is the younger one. Both see the same two, so they need not communicate.
    """
    schema = objects.schema
    made = [change for change in changes if change.action in CREATING]
    if not made:
        return
    owned, _unmarked = by_key(schema, fleet, objects.list_objects(fleet))
    lost: dict[str, Body] = {}
    for change in made:
        twins = owned.get(change.key, [])
        mine = change.found["id"]
        if twins and twins[0]["id"] != mine:
            # If it is not listed, a third run has seen both and deleted it.
            if mine in [twin["id"] for twin in twins]:
                lost[change.key] = change.found
            change.found = twins[0]
            change.note = f"another run created {twins[0]['id']} at the same time, which is kept; {mine} is deleted"
    for change in changes:
        if change.key not in lost and schema.references(change.body) & set(lost):
            objects.update(change, schema.with_names(change.body, ids(changes)))
    for found in sorted(lost.values(), key=lambda found: not schema.references(found)):
        objects.delete(found)
