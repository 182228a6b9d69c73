# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings that contain secrets. The names are those of the Agent and its integrations."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import (
    is_hidden_name,
    is_secret,
    public_address,
    public_text,
    secret_places,
)

KEY = "0123456789abcdef" * 2

SECRET_NAMES = re.findall(
    r"\S+",
    """
    api_key apikey api-key apiKey API_KEY DD_API_KEY X-API-Key x-api-key dd-api-key octo_api_key scamalytics_api_key
    app_key appkey application_key app-key dd_app_key X-Vtex-Api-AppKey api_keys
    password passwd pass pwd pswd db_pass DB_PASSWORD mysql_password passphrase key_store_password private_key_password
    tls_private_key_password sasl_plain_password requirepass X-Sonar-Passcode password_prod password2
    token auth_token access_token accesstoken acl_token api_token apitoken client_token X-Auth-Token X-Vault-Token
    private-token session_token kong-admin-token jwt my_jwt token_id bearer
    secret client_secret access_secret cl_secret secret_id client_secret_id X-Api-Secret secret_key secret_access_key
    credentials creds
    auth basic_auth proxy_auth X-Auth X-Stratum-Auth auth_data lodauth auth-tenantid authority Authorization
    authorization Proxy-Authorization Cookie Set-Cookie cookies
    community community_string community_strings snmp_community authKey authkey auth_key authentication_key privKey
    priv_key privacy_key privKeyV3
    license_key licenseKey access_key aws_access_key private_key ssl_private_key consumer_key signing_key encryption_key
    shared_key account_key master_key statuskey sec-websocket-key X-Functions-Key X-RapidAPI-Key X-PM-Partner-Key
    x-octopus-apikey
    connection_string connectionString conn_str dsn SENTRY_DSN webhook webhook_url webhook_urls slack_webhook_url
""",
)

