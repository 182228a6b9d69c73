# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Masked files: secrets are hidden, and everything else is shown."""

from __future__ import annotations

import re
import signal
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._secrets import masking
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.credentials import RESOLVED
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import render
from hypothesis import given, settings
from hypothesis import strategies as st

API_KEY = "0123456789abcdef" * 2
APP_KEY = "0123456789abcdef01234567" + "89abcdef01234567"


def mask(text: str, secrets: dict[str, Any], *, code: bool = False) -> str:
    """Return a text as the diff of a new file shows it; CODE means that it is Python."""
    return masking.masked_diff("/x.py" if code else "/x", "", text, secrets)["after"]


class TestMasking:
    @pytest.mark.parametrize(
        "line",
        [
            "password: geheim-1",
            "    password: 'geheim-1'",
            "- password: geheim-1",
            "# api_key: geheim-1",
            "#api_key: geheim-1",
            'app_key: "geheim-1"',
            "application_key: geheim-1",
            "auth_token: geheim-1",
            "client_secret: geheim-1",
            "Password: geheim-1",
            "proxy: http://user:geheim-1@proxy:3128",
            "private_key: |\n  geheim-1\n\n  geheim-1",
            "password: >- # folded\n  geheim-1",
        ],
    )
    def test_hides_values_of_secret_names(self, line: str) -> None:
        masked = mask(f"site: a\n{line}\nenv: lab\n", {})
        assert "geheim" not in masked
        assert masked.startswith("site: a\n")
        assert masked.endswith("env: lab\n")

    @pytest.mark.parametrize("key", [API_KEY, APP_KEY])
    @pytest.mark.parametrize("form", ["x: {}", "# once it was {}", '- "{}"', "dd_url: https://x/?k={}&b=1"])
    def test_hides_values_that_look_like_keys(self, form: str, key: str) -> None:
        assert key not in mask(form.format(key), {})

    def test_hides_given_values_anywhere(self) -> None:
        masked = mask('a: "geheim\\"1"\nb: geheim"1\n', {"x.y": 'geheim"1'})
        assert "geheim" not in masked

    @given(
        st.text(min_size=6, max_size=30).filter(lambda text: text.strip() and not set(text) <= set('* "changed()\\n'))
    )
    def test_rendered_secrets_are_hidden(self, secret: str) -> None:
        text = render({"plain_name": "x", "site": "s"}, {"plain_name": secret})
        masked = mask(text, {"plain_name": secret})
        assert yaml.safe_load(masked) == {"plain_name": masking.HIDDEN, "site": "s"}

    @pytest.mark.parametrize("line", ["api_key: ENC[api_key]\n", 'password: "ENC[db/datadog]"\n'])
    def test_shows_secret_handles(self, line: str) -> None:
        assert mask(line, {"api_key": "ENC[api_key]"}) == line

    @pytest.mark.parametrize(
        "line", ["tags:\n", "tokens_per_second:\n", "hostname: web1\n", "uuid: " + "a1" * 15 + "\n"]
    )
    def test_leaves_other_lines_alone(self, line: str) -> None:
        assert mask(line, {}) == line

    def test_diff_shows_that_a_secret_changed_without_its_value(self) -> None:
        before, after = (render({"site": "s"}, {"api_key": key}) for key in (API_KEY, API_KEY[::-1]))
        diff = masking.masked_diff("/x", before, after, {"api_key": API_KEY[::-1]})
        assert diff["before"] != diff["after"]
        assert "(changed)" in diff["after"]
        assert API_KEY not in str(diff)
        assert API_KEY[::-1] not in str(diff)

    def test_diff_marks_only_the_secret_that_changed(self) -> None:
        config = {"instances": [{"host": "a"}, {"host": "b"}]}
        kept, old, new = (
            {f"instances.{number}.password": text} for number, text in ((0, "k-1"), (1, "o-1"), (1, "n-1"))
        )
        before = render({**config, "env": "lab"}, kept | old)
        after = render({**config, "env": "prod"}, kept | new)
        diff = masking.masked_diff("/x", before, after, kept | new)
        assert "prod" in diff["after"]
        assert [line for line in diff["after"].splitlines() if "(changed)" in line] == [
            '    password: "******** (changed)"'
        ]
        assert diff["after"].count("password") == 2

    @pytest.mark.parametrize("quote", ["", "'"])
    def test_different_quotes_of_a_secret_are_not_a_change(self, quote: str) -> None:
        before = f"# Ansible managed\napi_key: {quote}{API_KEY}{quote}\nsite: datadoghq.com\n"
        after = render({"site": "datadoghq.com"}, {"api_key": API_KEY})
        assert "(changed)" not in masking.masked_diff("/x", before, after, {"api_key": API_KEY})["after"]

    def test_diff_of_equal_files_is_empty(self) -> None:
        text = render({}, {"api_key": API_KEY})
        diff = masking.masked_diff("/x", text, text, {"api_key": API_KEY})
        assert diff["before"] == diff["after"]


