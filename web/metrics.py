"""`/metrics`: what happens in this process, as numbers that Prometheus reads. Knows the hub.

Everything is read off the hub when somebody asks. No name, no user and no content is in it: labels
are codes, and names that stand in our own source.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from collab import Hub
from collab.counts import BOUNDS, Times
from collab.web.api import ApiHandler


class HubCollector(Collector):
    """The numbers of one hub, as they are now."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("quire", "This server.", {"version": version("quire")})
        yield from self.editing()
        yield from self.saving()
        yield from self.working()
        yield from self.answering()

    def editing(self) -> Iterator[Metric]:
        counts, rooms = self.hub.counts, self.hub.rooms.values()
        sessions = [session for room in rooms for session in room.sessions]
        yield GaugeMetricFamily("quire_documents", "Documents that are open.", len(rooms))
        yield GaugeMetricFamily("quire_editors", "Sessions in them.", len(sessions))
        bytes_in = counts.bytes_in + sum(session.bytes_in for session in sessions)
        bytes_out = counts.bytes_out + sum(session.bytes_out for session in sessions)
        yield CounterMetricFamily("quire_received_bytes", "Of editors' messages.", bytes_in)
        yield CounterMetricFamily("quire_sent_bytes", "Of messages to editors.", bytes_out)

    def saving(self) -> Iterator[Metric]:
        writer, rooms = self.hub.writer, self.hub.rooms.values()
        waiting = sum(len(room.pending) + len(room.writing) for room in rooms)
        yield CounterMetricFamily("quire_edits", "Edits that came to disk.", writer.edits)
        yield _histogram("quire_commit_seconds", "Writing edits, all together.", writer.commits)
        yield GaugeMetricFamily("quire_waiting_edits", "Edits that are not on disk yet.", waiting)
        yield GaugeMetricFamily("quire_waiting_bytes", "Their bytes.", writer.backlog)
        yield GaugeMetricFamily("quire_saving", "1 while edits come to disk.", writer.saving)

    def working(self) -> Iterator[Metric]:
        hub = self.hub
        engines = (hub.engine, hub.archive.engine, hub.editing, hub.mirrors)
        jobs = sum((engine.jobs for engine in engines), Counter[str]())
        deaths = sum(engine.deaths for engine in engines)
        yield _counter("quire_worker_jobs", "What workers were asked to do.", "job", jobs)
        yield CounterMetricFamily("quire_worker_deaths", "Workers that died or dawdled.", deaths)
        yield _histogram(
            "quire_loop_delay_seconds", "The event loop, late.", self.hub.counts.delays
        )

    def answering(self) -> Iterator[Metric]:
        counts = self.hub.counts
        classes: dict[str, int] = {}
        for status, times in counts.answers.items():
            label = f"{status // 100}xx"
            classes[label] = classes.get(label, 0) + times
        yield _counter("quire_http_requests", "By class of their status.", "status", classes)
        yield _counter("quire_refused", "Connections ended by us.", "code", counts.refused)
        yield _counter("quire_limit_hits", "How often.", "limit", self.hub.limits_hit)


class MetricsHandler(ApiHandler):
    """`/metrics`: in Prometheus' text format."""

    def get(self) -> None:
        registry = CollectorRegistry()
        registry.register(HubCollector(self.hub))
        ProcessCollector(registry=registry)
        self.set_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.finish(generate_latest(registry))


HANDLERS: dict[str, type[ApiHandler]] = {r"/metrics": MetricsHandler}


def _counter(
    name: str, does: str, label: str, counts: Mapping[str, int] | Mapping[int, int]
) -> Metric:
    family = CounterMetricFamily(name, does, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([str(value)], count)
    return family


def _histogram(name: str, does: str, times: Times) -> Metric:
    bounds = [*map(str, BOUNDS), "+Inf"]
    buckets = list(zip(bounds, accumulate(times.counts), strict=True))
    return HistogramMetricFamily(name, does, buckets=buckets, sum_value=times.total)