OTHER_NAMES = re.findall(
    r"\S+",
    """
    host port user username url site tags hostname key keys keyspaces public_key primary_key routing_key aggregation_key
    warn_on_missing_keys flare_stripped_keys tag_key sslkeylogfile keystone_server_url ssl_key_repository_location
    api_key_validation_interval forwarder_apikey_validation_interval api_keys_file password_file password_path
    password_hashed passwords_file secretfile key_store_path
    token_path token_file auth_token_file_path bearer_token_path client_token_path bearer_token_refresh_interval
    ec2_metadata_token_lifetime token_name token_url token_endpoint access_token_ttl tokens_per_second tokenizer
    secret_backend_command secret_backend_arguments secret_backend_timeout secret_backend_type secret_refresh_interval
    secret_audit_file_max_size secret_name secret_arn private_key_path private_key_file private_key_type
    credentials_file credentials_path credential_source
    auth_type authtype auth_mechanism auth_protocol authProtocol privProtocol auth_scope auth_url auth_method
    authenticator authentication authorization_endpoint managed_authentication security_protocol sasl_mechanism
    access_key_id access_id client_id customer_id account community_id cookie_name cookie_domain
    passive_checks_events bypass compass passthrough pass_through encompass
    connection_timeout connection_name connection_scheme collect_connection_state kafka_connect_str connection_strategy
    webhook_port webhook_timeout dsn_name skip_ssl_validation
""",
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secrets_are_recognised_by_name(name: str) -> None:
    assert is_hidden_name(name)
    assert secret_places({"instances": [{name: "geheim-1"}]}) == [f"instances.0.{name}"]


@pytest.mark.parametrize("name", ["password", "pwd", "pass", "auth", "token", "client_secret", "community", "Cookie"])
@pytest.mark.parametrize("value", [12345, 0, 1.5, "/Ab3/yz==", "./x.pem", " "])
def test_password_can_look_like_a_number_or_a_path(name: str, value: Any) -> None:
    assert secret_places({name: value}) == ([name] if str(value).strip() else [])


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_settings_about_secrets_are_not_secrets(name: str) -> None:
    assert secret_places({name: "something"}) == []


@pytest.mark.parametrize(
    "value", [None, True, False, "", "true", "False", "yes", "no", "none", "ENC[handle]", "%%env_TOKEN%%", {}, []]
)
@pytest.mark.parametrize("name", ["password", "use_token", "api_key", "auth"])
def test_empty_values_and_handles_are_not_secrets(name: str, value: Any) -> None:
    assert secret_places({name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("pwd", 12345, True),
        ("community", 1, True),
        ("password", 0, True),
        ("pin_token", 1.5, True),
        ("max_tokens", 4096, False),
        ("max_tokens", "4096", False),
        ("use_token", True, False),
        # A handle must be the whole value.
        ("password", "ENC[a] and more", True),
        ("auth", "basic", False),
        ("auth_type", "basic", False),
        ("kerberos_auth", "required", False),
        ("bearer_token_auth", "tls_only", False),
        ("auth", "me:geheim", True),
        ("tls_private_key", "/etc/key.pem", False),
        ("ssl_private_key", "certs/client.key", False),
        ("client_key", r"C:\keys\client.pem", False),
        ("credentials", "/etc/google.json", False),
        ("api_key", "abc/def", True),
        ("tls_private_key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", True),
        ("data", "-----BEGIN PRIVATE KEY-----\nMIIE", True),
        ("ca_cert", "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----", False),
        ("x", KEY, True),
        ("x", KEY.upper(), True),
        ("x", KEY + "01234567", True),
        ("x", "ddapp_" + "aB3_" * 8 + "xy", True),
        ("git_commit", KEY + "01234567", False),
        ("DD_GIT_COMMIT_SHA", KEY + "01234567", False),
        ("checksum", KEY, False),
        ("tags", f"git.commit.sha:{KEY}01234567", False),
        ("url", "https://me:geheim@db1/x", True),
        ("url", "redis://:geheim@cache:6379", True),
        ("url", "https://me:ge@heim@db1/x", True),
        ("url", "https://me:12345@db1", True),
        ("url", "https://glpat-0123456789abcdefgh@git/x", True),
        ("url", "https://me@db1:8080/x", False),
        ("url", "http://db1:8080/a@b", False),
        ("url", "https://%%env_U%%:%%env_P%%@db1", False),
        ("url", "http://db1/stats?token=geheim", True),
        ("url", "http://db1/stats?a=1&api_key=geheim", True),
        ("url", "http://db1/stats?access-token=geheim&b=2", True),
        ("url", "http://db1/stats?key=AIzaSyGeheim123", True),
        ("url", "https://blob/x?sv=1&sig=abcDEF%2B123", True),
        ("url", "http://db1/stats?token=%%env_TOKEN%%", False),
        ("url", "http://db1/stats?auto&page=2", False),
        ("server", "Server=db1;Uid=me;Pwd=geheim;", True),
        ("java_options", "-Djavax.net.ssl.keyStorePassword=geheim", True),
        ("java_options", "-Xmx200m -Dcom.sun.management.jmxremote.password.file=/etc/jmx", False),
        ("sasl_jaas_config", 'PlainLoginModule required username="me" password="geheim";', True),
        ("ceph_cmd", "/usr/bin/ceph --token geheim", True),
        ("ceph_cmd", "/usr/bin/ceph --user admin", False),
        ("header", "Authorization: Bearer abc123def", True),
        ("header", "Bearer eyJhbGciOi", True),
        ("note", "it uses basic authentication and a bearer token", False),
        ("x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP", True),
        ("pattern", r"password=\w+", False),
        ("replace_placeholder", "password=[masked]", False),
        ("query", "SELECT count(*) FROM users WHERE password = 'x'", False),
        ("query", "postgres://me:geheim@db1", True),
    ],
)
def test_secrets_are_recognised_by_value(name: str, value: Any, secret: bool) -> None:
    assert is_secret(name, value) is secret


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ({"options": {"password": "x"}}, ["options.password"]),
        ({"proxy": {"https": "http://u:p@h:1"}}, ["proxy.https"]),
        ({"additional_endpoints": {"u": [KEY, "short"]}}, ["additional_endpoints.u.0", "additional_endpoints.u.1"]),
        (
            {"logs_config": {"additional_endpoints": [{"api_key": "x", "host": "h", "port": 1}]}},
            ["logs_config.additional_endpoints.0.api_key"],
        ),
        ({"secret_backend_command": "x", "tls_private_key": "/etc/key.pem", "api_key": "ENC[a]"}, []),
        ({"community_strings": ["a", "b"]}, ["community_strings.0", "community_strings.1"]),
        ({"tokens": {"one": "a", "two": ["b"]}}, ["tokens.one", "tokens.two.0"]),
        ({"credentials": {"username": "me", "password": "x"}}, ["credentials.password"]),
        # The place of a token, in the form that integrations accept.
        (
            {
                "auth_token": {
                    "reader": {"type": "file", "path": "/t"},
                    "writer": {"type": "header", "name": "Authorization", "value": "Bearer <TOKEN>"},
                }
            },
            [],
        ),
        ({"auth_token": {"reader": {"type": "oauth", "client_secret": "x"}}}, ["auth_token.reader.client_secret"]),
        (
            {"headers": {"Authorization": "x", "X-API-Key": "y", "Host": "z"}},
            ["headers.Authorization", "headers.X-API-Key"],
        ),
        ({"rpc_header": ["authorization: x", "accept: y"]}, ["rpc_header.0"]),
        (
            {"users": [{"user": "u", "authKey": "a", "authProtocol": "SHA", "privKey": "b", "privProtocol": "AES"}]},
            ["users.0.authKey", "users.0.privKey"],
        ),
        ({"process_config": {"custom_sensitive_words": ["personal_key", "*token", "sql*"]}}, []),
        ({"logs": [{"log_processing_rules": [{"type": "mask_sequences", "pattern": "token=\\w+"}]}]}, []),
        ({"tags": ["token:abc", "pass:me"]}, []),
    ],
)
def test_places_of_secrets_are_found(config: dict[str, Any], places: list[str]) -> None:
    assert secret_places(config) == places