def test_previous_value_of_a_secret_is_hidden():
    before = 'instances:\n  - community: "the-old-one"\n    port: 161\n'
    diff = masking.masked_diff("x", before, "", {"instances.0.community": "the-new-one"})
    assert "the-old-one" not in diff["before"]
    assert "161" in diff["before"]


def test_secret_can_be_a_mapping():
    secrets = {"additional_endpoints": {"https://app.datadoghq.eu": ["second-key"]}}
    text = render({}, secrets)
    assert yaml.safe_load(text) == secrets
    assert "second-key" not in mask(text, secrets)


# Files as other people write them. Secrets contain "geheim"; everything else must be shown.
STYLES = {
    "flow": "{host: db1, password: geheim, port: 3306}",
    "flow, quoted": """{"host": "db1", 'api-key': 'geheim,1', "password":"geheim}"}""",
    "flow in a list": "- {name: a, pwd: geheim}\n- {name: b, authKey: geheim}",
    "flow over lines": "headers: {\n  Host: web1,\n  Authorization: geheim,\n  'X-API-Key': geheim }\nport: 1",
    "flow with a value below its key": "headers: {Authorization:\n    geheim,\n  Host: web1}",
    "flow, nested": "a: {b: {c: {token: geheim}}, d: [{secret: geheim, port: 1}]}",
    "flow list": "community_strings: [geheim, 'geheim2', \"geheim3\"]\nport: 1",
    "flow list over lines": "community_strings: [geheim,\n  geheim2,\n  geheim3\n]\nport: 1",
    "flow list in a flow": "{community_strings: [geheim, geheim2], port: 1}",
    "list": "community_strings:\n  - geheim\n  - 'geheim'\nport: 1",
    "list at the column of its key": "api_keys:\n- geheim\n- geheim2\nport: 1",
    "list with a comment": "community_strings:\n  - geheim\n  # - geheim2\nport: 1",
    "dictionary of passwords": "passwords:\n  one: geheim\n  two:\n    - geheim\nport: 1",
    "keys of addresses": (
        "additional_endpoints:\n  https://app.datadoghq.eu:\n  - geheim\n  'https://b':\n    - geheim\nport: 1"
    ),
    "headers as texts": (
        "rpc_header:\n  - 'Authorization: Bearer geheim'\n  - \"X-API-Key: geheim\"\n  - 'Accept: json'"
    ),
    "headers in a dictionary": "headers:\n  Cookie: a=geheim; b=geheim\n  X-Auth-Token: geheim\n  Host: web1",
    "quoted key": "'password': geheim\n\"authKey\" : geheim\nport: 1",
    "key of several words": "API Key: geheim",
    "literal block": "private_key: |\n  geheim\n\n  # geheim\n    geheim\nport: 1",
    "folded block": "password: >-\n    geheim\nport: 1",
    "block with a type": "password: !!str |2-\n   geheim\nport: 1",
    "block in a list": "- password: |\n    geheim\n  port: 1",
    "block of something else with a key in it": (
        "data: |\n  -----BEGIN RSA PRIVATE KEY-----\n  geheim\n  geheim\n  -----END RSA PRIVATE KEY-----\nport: 1"
    ),
    "quoted over lines": 'password: "geheim\n  geheim"\nport: 1',
    "quoted over lines, single": "password: 'geheim ''\n\n  geheim'\nport: 1",
    "quoted over lines, like a comment": "- password: 'geheim''\n    #geheim'\n- port: 1",
    "plain over lines": "password: geheim\n  geheim\nport: 1",
    "on the next line": "password:\n  geheim\nport: 1",
    "quoted on the next line": 'password:\n  "geheim\n  geheim"\nport: 1',
    "with an anchor": "password: &p geheim\nport: 1",
    "with an anchor, on the next line": "password: &p\n  geheim\nport: 1",
    "with a type": "password: !!str geheim",
    "as a complex key": "? password\n: geheim\n? port\n: 1",
    "comment": "# password: geheim\n## api_key: geheim\n  #token: geheim\nport: 1",
    "comment behind": "password: geheim # geheim",
    "comment over lines": "# community_strings:\n#   - geheim\n# password: |\n#   geheim\n# port: 1",
    "comment with a flow": "# - {password: geheim, port: 1}",
    "deep": "a:\n  b:\n    - c:\n        - client_secret: geheim\n          port: 1",
    "tabs": "password:\tgeheim\nport: 1",
    "carriage returns": "password: geheim\r\nport: 1\r\n",
    "no end of line": "port: 1\npassword: geheim",
    "number": "pwd: 98765431",
    "addresses": "url: https://me:geheim@db1/x\nb: 'redis://:geheim@cache'\nc: http://db1/?a=1&token=geheim&port=1",
    "connection string": "connection: Server=db1;Uid=me;Pwd=geheim;",
    "Java": 'java_options: "-Xmx200m -Djavax.net.ssl.trustStorePassword=geheim -Dport=1"',
    "arguments": "cmd: mysql --password geheim --port 1",
    "environment of a unit": 'Environment="DD_API_KEY=geheim"\nEnvironment=TOKEN=geheim\nUser=me',
    "settings": "[client]\npassword = geheim\nport = 1",
    "JSON": '{\n  "api_key": "geheim",\n  "list": [\n    {"token": "geheim", "port": 1}\n  ]\n}',
    "comments in a flow": "a: [ # token=geheim\n  {name: b, # password: geheim\n  port: 1} ]",
    "broken": 'password: "geheim\nport: 1\nx: [\n',
}
SHOWN = ("port", "3306", "db1", "web1", "json", "name", "Xmx200m")


