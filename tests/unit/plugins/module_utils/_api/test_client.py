# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API client, with a small server."""

from __future__ import annotations

import re
import socket
import sys
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.doc_fragments.datadog import ModuleDocFragment
from ansible_collections.kennel.fleet.plugins.module_utils._api import client as datadog_client
from ansible_collections.kennel.fleet.plugins.module_utils._api.client import (
    Client,
    DatadogError,
    datadog_argument_spec,
    reset_seconds,
    settings_problems,
)
from datadog import api as datadog_api
from fake_datadog import FakeApi


class Clock:
    def __init__(self) -> None:
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client(fake: FakeApi, clock: Clock, **options: Any) -> Client:
    settings = {
        "api_key": fake.api_key,
        "app_key": fake.app_key,
        "api_url": fake.url,
        "sleep": clock.sleep,
        "chance": lambda: 1.0,
    }
    return Client(**{**settings, **options})


def test_reads(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.routes["/api/v2/thing"] = lambda query: (200, {"data": query})
    assert client(fake_api, clock).get("thing", version="v2", count=1, filter="a b") == {
        "data": {"count": "1", "filter": "a b"}
    }
    assert fake_api.headers[0]["dd-api-key"] == fake_api.api_key
    assert fake_api.headers[0]["dd-application-key"] == fake_api.app_key
    assert fake_api.api_key not in str(fake_api.calls)


def test_empty_list_of_errors_is_success(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [(202, {"errors": []})]
    assert client(fake_api, clock).get("validate") == {"errors": []}


def test_client_leaves_nothing_behind(fake_api: FakeApi, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datadog_api, "_api_key", "theirs")
    monkeypatch.setattr(datadog_api, "_mute", True)
    before = {name: value for name, value in vars(datadog_api).items() if name.startswith("_")}
    client(fake_api, clock).get("validate")
    fake_api.faults = [(400, {"errors": ["no"]})]
    with pytest.raises(DatadogError):
        client(fake_api, clock).get("validate")
    assert {name: value for name, value in vars(datadog_api).items() if name.startswith("_")} == before


def test_clients_are_independent(fake_api: FakeApi, clock: Clock) -> None:
    good, bad = client(fake_api, clock), client(fake_api, clock, api_key="c" * 32)
    for _attempt in range(2):
        assert good.get("validate") == {"valid": True}
        with pytest.raises(DatadogError):
            bad.get("validate")


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ((400, {"errors": ["The value provided for parameter 'query' is invalid"]}), "request", "parameter 'query'"),
        ((401, {"errors": "Unauthorized"}), "key", "Unauthorized"),
        ((403, {"errors": ["Forbidden", "twice"]}), "key", "Forbidden; twice"),
        ((404, {"errors": [{"title": "Gone", "detail": "no such thing"}]}), "request", "no such thing"),
        ((404, "<html><body>\n<h1>404</h1> nothing here</body></html>"), "request", "404 nothing here"),
        ((405, ""), "request", "Method Not Allowed"),
        ((409, {"errors": []}), "request", '{"errors": []}'),
        ((403, {"message": "Forbidden by the proxy"}), "key", "Forbidden by the proxy"),
        ((400, []), "request", "400 []"),
        ((200, "<html>Log in</html>"), "answer", "not JSON but Log in"),
        ((200, '"Welcome"'), "answer", 'not JSON but "Welcome"'),
        ((200, ""), "answer", "not JSON but OK"),
        ((302, "", {"Location": "https://app.example.com/login?x=y"}), "answer", "redirect to https://app.example.com"),
    ],
)
def test_refusals_are_not_retried(fake_api: FakeApi, clock: Clock, fault: Any, kind: str, words: str) -> None:
    fake_api.faults = [fault]
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock).get("validate")
    assert (caught.value.kind, caught.value.status) == (kind, fault[0])
    assert caught.value.endpoint == f"GET {fake_api.url}/api/v1/validate"
    assert words in str(caught.value) and caught.value.fix in str(caught.value)
    assert not caught.value.transient and len(fake_api.calls) == 1 and not clock.pauses


@pytest.mark.parametrize(
    "fault",
    [(500, {"errors": ["oops"]}), (429, {"x": 1}), (502, "<p>Bad</p>"), (503, ""), (200, "{", {"Content-Length": "9"})],
)
def test_temporary_errors_are_retried(fake_api: FakeApi, clock: Clock, fault: Any) -> None:
    fake_api.faults = [fault, fault]
    assert client(fake_api, clock).get("validate") == {"valid": True}
    assert clock.pauses == [1.0, 2.0]