@pytest.mark.parametrize(
    "text",
    [
        "The key https://me:geheim@keys.example.com/a.public cannot be had: HTTP Error 404: Not Found",
        "https://me:ge@heim@keys.example.com/a, https://me:geheim@b/c and https://glpat-geheim0123456789@git/x",
        "GET https://api.example.com/api/v1/validate?api_key=geheim&x=1: 403",
        "Max retries exceeded with url: /x?token=geheim (Caused by ProxyError('http://me:geheim@proxy:3128'))",
        'the answer is {"api_key": "geheim", "errors": []}',
        "sent Authorization: Bearer geheim",
        "curl -H 'X-API-Key: geheim' https://example.com/",
        "Can't connect to mysql://me:geheim@db1:3306/shop",
    ],
)
def test_credentials_are_removed_from_messages(text: str) -> None:
    said = public_text(text)
    assert "geheim" not in said
    for words in ("keys.example.com/a", "404: Not Found", "api.example.com/api/v1/validate?", "proxy:3128", "db1:3306"):
        assert words not in text or words in said


@pytest.mark.parametrize(
    "text",
    [
        "https://keys.example.com/a.public cannot be had: HTTP Error 404: Not Found",
        "The value provided for parameter 'query' is invalid",
        "Invalid API key. Check datadog_api_key and datadog_app_key, and that they belong to datadog_site.",
        "API key required",
        "unable to read authentication token file: open /etc/datadog-agent/auth_token: no such file or directory",
        "Access denied for user 'datadog'@'localhost' (using password: YES)",
        "[Errno 111] Connection refused; rate limit monitor_list; timed out (connect timeout=30.0)",
    ],
)
def test_message_without_credentials_is_unchanged(text: str) -> None:
    assert public_text(text) == text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://me:geheim@api.example.com", "https://api.example.com"),
        ("https://me@api.example.com:8443/x", "https://api.example.com:8443/x"),
        ("me:geheim@api.example.com/x", "api.example.com/x"),
        ("htps:/me:geheim@api.example.com", "api.example.com"),
        ("https://api.example.com/a?token=geheim", "https://api.example.com/a?token=********"),
        ("", ""),
        ("5", "5"),
    ],
)
def test_credentials_are_removed_from_urls(address: str, said: str) -> None:
    assert "geheim" not in public_address(address)
    assert public_address(address) == said
