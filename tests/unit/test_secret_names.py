# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which settings hold secrets."""

from __future__ import annotations

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils.secret_names import secret_places


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
    assert secret_places(config) == places
