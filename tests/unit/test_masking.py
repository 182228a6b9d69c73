# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is shown of files: secrets do not show, and all else does."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils import masking
from ansible_collections.kennel.fleet.plugins.module_utils.datadog_files import render
from hypothesis import given
from hypothesis import strategies as st

API_KEY = "0123456789abcdef" * 2
APP_KEY = "0123456789abcdef01234567" + "89abcdef01234567"


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
        masked = masking.mask(f"site: a\n{line}\nenv: lab\n", {})
        assert "geheim" not in masked
        assert masked.startswith("site: a\n")
        assert masked.endswith("env: lab\n")

    @pytest.mark.parametrize("key", [API_KEY, APP_KEY])
    @pytest.mark.parametrize("form", ["x: {}", "# once it was {}", '- "{}"', "dd_url: https://x/?k={}&b=1"])
    def test_hides_whatever_looks_like_a_key(self, form: str, key: str) -> None:
        assert key not in masking.mask(form.format(key), {})

    def test_hides_given_values_wherever_they_stand(self) -> None:
        masked = masking.mask('a: "geheim\\"1"\nb: geheim"1\n', {"x.y": 'geheim"1'})
        assert "geheim" not in masked

    @given(
        st.text(min_size=6, max_size=30).filter(lambda text: text.strip() and not set(text) <= set('* "changed()\\n'))
    )
    def test_no_rendered_secret_shows(self, secret: str) -> None:
        text = render({"plain_name": "x", "site": "s"}, {"plain_name": secret})
        masked = masking.mask(text, {"plain_name": secret})
        assert yaml.safe_load(masked) == {"plain_name": masking.HIDDEN, "site": "s"}

    @pytest.mark.parametrize("line", ["api_key: ENC[api_key]\n", 'password: "ENC[db/datadog]"\n'])
    def test_shows_handles(self, line: str) -> None:
        assert masking.mask(line, {"api_key": "ENC[api_key]"}) == line

    @pytest.mark.parametrize(
        "line", ["tags:\n", "tokens_per_second:\n", "hostname: web1\n", "uuid: " + "a1" * 15 + "\n"]
    )
    def test_leaves_other_lines_alone(self, line: str) -> None:
        assert masking.mask(line, {}) == line

    def test_diff_shows_that_a_secret_changed_and_not_what_it_was(self) -> None:
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
    def test_diff_takes_a_secret_in_other_quotes_for_the_same(self, quote: str) -> None:
        before = f"# Ansible managed\napi_key: {quote}{API_KEY}{quote}\nsite: datadoghq.com\n"
        after = render({"site": "datadoghq.com"}, {"api_key": API_KEY})
        assert "(changed)" not in masking.masked_diff("/x", before, after, {"api_key": API_KEY})["after"]

    def test_diff_of_the_same_is_none(self) -> None:
        text = render({}, {"api_key": API_KEY})
        diff = masking.masked_diff("/x", text, text, {"api_key": API_KEY})
        assert diff["before"] == diff["after"]


def test_what_stood_in_the_place_of_a_secret_is_hidden_too():
    before = 'instances:\n  - community: "the-old-one"\n    port: 161\n'
    diff = masking.masked_diff("x", before, "", {"instances.0.community": "the-new-one"})
    assert "the-old-one" not in diff["before"]
    assert "161" in diff["before"]


def test_a_secret_may_be_a_mapping():
    secrets = {"additional_endpoints": {"https://app.datadoghq.eu": ["second-key"]}}
    text = render({}, secrets)
    assert yaml.safe_load(text) == secrets
    assert "second-key" not in masking.mask(text, secrets)
