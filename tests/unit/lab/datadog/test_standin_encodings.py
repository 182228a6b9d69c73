"""Compressed bodies, complete, truncated, or with trailing data."""

from __future__ import annotations

import gzip
import json
import zlib

import apm_payloads as apm
import pytest
import zstandard
from standin_client import KEYS, Client, bodies, errors

BODY = json.dumps({"series": []}).encode()
STREAMS = {
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "zstd": zstandard.compress(BODY),
    "zstd1": zstandard.ZstdCompressor(write_checksum=True).compress(BODY),
}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY, mtime=0)),
        ("deflate", zlib.compress(BODY)),
        ("zstd", zstandard.compress(BODY)),
        ("zstd1", zstandard.ZstdCompressor(write_content_size=False).compress(BODY)),
    ],
)
def test_decompresses(encoding, body):
    assert bodies.inflate(body, encoding, 100) == BODY


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)],
)
def test_decompressed_size_is_limited(encoding, compress):
    assert len(bodies.inflate(compress(bytes(1000)), encoding, 1000)) == 1000
    with pytest.raises(errors.Refused) as caught:
        bodies.inflate(compress(bytes(1001)), encoding, 1000)
    assert caught.value.status == 413


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br"])
def test_refuses_broken_and_unknown_encodings(encoding):
    with pytest.raises(errors.Refused) as caught:
        bodies.inflate(BODY, encoding, 1000)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("encoding", "cut"), [(name, cut) for name, stream in STREAMS.items() for cut in range(1, len(stream))]
)
def test_refuses_a_stream_truncated_anywhere(encoding, cut):
    with pytest.raises(errors.Refused, match=f"broken {encoding} stream|the {encoding} stream has no end") as caught:
        bodies.inflate(STREAMS[encoding][:cut], encoding, 1000)
    assert caught.value.status == 400


@pytest.mark.parametrize("encoding", STREAMS)
@pytest.mark.parametrize("garbage", [b"\0", b"garbage", b"{}" * 1000])
def test_refuses_trailing_data(encoding, garbage):
    with pytest.raises(errors.Refused) as caught:
        bodies.inflate(STREAMS[encoding] + garbage, encoding, 1000)
    assert caught.value.status == 400


@pytest.mark.parametrize(("encoding", "status"), [("gzip", None), ("zstd", None), ("deflate", 400)])
def test_accepts_concatenated_streams_if_the_format_allows_them(encoding, status):
    twice = STREAMS[encoding] * 2
    if status is None:
        assert bodies.inflate(twice, encoding, 1000) == BODY * 2
        assert bodies.inflate(twice, encoding, 2 * len(BODY)) == BODY * 2
        with pytest.raises(errors.Refused, match="too big"):
            bodies.inflate(twice, encoding, 2 * len(BODY) - 1)
    for body in [twice[:-1], twice] if status else [twice[:-1]]:
        with pytest.raises(errors.Refused) as caught:
            bodies.inflate(body, encoding, 1000)
        assert caught.value.status == 400


POINT = {"metric": "m", "points": [[apm.NOW, 1]], "host": "h"}
RUN = {"check": "c", "host_name": "h", "status": 0, "timestamp": apm.NOW, "tags": []}
HOST = {"internalHostname": "h", "host-tags": {"system": ["a:b"]}, "meta": {}}
# A valid body for every path of the intake.
INTAKE = {
    "/api/v1/series": json.dumps({"series": [POINT]}).encode(),
    "/api/v1/check_run": json.dumps([RUN]).encode(),
    "/intake": json.dumps(HOST).encode(),
    "/intake/": json.dumps(HOST).encode(),
    "/api/v1/metadata": b"{}",
    apm.SERIES: json.dumps({"series": [{**POINT, "points": [{"timestamp": apm.NOW, "value": 1}]}]}).encode(),
    apm.STATS: apm.agent_stats(apm.client_stats(apm.THEN, apm.group([0.1]))),
    apm.TRACES: apm.message("AgentPayload", hostName="h"),
    apm.SKETCHES: apm.message("SketchPayload", sketches=[{"metric": "m", "host": "h"}]),
}


@pytest.mark.parametrize("encoding", STREAMS)
@pytest.mark.parametrize("path", INTAKE)
def test_intake_only_accepts_complete_streams(tmp_path, path, encoding):
    compress = {"gzip": gzip.compress, "deflate": zlib.compress}.get(encoding, zstandard.compress)
    whole = compress(INTAKE[path])
    client, headers = Client(tmp_path), [*KEYS, (b"content-encoding", encoding.encode())]
    for broken in (whole[:-1], whole[: len(whole) // 2], whole + b"x"):
        status, _, answer = client.call("POST", path, body=broken, headers=headers)
        assert (status, encoding in json.loads(answer)["errors"][0]) == (400, True)
    assert client.store.hosts() == client.store.metrics(0) == client.store.check_runs("h") == []
    assert client.call("POST", path, body=whole, headers=headers)[0] == 202
