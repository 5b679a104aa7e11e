"""Token buckets: what is let through, for how long one has to rest, and what is remembered."""

from random import Random

import pytest

from collab.rates import LONGEST, Bucket, Buckets, Rate, network

RATE = Rate(10, 40)


def test_after_a_rest_much_goes_at_once_and_then_as_much_as_flows_in():
    """Forty at once; then ten a second, however they come."""
    bucket = Bucket(RATE)

    assert all(bucket.take(1, 100.0) <= 0 for _ in range(40))
    assert bucket.take(1, 100.0) == pytest.approx(0.1)
    assert bucket.take(1, 100.1) == pytest.approx(0.1)
    assert bucket.take(5, 100.2) == pytest.approx(0.5)
    assert bucket.take(40, 200.0) <= 0


def test_over_any_time_nobody_gets_more_than_the_rate(seed):
    """Who rests as told gets what is there at once, and the rate; never more than one over."""
    random_ = Random(seed)
    bucket, now, taken = Bucket(RATE), 50.0, 0
    while now < 150:
        rest = bucket.take(1, now)
        taken += 1
        now += max(rest, 0) + random_.choice((0, 0, 0, 0.01, 0.5))

    assert taken <= 40 + 10 * (now - 50) + 1


def test_nobody_is_kept_waiting_for_long():
    """What is far too much costs the longest rest, and is forgiven after that."""
    bucket = Bucket(RATE)

    assert bucket.take(1_000_000, 7.0) == pytest.approx(LONGEST)
    assert bucket.wait(0, 7.0 + LONGEST) == pytest.approx(0)


def test_what_is_asked_for_is_not_taken():
    """`wait` says when; only `take` takes."""
    bucket = Bucket(Rate(1, 2))
    assert bucket.wait(2, 0.0) <= 0
    bucket.take(2, 0.0)

    assert 2 * [1.0] == [bucket.wait(1, 0.0), bucket.wait(1, 0.0)]
    assert bucket.wait(1, 1.0) <= 0


def test_each_address_has_a_bucket_of_its_own():
    """Of IPv6 a network has: whoever has one address there has them all."""
    failed = Buckets(Rate(1 / 6, 10))
    for number in range(10):
        failed.take("192.0.2.1", 5.0)
        failed.take(f"2001:db8::{number}", 5.0)

    assert failed.empty("192.0.2.1", 5.0) and failed.empty("2001:db8::ffff", 5.0)
    assert not failed.empty("192.0.2.2", 5.0) and not failed.empty("2001:db8:0:1::1", 5.0)
    assert not failed.empty("192.0.2.1", 11.5)
    assert "2001:db8::/64" == network("2001:db8::1") and "192.0.2.1" == network("192.0.2.1")


def test_many_addresses_are_not_remembered_for_ever():
    """Buckets that are full again go first; whoever has a network of addresses fills no memory."""
    failed = Buckets(Rate(1, 1))
    for number in range(30_000):
        failed.take(f"{number}", number / 1e4)
    assert len(failed._buckets) <= 10_000

    for number in range(30_000):
        failed.take(f"{number}", 1e6)
    assert len(failed._buckets) <= 10_000
