"""The trace agent, a process of its own as the real one: takes traces and statistics of tracers, sends both on.

python3 -m standin_agent.traces --config /etc/datadog-agent/datadog.yaml
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgpack
import waitress
from requests.structures import CaseInsensitiveDict

from standin_agent import AGENT_VERSION, spans
from standin_agent.agent import make_log
from standin_agent.collector import beat
from standin_agent.config import Config, ConfigError
from standin_agent.forwarder import Forwarder
from standin_agent.stats import SPAN_KINDS, Concentrator, Source
from standin_agent.wire import AgentPayload, TracerPayload

TRACES_EVERY, STATS_EVERY, STOP_SECONDS = 5.0, 10.0, 5.0
# With more bytes than this, before compression, traces do not wait for their time.
MAX_PAYLOAD = 3_200_000
# The sampling rates that tracers are told: a lab keeps all.
RATES = {"service:,env:": 1.0}
# Who sends, by the names of the real statistics.
ABOUT = {
    "Lang": "Datadog-Meta-Lang",
    "LangVersion": "Datadog-Meta-Lang-Version",
    "Interpreter": "Datadog-Meta-Lang-Interpreter",
    "TracerVersion": "Datadog-Meta-Tracer-Version",
}


class Refused(Exception):
    """A request that is answered with an error: its HTTP status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class TraceAgent:
    """What is done with what the receiver takes, and the counts of it by sender and kind."""

    def __init__(self, config: Config, log: logging.Logger) -> None:
        self._config, self._log = config, log
        self._settings = config.apm | {"env": spans.tag_value(config.apm["env"])}
        # Its own rule (pkg/trace/writer/sender.go), and no validation of the key, which is the core Agent's.
        self._forwarder = Forwarder(config, log, retries=lambda code: code == 408 or code >= 500, validates=False)
        self._concentrator = Concentrator(time.time_ns())
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._bytes = 0
        self._received: defaultdict[tuple[str, ...], defaultdict[str, Counter[str]]]
        self._received = defaultdict(lambda: defaultdict(Counter))
        self._written: dict[str, Counter[str]] = {"trace_writer": Counter(), "stats_writer": Counter()}
        self._started = time.time()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then send what is there within a few seconds. Raises OSError: no port."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        path = self._settings["receiver_socket"]
        host = "0.0.0.0" if self._settings["apm_non_local_traffic"] is True else "127.0.0.1"
        ports = ((host, self._settings["receiver_port"]), ("127.0.0.1", self._settings["debug_port"]))
        places = [{"host": address, "port": port} for address, port in ports if port]
        # The service makes the folder. Any user's tracer may write.
        if path and Path(path).parent.is_dir():
            places.append({"unix_socket": path, "unix_socket_perms": "722"})
        servers = [
            waitress.create_server(self.application, max_request_body_size=self._settings["max_payload_size"], **place)
            for place in places
        ]
        for server in servers:
            threading.Thread(target=server.run, daemon=True).start()
            self._log.info("Listening at %s", server.adj.unix_socket or server.effective_port)
        self._forwarder.start()
        threading.Thread(target=beat, args=(TRACES_EVERY, 0, self.send_traces, stop), daemon=True).start()
        beat(STATS_EVERY, 0, self._send_complete, stop)
        for server in servers:
            # What is not answered the tracer sends again.
            server.task_dispatcher.shutdown()
        self.send_traces()
        self._send_complete(everything=True)
        self._forwarder.stop(STOP_SECONDS)
        self._log.info("Stopped")

    def application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """A request as WSGI has it: what `respond` gives is sent as it is where it is bytes, else as JSON."""
        headers = CaseInsensitiveDict((key.removeprefix("HTTP_").replace("_", "-"), environ[key]) for key in environ)
        try:
            if headers.get("Sec-Fetch-Site") == "cross-site":
                raise Refused(403, "cross-site request rejected")
            status, found = self.respond(environ["PATH_INFO"], headers, environ["wsgi.input"].read())
        except Refused as error:
            status, found = error.status, f"{error}\n".encode()
        media = "text/plain; charset=utf-8" if isinstance(found, bytes) else "application/json"
        body = found if isinstance(found, bytes) else json.dumps(found).encode()
        head = {"Content-Type": media, "Content-Length": str(len(body)), "Datadog-Agent-Version": AGENT_VERSION}
        start_response(f"{status} {HTTPStatus(status).phrase}", list(head.items()))
        return [body]

    def respond(self, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """(status, document) of a request. Raises Refused."""
        version, _, what = path.strip("/").partition("/")
        if path == "/info":
            return 200, self.info()
        if path == "/debug/vars":
            return 200, self.status()
        if version in ("v0.2", "v0.3", "v0.4", "v0.5") and what == "traces":
            return 200, self._traces(version, headers, body)
        if version in ("v0.3", "v0.4") and what == "services":
            return 200, b"OK\n"
        if path == "/v0.6/stats":
            self._client_stats(headers, body)
            return 200, b""
        if path.startswith("/telemetry/proxy/"):
            # What tracers tell Datadog about themselves: nothing in a lab reads it.
            return 202, b""
        raise Refused(404, "404 page not found")

    def info(self) -> dict[str, Any]:
        """What tracers read to learn what this Agent can; what it cannot is not in it."""
        kinds = [f"/{version}/{what}" for version in ("v0.3", "v0.4") for what in ("traces", "services")]
        return {
            "version": AGENT_VERSION,
            "endpoints": [*kinds, "/v0.5/traces", "/v0.6/stats", "/telemetry/proxy/"],
            "client_drop_p0s": True,
            "span_meta_structs": True,
            "long_running_spans": True,
            "span_events": True,
            "peer_tags": [],
            "span_kinds_stats_computed": list(SPAN_KINDS),
            "config": {
                "default_env": self._settings["env"],
                "receiver_port": self._settings["receiver_port"],
                "receiver_socket": self._settings["receiver_socket"],
                "max_request_bytes": self._settings["max_payload_size"],
                "statsd_port": self._config.values["dogstatsd_port"],
            },
        }

    def _traces(self, version: str, headers: Any, body: bytes) -> Any:
        """Take the traces of one request; the answer's document. Raises Refused."""
        media = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if version == "v0.2" and media == "application/msgpack":
            raise Refused(415, f'unsupported media type: "{media}"')
        about = {name: headers.get(header, "") for name, header in ABOUT.items()}
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        try:
            traces = spans.decode(version, media, body)
        except spans.Undecodable as error:
            found["TracesDropped"]["DecodingError"] += 1
            self._count((*about.values(), version), found)
            self._log.error("Cannot decode %s traces payload: %s", version, error)
            raise Refused(400, str(error)) from None
        payload = TracerPayload(
            containerID=headers.get("Datadog-Container-ID", ""),
            languageName=about["Lang"],
            languageVersion=about["LangVersion"],
            tracerVersion=about["TracerVersion"],
        )
        said = (headers.get(f"Datadog-Client-Computed-{what}", "") for what in ("Top-Level", "Stats"))
        by_client, computed = (text.lower() not in ("", "0", "f", "false") for text in said)
        found[""].update(TracesReceived=len(traces), TracesBytes=len(body), PayloadAccepted=1)
        for trace in traces:
            found[""]["SpansReceived"] += len(trace)
            try:
                spans.normalise(trace, about["Lang"])
            except spans.Dropped as reason:
                found["TracesDropped"][str(reason)] += 1
                found[""]["SpansDropped"] += len(trace)
                continue
            spans.mark_top_level(trace, by_client)
            self._add(payload, trace, computed, found[""])
        self._count((*about.values(), version), found)
        self._queue(payload)
        return b"OK\n" if version in ("v0.2", "v0.3") else {"rate_by_service": RATES}

    def _count(self, sender: tuple[str, ...], found: dict[str, Counter[str]]) -> None:
        with self._lock:
            for kind, counts in found.items():
                self._received[sender][kind].update(counts)

    def _add(self, payload: Any, trace: list[Any], computed: bool, counts: Counter[str]) -> None:
        """Count a trace that is in order, and add it to the payload unless the tracer's user has rejected it."""
        root = spans.root(trace)
        ordered = [root, *trace]
        # What the first trace says of its tracer holds for all of them.
        payload.env = payload.env or spans.first_meta(ordered, "env") or self._settings["env"]
        payload.appVersion = payload.appVersion or spans.first_meta(ordered, "version")
        payload.hostname = payload.hostname or spans.first_meta([root], "_dd.hostname")
        payload.runtimeID = payload.runtimeID or spans.first_meta([root], "runtime-id")
        if not computed:
            host = payload.hostname or self._config.hostname
            source = Source(payload.env, host, payload.appVersion, payload.containerID)
            self._concentrator.add(trace, root, source)
        priority = spans.priority(ordered)
        counts["TracesPriorityNone"] += priority == spans.NO_PRIORITY
        if spans.NO_PRIORITY < priority < 0:
            counts.update(TracesFiltered=1, SpansFiltered=len(trace))
            return
        maker = spans.first_meta(trace, "_dd.p.dm")
        payload.chunks.add(
            priority=priority,
            origin=spans.first_meta([root], "_dd.origin"),
            spans=trace,
            tags={"_dd.p.dm": maker} if maker else {},
        )

    def _queue(self, payload: Any) -> None:
        if payload.chunks:
            with self._lock:
                self._waiting.append(payload)
                self._bytes += payload.ByteSize()
                full = self._bytes > MAX_PAYLOAD
            if full:
                self.send_traces()

    def _client_stats(self, headers: Any, body: bytes) -> None:
        """Take what a tracer has computed itself, and send it on with the name of this Agent. Raises Refused."""
        try:
            payload = spans.unpack(body)
            payload.update(Lang=headers.get(ABOUT["Lang"], ""), TracerVersion=headers.get(ABOUT["TracerVersion"], ""))
            payload["Env"] = spans.tag_value(payload.get("Env") or self._settings["env"])
            for entry in (entry for bucket in payload["Stats"] for entry in bucket["Stats"]):
                entry["Name"] = spans.operation(entry["Name"])
                entry["Service"] = spans.service(entry["Service"], payload["Lang"])
                entry["Resource"] = spans.resource(entry.get("Resource", ""), entry["Name"], entry.get("Type", ""))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            self._log.error("Error decoding client stats: %s", error)
            raise Refused(400, f"{type(error).__name__}: {error}") from None
        self.send_stats([payload], client_computed=True)

    def send_traces(self) -> bool:
        """Hand the traces that wait to the forwarder; True: more may come."""
        with self._lock:
            waiting, self._waiting, self._bytes = self._waiting, [], 0
        if waiting:
            about = {"hostName": self._config.hostname, "env": self._settings["env"], "agentVersion": AGENT_VERSION}
            payload = AgentPayload(**about, tracerPayloads=waiting, targetTPS=10, errorTPS=10)
            chunks = [chunk for tracer in waiting for chunk in tracer.chunks]
            counts = {"Traces": len(chunks), "Spans": sum(len(chunk.spans) for chunk in chunks)}
            self._send("trace", payload.SerializeToString(), "application/x-protobuf", counts)
        return True

    def _send_complete(self, *, everything: bool = False) -> bool:
        """Hand the statistics of the complete buckets to the forwarder, or of all; True: more may come."""
        self.send_stats(self._concentrator.take(time.time_ns(), everything=everything))
        return True

    def send_stats(self, payloads: list[dict[str, Any]], *, client_computed: bool = False) -> None:
        if payloads:
            about = {"AgentHostname": self._config.hostname, "AgentEnv": self._settings["env"]}
            document = {**about, "AgentVersion": AGENT_VERSION, "ClientComputed": client_computed, "Stats": payloads}
            buckets = [bucket for payload in payloads for bucket in payload["Stats"]]
            counts = {"StatsBuckets": len(buckets), "StatsEntries": sum(len(bucket["Stats"]) for bucket in buckets)}
            self._send("stats", msgpack.packb(document), "application/msgpack", counts)

    def _send(self, what: str, body: bytes, media: str, counts: dict[str, int]) -> None:
        with self._lock:
            self._written[f"{what}_writer"].update(counts, Payloads=1, BytesUncompressed=len(body))
            languages = "|".join(sorted({sender[0] for sender in self._received}))
        url = f"{self._settings['apm_dd_url']}/api/v0.2/{'traces' if what == 'trace' else what}"
        self._forwarder.send(url, body, media, languages=languages)

    def status(self) -> dict[str, Any]:
        """What is `apmStats` of `status --json`, in the real one's names; counts since the start."""
        with self._lock:
            receiver = [
                {**dict(zip((*ABOUT, "EndpointVersion"), sender, strict=True)), **counts[""]}
                | {"TracesDropped": dict(counts["TracesDropped"])}
                for sender, counts in self._received.items()
            ]
        return {
            "pid": os.getpid(),
            "uptime": round(time.time() - self._started),
            "version": {"Version": AGENT_VERSION},
            "receiver": receiver,
            **{name: dict(counts) for name, counts in self._written.items()},
            "ratebyservice": RATES,
            "forwarderStats": self._forwarder.status(),
        }


def main() -> int:
    parser = argparse.ArgumentParser(prog="trace-agent", description="The trace agent of the lab's stand-in.")
    parser.add_argument("-c", "--config", default="/etc/datadog-agent/datadog.yaml", type=Path)
    try:
        config = Config(parser.parse_args().config)
        apm = config.apm
        log = make_log(config, str(apm["log_file"]), "TRACE")
        if str(apm["enabled"]).lower() not in ("true", "1"):
            log.info("trace-agent not enabled. Set apm_config.enabled to true to run it")
            return 0
        if not config.api_key:
            raise ConfigError(f"no API key configured, exiting: set `api_key` in {config.path}")
        TraceAgent(config, log).run()
    except (ConfigError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