@pytest.mark.parametrize("text", STYLES.values(), ids=STYLES)
def test_secrets_are_hidden_in_any_style(text: str) -> None:
    for form in (text, f"{text}\n", "\n".join(f"  {line}" for line in text.split("\n"))):
        masked = mask(form, {})
        assert "geheim" not in masked
        assert "98765431" not in masked
        for word in SHOWN:
            if word in form and word != "port":
                assert word in masked
        if "port: 1" in text or "port = 1" in text or "port=1" in text:
            assert re.search(r"port( =|:|=) ?1", masked) or text == STYLES["broken"]


@pytest.mark.parametrize(
    "text",
    [
        "auth_type: basic\nauth: basic\nkerberos_auth: required\n",
        "use_token: true\nno_token: false\nbearer_token_auth: yes\n",
        "token_path: /run/token\ntls_private_key: /etc/key.pem\nprivate_key_path: /x\n",
        "password: ENC[db/password]\napi_key: 'ENC[key]'  # by the backend\n{password: 'ENC[a]', port: 1}\n",
        "url: http://db1:8080/a@b\npassword: '%%env_PASSWORD%%'\n",
        "password:\n\n## the port\nport: 1\n",
        "password: ''\nport: 1\n",
        "api_key:\n\n## @param site - string\n#\n# site: datadoghq.com\n",
        "tags:\n  - token:abc\n  - pass:me\n",
        "# It uses basic authentication. Tokens are read from: the file\n",
        f"# 0123456789abcdef {APP_KEY.upper()}\nkeys: {APP_KEY.upper()} (5 bytes)\n",
        "max_tokens: 4096\ntokens_per_second: 5\n",
        "checks:\n  - name: it's one\n  - name: 'it''s two'\n",
        "\n\n  \n# nothing\n",
    ],
)
def test_other_text_is_unchanged(text: str) -> None:
    assert mask(text, {}) == text


@pytest.mark.parametrize(
    "line",
    [
        "[",
        "{a: ",
        '"',
        "- '",
        "password: [",
        "- password:",
        "://a:" * 390,
        "a=" * 990,
        "password" * 240,
        "[" * 1990,
        "x" * 9000,
    ],
)
def test_adversarial_file_does_not_take_long(line: str) -> None:
    def give_up(*_arguments: Any) -> None:
        raise TimeoutError("it takes too long")

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(120)
    try:
        mask(f"{line}\n" * (60_000 // (len(line) + 1)), {})
    finally:
        signal.alarm(0)


@pytest.mark.parametrize("lines", [40, 400])
@pytest.mark.parametrize("hashes", ["", "# "])
@pytest.mark.parametrize(
    "secret",
    [
        '{password: "geheim\n  geheim", port: 1}',
        "{api_keys: [geheim,\n geheim],\n port: 1}",
        "{pwd:\n    geheim, port: 1}",
    ],
)
def test_secret_in_a_long_bracket_is_hidden(secret: str, hashes: str, lines: int) -> None:
    others = [f"  {{name: n{number}, url: 'http://db1/some/where'}}," for number in range(lines)]
    text = "\n".join(["things: [", *others, f"  {secret},", *others, "]", "more: kept"])
    masked = mask("".join(f"{hashes}{line}\n" for line in text.split("\n")), {})
    assert "geheim" not in masked
    assert all(masked.count(f"name: n{number},") == 2 for number in range(lines))
    assert "port: 1" in masked and masked.endswith(f"{hashes}more: kept\n")
    # Lines are kept, so that a diff can compare them; a comment becomes one line.
    assert (masked.count("\n") > 2 * lines) == (not hashes)


def test_whole_private_key_is_hidden() -> None:
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *["  geheim"] * 400, "  -----END PRIVATE KEY-----"])
    masked = mask(f"data: |\n  {key}\nport: 1\n", {})
    assert "geheim" not in masked and masked.endswith("port: 1\n")


