"""Check requests against the models of Datadog's client, strictly.

The models silently accept unknown keys and unknown enumeration values, so that old clients understand new responses.
Here, each of these in a request is a problem.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.api_client import Endpoint
from datadog_api_client.exceptions import OpenApiException
from datadog_api_client.model_utils import (
    ModelComposed,
    ModelSimple,
    OpenApiModel,
    UnparsedObject,
    is_type_nullable,
    validate_and_convert_types,
)
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v1.api.dashboards_api import DashboardsApi
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.api.hosts_api import HostsApi
from datadog_api_client.v1.api.metrics_api import MetricsApi
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.api.snapshots_api import SnapshotsApi
from datadog_api_client.v2.api.downtimes_api import DowntimesApi

_APIS = (AuthenticationApi, DashboardsApi, EventsApi, HostsApi, MetricsApi, MonitorsApi, SnapshotsApi, DowntimesApi)


def endpoint_of(method: str, path: str) -> Endpoint | None:
    """Return the endpoint of a request; if several match, the one with the fewest variables in its path."""
    client = ApiClient(Configuration())
    every = (item for api in _APIS for item in vars(api(client)).values() if isinstance(item, Endpoint))
    fitting = [
        item
        for item in every
        if item.settings["http_method"] == method
        and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", item.settings["endpoint_path"]), path)
    ]
    return min(fitting, key=lambda item: item.settings["endpoint_path"].count("{"), default=None)


# Calls that the client lacks; terraform-provider-datadog uses this one for datadog_dashboard_v2.
UNLISTED = {("POST", "/api/v1/dashboard/widgets/validate")}


def request_problems(method: str, target: str, body: Any = None) -> list[str]:
    """Return the problems of a request: `target` is path and query, `body` the decoded JSON or None."""
    url = urlsplit(target)
    if (method, url.path) in UNLISTED:
        return []
    endpoint = endpoint_of(method, url.path)
    if endpoint is None:
        return [f"there is no {method} {url.path}"]
    parameters = {item.get("attribute", name): item for name, item in endpoint.params_map.items()}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    problems = [
        f"query: {name} is missing"
        for name, item in parameters.items()
        if item["location"] == "query" and item.get("required") and name not in query
    ]
    for name, text in query.items():
        if parameters.get(name, {}).get("location") != "query":
            problems.append(f"query: {name} is unknown to {method} {url.path}")
        else:
            problems += _misread(_decoded(text), parameters[name]["openapi_types"], f"query: {name}")
    taken = parameters.get("body")
    if (body is None) != (taken is None):
        problems.append("body: missing" if body is None else "body: none is taken")
    elif taken is not None:
        problems += _misread(body, taken["openapi_types"], "body")
    return problems


def _decoded(text: str) -> Any:
    """Return a parameter with its original type: a number, a boolean or text."""
    return json.loads(text) if re.fullmatch(r"-?\d+|true|false", text) else text


def _misread(value: Any, types: tuple[Any, ...], place: str) -> list[str]:
    try:
        read = validate_and_convert_types(value, types, [place], True, True, configuration=Configuration())
    # Python raises TypeError for a missing field.
    except (OpenApiException, TypeError, ValueError) as error:
        return [f"{place}: {error}"]
    return list(_misfits(read, value, place))


def _misfits(read: Any, sent: Any, place: str) -> Iterator[str]:
    """Yield the places in which a parsed model differs from `sent`."""
    if isinstance(read, UnparsedObject):
        yield f"{place}: fits no model, or several: {sent!r}"
    elif isinstance(read, ModelSimple):
        if read._unparsed:
            yield f"{place}: {sent!r} is none of {', '.join(map(str, sorted(read.allowed_values)))}"
    elif isinstance(read, ModelComposed):
        for inner in read._composed_instances:
            yield from _misfits(inner, sent, place)
    elif isinstance(read, OpenApiModel):
        # A model declares whether it accepts arbitrary keys.
        free = "additional_properties_type" in vars(type(read))
        for name, item in read._data_store.items():
            key = read.attribute_map.get(name, name)
            if name in read.read_only_vars:
                yield f"{place}.{key}: only the server writes it"
            elif name not in read.openapi_types and not free:
                yield f"{place}.{key}: unknown to {type(read).__name__}"
            elif item is None and not free and not any(map(is_type_nullable, _classes(read.openapi_types[name]))):
                yield f"{place}.{key}: it cannot be null"
            else:
                yield from _misfits(item, sent[key], f"{place}.{key}")
    elif isinstance(read, list):
        for number, (item, was) in enumerate(zip(read, sent, strict=True)):
            yield from _misfits(item, was, f"{place}[{number}]")
    elif isinstance(read, dict):
        for key, item in read.items():
            yield from _misfits(item, sent[key], f"{place}.{key}")
    elif type(read) is not type(sent) and (type(read), type(sent)) not in ((float, int), (datetime, str)):
        yield f"{place}: {sent!r} was read as {read!r}"


def _classes(types: tuple[Any, ...]) -> list[type]:
    return [item for item in types if isinstance(item, type)]
