"""Traces and counts, with what it finds by entry points."""

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource, get_aggregated_resources
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._importlib_metadata import entry_points


def use() -> object:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": "wide"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    carrier = {}
    with trace.get_tracer("x").start_as_current_span("outer") as span:
        span.set_attribute("a", 1)
        propagate.inject(carrier)
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    metrics.get_meter("x").create_counter("c").add(3)
    metric = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0]
    names = sorted(one.name for one in entry_points(group="opentelemetry_traces_exporter"))
    get_aggregated_resources([OTELResourceDetector()])
    return [
        [one.name for one in kept.get_finished_spans()],
        sorted(carrier),
        metric.data.data_points[0].value,
        names,
        type(context.get_current()).__name__,
    ]
