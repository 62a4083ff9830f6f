"""Where endpoints may lie: the rule, its reading of the settings, and the refusal to start."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.residency import EEA, EU, Declared, Endpoint, declare, is_loopback, judge
from config.env import ROOT, database
from config.residency import faults, guard, verdicts


def settings_with(**changed: Any) -> Any:
    """Settings of one laptop, some of them changed."""
    database_url = changed.pop("DATABASE_URL", "postgresql://horae@/horae?host=/run/horae")
    described = {"default": database(database_url, name="DATABASE_URL", application="test")}
    laptop = {
        "BASE_URL": "http://127.0.0.1:8000",
        "DEBUG": False,
        "JURISDICTIONS": ["EU"],
        "RESIDENCY_HOSTS": [],
        "CALENDAR_HOSTS": [],
        "IDENTITY_PROVIDERS": [],
        "DATABASES": described,
        "REDIS_URL": "redis+socket:///run/horae/redis.sock",
        "WORM_URL": "file:///srv/worm",
        "KEYS_URL": "file:///srv/keys.json",
        "FILES_URL": "file:///srv/files",
        "EMAIL_URL": "file:///srv/mail",
        "TSA_URL": "",
    }
    return SimpleNamespace(**{**laptop, **changed})


def test_one_laptop_holds() -> None:
    assert faults(settings_with()) == []


def test_a_real_installation_inside_the_list_holds() -> None:
    real = settings_with(
        BASE_URL="https://book.clinic.example",
        RESIDENCY_HOSTS=["*.clinic.example=FR", "time.example=DE"],
        DATABASE_URL="postgresql://h:p@db.clinic.example/horae?sslmode=verify-full&sslrootcert=system",
        REDIS_URL="rediss://:p@redis.clinic.example:6380/0",
        WORM_URL="s3://evidence?region=eusc-de-east-1",
        KEYS_URL="aws-kms://eusc-de-east-1/alias/horae",
        FILES_URL="s3://files?endpoint=https://store.clinic.example",
        EMAIL_URL="smtp+tls://u:p@mail.clinic.example",
        TSA_URL="https://time.example/tsa",
        CALENDAR_HOSTS=["cal.clinic.example"],
        IDENTITY_PROVIDERS=["https://id.clinic.example"],
    )
    assert faults(real) == []
    assert {verdict.place for verdict in verdicts(real)} == {"FR", "DE"}


@pytest.mark.parametrize(
    ("changed", "setting", "host"),
    [
        ({"DATABASE_URL": "postgresql://db.example.com/h?sslmode=verify-full"}, "DATABASE_URL", "db.example.com"),
        ({"REDIS_URL": "rediss://redis.example.com"}, "REDIS_URL", "redis.example.com"),
        ({"WORM_URL": "s3://evidence?region=us-east-1"}, "WORM_URL", "s3.us-east-1.amazonaws.com"),
        ({"WORM_URL": "s3://evidence"}, "WORM_URL", "s3.region-not-set.amazonaws.com"),
        ({"KEYS_URL": "aws-kms://eu-central-1/key"}, "KEYS_URL", "kms.eu-central-1.amazonaws.com"),
        ({"FILES_URL": "s3://f?endpoint=https://store.example.com"}, "FILES_URL", "store.example.com"),
        ({"EMAIL_URL": "smtps://mail.example.com"}, "EMAIL_URL", "mail.example.com"),
        ({"TSA_URL": "https://time.example.com"}, "TSA_URL", "time.example.com"),
        ({"CALENDAR_HOSTS": ["cal.example.com"]}, "HORAE_CALENDAR_HOSTS", "cal.example.com"),
        ({"IDENTITY_PROVIDERS": ["https://id.example.com"]}, "HORAE_OIDC_URL", "id.example.com"),
    ],
)
def test_an_undeclared_host_is_a_sentence_naming_setting_host_and_remedy(
    changed: dict[str, Any], setting: str, host: str
) -> None:
    (sentence,) = faults(settings_with(**changed))
    assert sentence == (
        f"{setting} names the host {host}, not on the declared list;"
        f" add {host}=<country> to HORAE_HOSTS, or use another."
    )


@pytest.mark.parametrize(
    ("changed", "remedy"),
    [
        ({"DATABASE_URL": "postgresql://a.example/h?sslmode=require"}, "sslmode=verify-full"),
        ({"DATABASE_URL": "postgresql://a.example/h"}, "sslmode=verify-full"),
        (
            {"DATABASE_URL": "postgresql://a.example/h?sslmode=verify-full&ssl_min_protocol_version=TLSv1.1"},
            "sslmode=verify-full",
        ),
        ({"REDIS_URL": "redis://a.example"}, "rediss://"),
        ({"REDIS_URL": "rediss://a.example?ssl_cert_reqs=none"}, "rediss://"),
        ({"EMAIL_URL": "smtp://a.example"}, "smtps://"),
        ({"TSA_URL": "http://a.example"}, "https://"),
        ({"WORM_URL": "s3://b?endpoint=http://a.example"}, "https://"),
    ],
)
def test_a_declared_host_without_verified_tls_is_refused(changed: dict[str, Any], remedy: str) -> None:
    (sentence,) = faults(settings_with(RESIDENCY_HOSTS=["a.example=DE"], **changed))
    assert "without verified TLS" in sentence
    assert remedy in sentence


def test_every_host_of_a_database_cluster_is_judged() -> None:
    url = "postgresql:///h?host=a.example,b.example.com&sslmode=verify-full"
    (sentence,) = faults(settings_with(RESIDENCY_HOSTS=["a.example=DE"], DATABASE_URL=url))
    assert "b.example.com" in sentence


def test_a_place_outside_the_jurisdiction_is_refused_even_when_declared() -> None:
    changed = {"EMAIL_URL": "smtps://mail.example", "RESIDENCY_HOSTS": ["mail.example=NO"]}
    assert "in NO, outside the declared jurisdiction" in faults(settings_with(**changed))[0]
    assert faults(settings_with(JURISDICTIONS=["EEA"], **changed)) == []
    assert faults(settings_with(JURISDICTIONS=["EU", "NO"], **changed)) == []


def test_eu_and_eea_are_kept_apart() -> None:
    assert {"IS", "LI", "NO"} == EEA - EU
    assert len(EU) == 27
    assert "GB" not in EEA
    assert "CH" not in EEA


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"BASE_URL": "https://book.example", "DEBUG": True}, "DEBUG is on"),
        ({"BASE_URL": "http://book.example"}, "without TLS"),
        ({"JURISDICTIONS": ["Europe"]}, "HORAE_JURISDICTION names 'Europe'"),
        ({"RESIDENCY_HOSTS": ["db.example"]}, "write host=country"),
    ],
)
def test_what_else_stops_the_process(changed: dict[str, Any], words: str) -> None:
    assert words in faults(settings_with(**changed))[0]


def test_debug_on_this_machine_is_allowed() -> None:
    assert faults(settings_with(DEBUG=True)) == []


def test_commands_that_report_are_not_stopped() -> None:
    guard(settings_with(TSA_URL="https://time.example.com"), arguments=["manage.py", "residency_check"])


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8}){0,4}", fullmatch=True), st.from_regex(r"[a-z]{1,8}", fullmatch=True))
def test_a_wildcard_holds_below_its_domain_only(domain: str, label: str) -> None:
    declared = declare(jurisdictions=["EU"], hosts=[f"*.{domain}.test=DE"])
    assert declared.place(f"{label}.{domain}.test") == "DE"
    assert declared.place(f"{label}.{domain}.test.".upper()) == "DE"
    assert declared.place(f"{domain}.test") == ""
    assert declared.place(f"{label}{domain}.test") == ""
    assert declared.place(f"{label}.{domain}.test.{label}") == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "a.localhost", ""])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1.example", "localhost.example", "10.0.0.1", "0.0.0.0", "2130706433"])
def test_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


def test_loopback_does_not_hold_where_the_list_leaves_it_out() -> None:
    served_in_public = Declared(countries=EU, loopback=False)
    verdict = judge(Endpoint("calendars", "http", "127.0.0.1", "none"), declared=served_in_public)
    assert not verdict.holds


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of the house's processes with the environment changed."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("manage.py", "migrate"),
        ("-c", "import config.wsgi"),
        ("-m", "celery", "-A", "config", "worker", "--pool", "solo"),
        ("-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"),
    ],
)
def test_every_process_refuses_to_start_with_one_sentence(command: tuple[str, ...]) -> None:
    refused = run(*command, TSA_URL="https://time.example.com", PORT="0")
    assert refused.returncode != 0
    said = [line for line in refused.stderr.splitlines() if "does not start" in line]
    expected = (
        "Horae does not start: TSA_URL names the host time.example.com, not on the declared list;"
        " add time.example.com=<country> to HORAE_HOSTS, or use another."
    )
    assert said == [expected]
    assert "Traceback" not in refused.stderr


def test_the_reviewers_table_names_what_does_not_hold() -> None:
    refused = run("manage.py", "residency_check", TSA_URL="https://time.example.com")
    assert refused.returncode == 1
    assert "TSA_URL" in refused.stdout
    assert "REFUSED" in refused.stdout


def test_the_reviewers_table_as_json() -> None:
    held = run("manage.py", "residency_check", "--json")
    assert held.returncode == 0
    table = json.loads(held.stdout)
    assert table["holds"] is True
    assert {row["setting"] for row in table["endpoints"]} == {
        "DATABASE_URL",
        "REDIS_URL",
        "WORM_URL",
        "KEYS_URL",
        "FILES_URL",
        "EMAIL_URL",
    }


def test_the_system_check_reports_the_same() -> None:
    checked = run("manage.py", "check", "--tag", "residency", TSA_URL="https://time.example.com")
    assert checked.returncode == 1
    assert "(horae.E101) TSA_URL names the host time.example.com" in checked.stderr