def test_everything_after_a_long_unclosed_value_is_hidden() -> None:
    masked = mask("[\n" * 1000 + '{password: "geheim\n geheim"}\n', {})
    assert "geheim" not in masked


@pytest.mark.parametrize("line", ["[", "{a: [1]}, [", '- "', "# {", "k: [a, 'b'", "{a: {b: c}}"])
def test_text_is_scanned_a_limited_number_of_times(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    text, read = f"{line}\n" * 3000, []
    closed_at = masking.closed_at
    monkeypatch.setattr(masking, "closed_at", lambda value: read.append(len(value)) or closed_at(value))
    mask(text, {})
    # The scanned part doubles each time, so the total is at most three times the text.
    assert sum(read) <= 3 * (masking.PATIENCE + 1) * len(text)


CODE = """
import os
password = instance.get("password")
token: str = os.environ["TOKEN"]
self.token = "geheim"
api_key: str = 'geheim'
url = "https://me:geheim@db1/x"
headers = {"Authorization": "geheim", "Accept": "json", "X-API-Key": self.key}
connect(password="geheim", port=1)
"""


def test_only_secret_strings_in_code_are_hidden() -> None:
    masked = mask(CODE, {}, code=True)
    assert "geheim" not in masked
    assert len(masked.splitlines()) == len(CODE.splitlines())
    for words in ('instance.get("password")', 'os.environ["TOKEN"]', '"Accept": "json"', "self.key", "port=1"):
        assert words in masked
    assert masking.masked_diff("/etc/datadog-agent/checks.d/x.py", "", CODE, {})["after"] == masked


# Characters that need quotes, and text before and after a secret.
_WORDS = st.text(st.sampled_from("abc ,:#'\"{}[]&*!|>%@`-?=;\\\n\té"), max_size=12)
_SECRET_NAMES = st.sampled_from(
    [
        "password",
        "api-key",
        "authKey",
        "Authorization",
        "token",
        "client_secret",
        "community_string",
        "X-API-Key",
        "pwd",
    ]
)
_PLAIN_NAMES = st.sampled_from(["host", "port", "url", "headers", "instances", "users", "a b"])
# Handles that the Agent resolves are shown.
_MARKED = st.builds(lambda before, after: f"{before}GEHEIM{after}GEHEIM{before}", _WORDS, _WORDS).filter(
    lambda text: not RESOLVED.search(text)
)
_OTHER = st.one_of(st.integers(), st.booleans(), st.none(), st.text("abc", max_size=5))


def _config(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(_PLAIN_NAMES, inner, max_size=3)
    secret = st.dictionaries(_SECRET_NAMES, _MARKED, max_size=2)
    return st.one_of(
        st.lists(inner, max_size=3),
        st.builds(lambda *parts: {key: item for part in parts for key, item in part.items()}, secret, plain, secret),
        st.builds(lambda items: {"community_strings": items}, st.lists(_MARKED, max_size=3)),
    )


_CONFIGS = st.recursive(_OTHER, _config, max_leaves=12)
_STYLE = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([True, False, None]),
        "indent": st.sampled_from([2, 4]),
        "width": st.sampled_from([10, 30, 1000]),
        "allow_unicode": st.booleans(),
    }
)


class _Dumper(yaml.SafeDumper):
    """Writes values in a given style, and keys in the default style."""

    scalars: str | None = None

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        for _key, value in node.value:
            if isinstance(value, yaml.ScalarNode) and value.tag.endswith(":str"):
                value.style = self.scalars
        return node


def _hides(config: Any, style: dict[str, Any], scalars: str | None, comment: bool) -> None:
    dumper = type("Dumper", (_Dumper,), {"scalars": scalars})
    text = yaml.dump(config, Dumper=dumper, sort_keys=False, **style)
    if comment:
        text = "".join(f"# {line}" for line in text.splitlines(keepends=True))
    masked = mask(text, {})
    assert "GEHEIM" not in masked, text


_SCALARS = st.sampled_from([None, "'", '"', "|", ">"])


@given(_CONFIGS, _STYLE, _SCALARS, st.booleans())
def test_secrets_are_hidden_in_any_notation(config: Any, style: dict[str, Any], scalars: str, comment: bool) -> None:
    _hides(config, style, scalars, comment)


@pytest.mark.long
@settings(max_examples=5_000)
@given(_CONFIGS, _STYLE, _SCALARS, st.booleans())
def test_secrets_are_hidden_in_any_notation_at_length(
    config: Any, style: dict[str, Any], scalars: str, comment: bool
) -> None:
    _hides(config, style, scalars, comment)