def test_number_of_attempts_is_limited(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [(500, {"errors": ["oops"]})] * 9
    with pytest.raises(DatadogError, match="500 oops") as caught:
        client(fake_api, clock, attempts=3).get("validate")
    assert caught.value.transient and len(fake_api.calls) == 3


@pytest.mark.parametrize("body", [{"errors": ["Too many requests"]}, "<html><h1>Too many requests</h1></html>"])
@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"x-ratelimit-reset": "7"}, 8.0),
        ({"x-ratelimit-reset": "7, 7"}, 8.0),
        ({"Retry-After": "3"}, 4.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 1.0),
        ({}, 1.0),
    ],
)
def test_rate_limit(fake_api: FakeApi, clock: Clock, body: Any, headers: dict[str, str], pause: float) -> None:
    fake_api.faults = [(429, body, headers)]
    assert client(fake_api, clock).get("validate") == {"valid": True}
    assert clock.pauses == [pause]


def test_long_rate_limit_is_not_waited_for(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [(429, {"errors": ["Slow down"]}, {"x-ratelimit-reset": "3000", "x-ratelimit-name": "query"})]
    with pytest.raises(DatadogError, match=r"Slow down, rate limit query\. Run it again in 3000 s"):
        client(fake_api, clock).get("validate")
    assert not clock.pauses


def test_reset_header() -> None:
    assert reset_seconds({"x-ratelimit-reset": "2, 5"}) == 5.0
    assert reset_seconds({"x-ratelimit-reset": "soon"}) is None


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_connection_refused(fake_api: FakeApi, clock: Clock) -> None:
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock, api_url=f"http://127.0.0.1:{closed_port()}", attempts=2).get("validate")
    assert caught.value.kind == "connection" and len(clock.pauses) == 1
    assert "Connection refused" in str(caught.value) and "datadog_api_url" in str(caught.value)


def test_server_without_tls(fake_api: FakeApi, clock: Clock) -> None:
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock, api_url=fake_api.url.replace("http", "https")).get("validate")
    assert caught.value.kind == "tls" and not clock.pauses
    assert "REQUESTS_CA_BUNDLE" in str(caught.value)


def test_unknown_host_name(fake_api: FakeApi, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_args: Any, **_kwargs: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock, api_url=None, site="datadog.invalid", attempts=1).get("validate")
    assert caught.value.kind == "dns" and "datadog_site" in str(caught.value)


def test_timeout(fake_api: FakeApi, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DatadogError) as caught:
            client(fake_api, clock, api_url=url, api_timeout=0.2, attempts=1).get("validate")
    assert caught.value.kind == "timeout" and "api_timeout" in str(caught.value)


