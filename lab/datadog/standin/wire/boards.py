"""Timeboards and screenboards, the former kinds of dashboards, from the widgets of a dashboard.

The inverse of the collection's ``_boards.dashboard``.
"""

from typing import Any

from module_utils._boards import PLACE

from .bodies import Json


def graphs(widgets: list[Json]) -> list[Json]:
    """Convert the widgets of a dashboard to graphs of a timeboard."""
    return [{"title": each["definition"].get("title", ""), "definition": _definition(each)} for each in widgets]


def screen(widgets: list[Json]) -> list[Json]:
    """Convert the widgets of a dashboard to those of a screenboard."""
    return [{**each.get("layout", PLACE), "definition": each["definition"]} for each in widgets]


def _definition(widget: Json) -> Json:
    definition = {name: value for name, value in widget["definition"].items() if name not in ("type", "title")}
    if isinstance(definition.get("requests"), list):
        definition["requests"] = [_old_request(each) for each in definition["requests"]]
    if isinstance(definition.get("markers"), list):
        definition["markers"] = [_renamed(each, {"display_type": "type"}) for each in definition["markers"]]
    return {**definition, "viz": widget["definition"]["type"]}


def _old_request(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    made = _renamed(found, {"display_type": "type"})
    if "style" in made:
        made["style"] = _renamed(made["style"], {"line_width": "width", "line_type": "type"})
    if isinstance(made.get("metadata"), list):
        named = [each for each in made["metadata"] if isinstance(each, dict)]
        made["metadata"] = {str(each.get("expression")): {"alias": each.get("alias_name")} for each in named}
    return made


def _renamed(found: Any, names: dict[str, str]) -> Any:
    # Datadog does not validate every part of a widget.
    return {names.get(name, name): value for name, value in found.items()} if isinstance(found, dict) else found
