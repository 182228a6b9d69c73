# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Agent's files: what is rendered is read back the same, secrets do not show, nobody sees half a file."""

from __future__ import annotations

import os
import stat
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils import datadog_files
from hypothesis import given, settings
from hypothesis import strategies as st

API_KEY = "0123456789abcdef" * 2
APP_KEY = "0123456789abcdef01234567" + "89abcdef01234567"

WHO = {"owner": "me", "group": "me", "mode": "0640"}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    [
        "yes",
        "12e4",
        "0x1f",
        "1_000",
        "~",
        "null",
        "2026-11-24",
        "- a",
        "a: b",
        "#",
        "{{ x }}",
        "%",
        "é",
        "\u2028",
        "\x85",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


class TestRendering:
    @given(VALUES)
    def test_reads_back_the_same(self, value: Any) -> None:
        assert yaml.safe_load(datadog_files.to_yaml(value)) == value

    @pytest.mark.long
    @settings(max_examples=10_000)
    @given(VALUES)
    def test_reads_back_the_same_at_length(self, value: Any) -> None:
        assert yaml.safe_load(datadog_files.to_yaml(value)) == value

    @pytest.mark.parametrize(
        "key", ["yes", "No", "on", "null", "y", "1", "1.5", "a b", "a: b", "#a", "", "é", "\U0001f436"]
    )
    def test_keys_stay_strings(self, key: str) -> None:
        assert yaml.safe_load(datadog_files.to_yaml({key: 1})) == {key: 1}

    @pytest.mark.parametrize("text", ["12e4", "0123456789", "1:30", "true", API_KEY, "ENC[api_key]"])
    def test_strings_are_quoted_for_every_parser(self, text: str) -> None:
        assert datadog_files.to_yaml({"api_key": text}) == f'api_key: "{text}"\n'

    @pytest.mark.parametrize("value", [1e20, 1e-7, -2.5e300])
    def test_large_and_small_numbers_stay_numbers(self, value: float) -> None:
        assert yaml.safe_load(datadog_files.to_yaml({"a": value})) == {"a": value}

    @pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), float("nan"), float("inf")])
    def test_refuses_what_yaml_has_no_plain_form_for(self, value: Any) -> None:
        with pytest.raises((TypeError, ValueError)):
            datadog_files.to_yaml({"a": [value]})


class TestSecretPlaces:
    @pytest.mark.parametrize(
        ("config", "path", "expected"),
        [
            ({"site": "s"}, "api_key", {"site": "s", "api_key": "S"}),
            ({}, "proxy.https", {"proxy": {"https": "S"}}),
            ({"instances": [{"host": "h"}]}, "instances.0.password", {"instances": [{"host": "h", "password": "S"}]}),
            ({"urls": ["a", "b"]}, "urls.1", {"urls": ["a", "S"]}),
        ],
    )
    def test_puts_a_secret_in_its_place(self, config: dict, path: str, expected: dict) -> None:
        before = repr(config)
        assert datadog_files.merge_secrets(config, {path: "S"}) == expected
        assert repr(config) == before

    @pytest.mark.parametrize(
        "path", ["instances.1.password", "instances.x.password", "site.key", "instances.9", "none.a"]
    )
    def test_names_the_path_and_not_the_value(self, path: str) -> None:
        config = {"instances": [{}], "site": "s", "none": None}
        with pytest.raises(ValueError, match=path) as caught:
            datadog_files.merge_secrets(config, {path: "tell-nobody"})
        assert "tell-nobody" not in str(caught.value)


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
    def test_hides_the_values_of_telling_names(self, line: str) -> None:
        masked = datadog_files.mask(f"site: a\n{line}\nenv: lab\n", {})
        assert "geheim" not in masked
        assert masked.startswith("site: a\n")
        assert masked.endswith("env: lab\n")

    @pytest.mark.parametrize("key", [API_KEY, APP_KEY])
    @pytest.mark.parametrize("form", ["x: {}", "# once it was {}", '- "{}"', "dd_url: https://x/?k={}&b=1"])
    def test_hides_whatever_looks_like_a_key(self, form: str, key: str) -> None:
        assert key not in datadog_files.mask(form.format(key), {})

    def test_hides_given_values_wherever_they_stand(self) -> None:
        masked = datadog_files.mask('a: "geheim\\"1"\nb: geheim"1\n', {"x.y": 'geheim"1'})
        assert "geheim" not in masked

    @given(
        st.text(min_size=6, max_size=30).filter(lambda text: text.strip() and not set(text) <= set('* "changed()\\n'))
    )
    def test_no_rendered_secret_shows(self, secret: str) -> None:
        text = datadog_files.render({"plain_name": "x", "site": "s"}, {"plain_name": secret})
        masked = datadog_files.mask(text, {"plain_name": secret})
        assert yaml.safe_load(masked) == {"plain_name": datadog_files.HIDDEN, "site": "s"}

    @pytest.mark.parametrize("line", ["api_key: ENC[api_key]\n", 'password: "ENC[db/datadog]"\n'])
    def test_shows_handles(self, line: str) -> None:
        assert datadog_files.mask(line, {"api_key": "ENC[api_key]"}) == line

    @pytest.mark.parametrize(
        "line", ["tags:\n", "tokens_per_second:\n", "hostname: web1\n", "uuid: " + "a1" * 15 + "\n"]
    )
    def test_leaves_other_lines_alone(self, line: str) -> None:
        assert datadog_files.mask(line, {}) == line

    def test_diff_shows_that_a_secret_changed_and_not_what_it_was(self) -> None:
        before, after = (datadog_files.render({"site": "s"}, {"api_key": key}) for key in (API_KEY, API_KEY[::-1]))
        diff = datadog_files.masked_diff("/x", before, after, {"api_key": API_KEY[::-1]})
        assert diff["before"] != diff["after"]
        assert "(changed)" in diff["after"]
        assert API_KEY not in str(diff)
        assert API_KEY[::-1] not in str(diff)

    def test_diff_marks_only_the_secret_that_changed(self) -> None:
        config = {"instances": [{"host": "a"}, {"host": "b"}]}
        kept, old, new = (
            {f"instances.{number}.password": text} for number, text in ((0, "k-1"), (1, "o-1"), (1, "n-1"))
        )
        before = datadog_files.render({**config, "env": "lab"}, kept | old)
        after = datadog_files.render({**config, "env": "prod"}, kept | new)
        diff = datadog_files.masked_diff("/x", before, after, kept | new)
        assert "prod" in diff["after"]
        assert [line for line in diff["after"].splitlines() if "(changed)" in line] == [
            '    password: "******** (changed)"'
        ]
        assert diff["after"].count("password") == 2

    @pytest.mark.parametrize("quote", ["", "'"])
    def test_diff_takes_a_secret_in_other_quotes_for_the_same(self, quote: str) -> None:
        before = f"# Ansible managed\napi_key: {quote}{API_KEY}{quote}\nsite: datadoghq.com\n"
        after = datadog_files.render({"site": "datadoghq.com"}, {"api_key": API_KEY})
        assert "(changed)" not in datadog_files.masked_diff("/x", before, after, {"api_key": API_KEY})["after"]

    def test_diff_of_the_same_is_none(self) -> None:
        text = datadog_files.render({}, {"api_key": API_KEY})
        diff = datadog_files.masked_diff("/x", text, text, {"api_key": API_KEY})
        assert diff["before"] == diff["after"]