def test_many_timeouts_do_not_lock_the_client(fake_api: FakeApi, clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = client(fake_api, clock, api_url=f"http://127.0.0.1:{silent.getsockname()[1]}", api_timeout=0.05)
        for _attempt in range(2):
            with pytest.raises(DatadogError, match="timed out"):
                slow.get("validate")
    assert client(fake_api, clock).get("validate") == {"valid": True}


def test_loopback_needs_no_proxy(fake_api: FakeApi, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert client(fake_api, clock).get("validate") == {"valid": True}


def test_keys_and_passwords_are_never_shown(fake_api: FakeApi, clock: Clock) -> None:
    echo = {"errors": [f"bad keys {fake_api.api_key} and {fake_api.app_key}"]}
    fake_api.faults = [(403, echo)]
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock, api_url=fake_api.url.replace("//", "//user:secret@")).get("validate")
    for secret in (fake_api.api_key, fake_api.app_key, "secret"):
        assert secret not in str(caught.value) and secret not in repr(vars(caught.value))


def test_messages_of_api_and_proxies_contain_no_credentials(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [(400, {"errors": ["no such thing at https://me:geheim@db1/x?token=geheim"]})]
    with pytest.raises(DatadogError, match=re.escape("https://me:********@db1/x?token=********")) as caught:
        client(fake_api, clock).get("validate")
    assert "geheim" not in repr(vars(caught.value))


CUT = (200, "{", {"Content-Length": "99"})


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_writes(fake_api: FakeApi, clock: Clock, method: str) -> None:
    fake_api.routes[f"{method.upper()} /api/v2/thing"] = lambda body: (200, {"data": body})
    answer = getattr(client(fake_api, clock), method)("thing", {"a": [1, None]}, version="v2")
    assert answer == {"data": {"a": [1, None]}}


def test_delete_has_no_response_body(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.routes["DELETE /api/v2/thing"] = lambda body: (204, "")
    assert client(fake_api, clock).delete("thing", version="v2") is None


@pytest.mark.parametrize("fault", [(500, {"errors": ["oops"]}), (429, "<html>Slow down</html>"), CUT])
@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_idempotent_writes_are_retried(fake_api: FakeApi, clock: Clock, method: str, fault: Any) -> None:
    fake_api.routes[f"{method.upper()} /api/v1/thing"] = lambda body: (200, {"id": 1})
    fake_api.faults = [fault]
    arguments = [] if method == "delete" else [{}]
    assert getattr(client(fake_api, clock), method)("thing", *arguments) == {"id": 1}
    assert len(fake_api.writes) == 2


def test_retried_delete_accepts_not_found(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.late_faults = [CUT]
    assert client(fake_api, clock).delete("thing") is None
    with pytest.raises(DatadogError, match="404"):
        client(fake_api, clock).delete("thing")


@pytest.mark.parametrize("done", [True, False])
@pytest.mark.parametrize("fault", [(500, {"errors": ["oops"]}), (502, "<html>Bad Gateway</html>"), CUT])
def test_lost_creation_is_looked_up(fake_api: FakeApi, clock: Clock, fault: Any, done: bool) -> None:
    made: list[Any] = []
    fake_api.routes["POST /api/v1/thing"] = lambda body: (200, made.append(body) or {"id": len(made)})
    if done:
        fake_api.late_faults = [fault]
    else:
        fake_api.faults = [fault]
    answer = client(fake_api, clock).post("thing", {"a": 1}, find=lambda: {"id": "found"} if made else None)
    assert answer == {"id": "found" if done else 1} and made == [{"a": 1}] and clock.pauses == [1.0]


def test_last_lost_creation_is_looked_up(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [CUT, CUT]
    answers = iter([None, {"id": 1}])
    assert client(fake_api, clock, attempts=2).post("thing", {}, find=lambda: next(answers)) == {"id": 1}


def test_timed_out_creation_is_looked_up_for_a_while(fake_api: FakeApi, clock: Clock) -> None:
    answers = iter([None, None, {"id": 1}])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        slow = client(fake_api, clock, api_url=url, api_timeout=0.05)
        assert slow.post("thing", {}, find=lambda: next(answers)) == {"id": 1}
    assert clock.pauses == [1.0, 1.0, 2.0]


def test_creation_answered_with_html_is_looked_up(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [(200, "<html>Sign in</html>")] * 2
    assert client(fake_api, clock).post("thing", {}, find=lambda: {"id": 1}) == {"id": 1}
    with pytest.raises(DatadogError, match="not JSON but Sign in"):
        client(fake_api, clock).post("thing", {}, find=lambda: None)
    assert not clock.pauses and len(fake_api.writes) == 2


def test_lost_creation_without_lookup_is_not_retried(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.faults = [CUT]
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock).post("thing", {})
    assert caught.value.lost and len(fake_api.writes) == 1
    fake_api.routes["POST /api/v1/thing/validate"] = lambda body: (200, {})
    fake_api.faults = [CUT]
    assert client(fake_api, clock).post("thing/validate", {}, harmless=True) == {}


def test_creation_that_was_certainly_not_processed_is_retried(fake_api: FakeApi, clock: Clock) -> None:
    fake_api.routes["POST /api/v1/thing"] = lambda body: (200, {"id": 1})
    fake_api.faults = [(429, "<html>Slow down</html>", {"x-ratelimit-reset": "7, 7"})]
    assert client(fake_api, clock).post("thing", {}) == {"id": 1}
    with pytest.raises(DatadogError) as caught:
        client(fake_api, clock, api_url=f"http://127.0.0.1:{closed_port()}").post("thing", {})
    assert not caught.value.lost and clock.pauses[0] == 8.0 and len(clock.pauses) == 5


@pytest.mark.parametrize("number", [0, 99, 100, 250])
def test_pages(fake_api: FakeApi, clock: Clock, number: int) -> None:
    everything = [{"id": str(index), "attributes": {}} for index in range(number)]

    def page(query: dict[str, str]) -> tuple[int, Any]:
        start = int(query["page[offset]"])
        return 200, {"data": everything[start : start + int(query["page[limit]"])], "q": query["q"]}

    fake_api.routes["/api/v2/downtime"] = page
    assert list(client(fake_api, clock).pages("downtime", q="x")) == everything
    assert len(fake_api.calls) == number // 100 + 1


def test_pages_by_number(fake_api: FakeApi, clock: Clock) -> None:
    sizes = {"0": 1000, "1": 1000, "2": 7}
    fake_api.routes["/api/v1/monitor"] = lambda query: (200, [{"id": int(query["page"])}] * sizes[query["page"]])
    assert len(list(client(fake_api, clock).pages("monitor"))) == 2007


def test_list_without_pages(fake_api: FakeApi, clock: Clock) -> None:
    everything = [{"id": str(index)} for index in range(250)]
    fake_api.routes["/api/v1/dashboard"] = lambda query: (200, {"dashboards": everything})
    assert list(client(fake_api, clock).pages("dashboard")) == everything


@pytest.mark.parametrize(
    ("path", "words"),
    [("monitor", "the answer is a dictionary and not a list"), ("dashboard", "the answer has no dashboards")],
)
def test_response_without_a_list_is_refused(fake_api: FakeApi, clock: Clock, path: str, words: str) -> None:
    fake_api.routes[f"/api/v1/{path}"] = lambda query: (200, {"welcome": "to another service"})
    with pytest.raises(DatadogError, match=f"GET {fake_api.url}/api/v1/{path}: {words}"):
        list(client(fake_api, clock).pages(path))


@pytest.mark.parametrize(
    ("params", "variable"),
    [
        ({"api_key": None}, "datadog_api_key"),
        ({"api_key": ""}, "datadog_api_key"),
        ({"api_key": "abc\n"}, "datadog_api_key"),
        ({"app_key": None}, "datadog_app_key"),
        ({"app_key": "ключ"}, "datadog_app_key"),
        ({"api_url": "api.datadoghq.com"}, "datadog_api_url"),
        ({"api_url": "https://[x"}, "datadog_api_url"),
        ({"api_url": "https://x:99999"}, "datadog_api_url"),
        ({"site": ""}, "datadog_site"),
        ({"site": "https://datadoghq.eu"}, "datadog_site"),
        ({"api_timeout": 0.0}, "api_timeout"),
    ],
)
def test_settings(params: dict[str, Any], variable: str) -> None:
    given = {"api_key": "a", "app_key": "b", "site": "datadoghq.eu", **params}
    assert list(settings_problems(given)) == [variable]
    with pytest.raises(DatadogError, match=variable) as caught:
        Client(**given).get("hosts")
    assert caught.value.kind == "settings"
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://app.datadoghq.com/x"),
        ({"site": "datadoghq.eu"}, "https://app.datadoghq.eu/x"),
        ({"site": "us5.datadoghq.com"}, "https://us5.datadoghq.com/x"),
        ({"api_url": "https://api.datadoghq.eu/"}, "https://app.datadoghq.eu/x"),
        ({"api_url": "http://me:secret@127.0.0.1:8080"}, "http://127.0.0.1:8080/x"),
    ],
)
def test_addresses_of_the_web_interface(settings: dict[str, str], address: str) -> None:
    assert Client(api_key="a", **settings).web_address("/x") == address


def test_validate_needs_no_application_key(fake_api: FakeApi, clock: Clock) -> None:
    assert client(fake_api, clock, app_key=None).get("validate", need_app_key=False) == {"valid": True}


def test_arguments_are_documented() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = datadog_argument_spec()
    assert documented.keys() == spec.keys()
    for name, argument in spec.items():
        assert documented[name]["type"] == argument["type"]
        assert documented[name].get("default") == argument.get("default")
        for variable in argument.get("fallback", (None, []))[1]:
            assert f"E({variable})" in " ".join(documented[name]["description"])


def test_missing_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Module:
        # Mutable as in a module, but never changed here.
        params = {name: argument.get("default") for name, argument in datadog_argument_spec().items()}  # noqa: RUF012

        def fail_json(self, *, msg: str, exception: str) -> None:
            raise SystemExit(f"{msg} {exception}")

    monkeypatch.delitem(sys.modules, f"{datadog_client.__package__}.transport", raising=False)
    monkeypatch.setitem(sys.modules, "datadog", None)
    with pytest.raises(SystemExit, match=r"\(datadog\).*Traceback"):
        datadog_client.client_from_module(Module())  # type: ignore[arg-type]
