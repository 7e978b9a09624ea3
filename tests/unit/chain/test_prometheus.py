"""The text format, held against what its specification shows."""

from __future__ import annotations

from proofplane.chain.prometheus import Counter, Gauge, Histogram, text


def test_counters_and_gauges_are_one_line_each() -> None:
    counter, gauge = Counter("blocks_total", "Blocks"), Gauge("head", "Head")
    counter.add(1)
    counter.add(2)
    gauge.set(5)
    gauge.set(4.5)
    assert text([counter, gauge]).splitlines() == [
        "# HELP blocks_total Blocks",
        "# TYPE blocks_total counter",
        "blocks_total 3",
        "# HELP head Head",
        "# TYPE head gauge",
        "head 4.5",
    ]


def test_buckets_of_a_histogram_are_inclusive_and_cumulative() -> None:
    histogram = Histogram("seconds", "Time", (0.5, 1, 2))
    for value in (0.25, 0.5, 1.5, 8):
        histogram.observe(value)
    assert text([histogram]).splitlines()[2:] == [
        'seconds_bucket{le="0.5"} 2',
        'seconds_bucket{le="1"} 2',
        'seconds_bucket{le="2"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 10.25",
        "seconds_count 4",
    ]


def test_the_text_ends_with_a_line_feed() -> None:
    assert text([Gauge("head", "Head")]).endswith("head 0\n")
