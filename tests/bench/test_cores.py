"""Processor time, read from Linux."""

import os

from tests.bench.cores import Meter, between


def test_what_this_process_works_is_counted_as_the_clients_and_in_its_session() -> None:
    meter = Meter({"tests": os.getsid(0)}, postmaster=-1)
    before = meter.read()
    while between(before, meter.read())["clients"] < 0.05:
        pass
    used = between(before, meter.read())
    assert used["tests"] >= 0.04
    assert used["PostgreSQL"] == 0


def test_a_server_without_a_process_uses_nothing() -> None:
    assert Meter({"gone": 1 << 30}, postmaster=-1).read()["gone"] == 0
