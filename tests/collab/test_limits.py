"""Hits of limits: all are counted, few are told."""

import logging

import pytest

from collab.limits import Hits


@pytest.mark.expects_log("limit (size|rate) was hit")
def test_a_limit_is_told_once_a_second_for_each_address(caplog: pytest.LogCaptureFixture) -> None:
    """An attacker fills neither the disk nor hides another one; the counts are complete."""
    hits = Hits()
    with caplog.at_level(logging.WARNING):
        for now in (5.0, 5.1, 5.9, 6.1):
            hits.note("size", "192.0.2.1", now)
        hits.note("size", "192.0.2.2", 6.2, ": is that a proxy?")
        hits.note("rate", "192.0.2.1", 6.2)
        hits.note("rate", "", 6.2)
    assert {"size": 5, "rate": 2} == hits
    assert [
        "limit size was hit by 192.0.2.1",
        "limit size was hit by 192.0.2.1",
        "limit size was hit by 192.0.2.2: is that a proxy?",
        "limit rate was hit by 192.0.2.1",
        "limit rate was hit by this program",
    ] == caplog.messages


@pytest.mark.expects_log("limit size was hit")
def test_many_addresses_are_not_remembered_for_ever() -> None:
    """Whoever has a network of addresses cannot fill the memory with them."""
    hits = Hits()
    for number in range(3_000):
        hits.note("size", f"2001:db8::{number:x}", 1.0)
    assert 3_000 == hits["size"]
    assert len(hits._told) <= 1_000