class TestWriting:
    @pytest.fixture
    def module(self) -> SimpleNamespace:
        """What ensure_file needs of AnsibleModule, with the modes that files had on their way."""
        seen: list[tuple[str, int, bytes]] = []

        def set_attributes(wanted: dict[str, Any], changed: bool) -> bool:
            path, mode = wanted["path"], int(wanted["mode"], 8)
            now = stat.S_IMODE(os.stat(path).st_mode)
            seen.append((path, now, _content(path)))
            os.chmod(path, mode)
            return changed or now != mode

        return SimpleNamespace(
            check_mode=False,
            seen=seen,
            load_file_common_arguments=lambda arguments, path: arguments,
            set_fs_attributes_if_different=set_attributes,
        )

    def test_is_complete_and_private_before_it_takes_its_place(self, module, tmp_path) -> None:
        path = tmp_path / "datadog.yaml"
        assert datadog_files.ensure_file(module, str(path), "a: é\n", **WHO)
        [(aside, mode, content)] = module.seen
        assert (mode, content) == (0o600, "a: é\n".encode())
        assert aside != str(path)
        assert os.path.dirname(aside) == str(tmp_path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert os.listdir(tmp_path) == ["datadog.yaml"]

    def test_second_time_changes_nothing(self, module, tmp_path) -> None:
        path = tmp_path / "f"
        datadog_files.ensure_file(module, str(path), "a\n", **WHO)
        before = path.stat()
        assert not datadog_files.ensure_file(module, str(path), "a\n", **WHO)
        assert path.stat().st_ino == before.st_ino
        path.chmod(0o644)
        assert datadog_files.ensure_file(module, str(path), "a\n", **WHO)

    def test_check_mode_changes_nothing(self, module, tmp_path) -> None:
        module.check_mode = True
        assert datadog_files.ensure_file(module, str(tmp_path / "f"), "a\n", **WHO)
        assert datadog_files.ensure_folder(module, str(tmp_path / "d"), **WHO)
        assert os.listdir(tmp_path) == []

    def test_failure_on_the_way_leaves_the_old_file(self, module, tmp_path, monkeypatch) -> None:
        path = tmp_path / "f"
        path.write_text("old\n")

        def refuse(*_args: Any) -> None:
            raise OSError("no such owner")

        module.set_fs_attributes_if_different = refuse
        with pytest.raises(OSError, match="no such owner"):
            datadog_files.ensure_file(module, str(path), "new\n", **WHO)
        assert path.read_text() == "old\n"
        assert os.listdir(tmp_path) == ["f"]


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def test_what_stood_in_the_place_of_a_secret_is_hidden_too():
    before = 'instances:\n  - community: "the-old-one"\n    port: 161\n'
    diff = datadog_files.masked_diff("x", before, "", {"instances.0.community": "the-new-one"})
    assert "the-old-one" not in diff["before"]
    assert "161" in diff["before"]


def test_a_secret_may_be_a_mapping():
    secrets = {"additional_endpoints": {"https://app.datadoghq.eu": ["second-key"]}}
    text = datadog_files.render({}, secrets)
    assert yaml.safe_load(text) == secrets
    assert "second-key" not in datadog_files.mask(text, secrets)


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ({"options": {"password": "x"}}, ["options.password"]),
        ({"proxy": {"https": "http://u:p@h:1"}}, ["proxy.https"]),
        ({"additional_endpoints": {"u": ["0123456789abcdef0123456789abcdef"]}}, ["additional_endpoints.u.0"]),
        ({"secret_backend_command": "x", "tls_private_key": "/etc/key.pem", "api_key": "ENC[a]"}, []),
    ],
)
def test_places_of_secrets_are_found(config, places):
    assert datadog_files.secret_places(config) == places
