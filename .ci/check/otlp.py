"""What --otlp sends is OTLP: read by OpenTelemetry's own messages, which refuse a field they do not know, and equal to the rows."""
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow.parquet as parquet
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from metron import close, run

TAKEN = {"/v1/traces": [], "/v1/metrics": []}


class Collector(BaseHTTPRequestHandler):
    def do_POST(self):
        TAKEN[self.path].append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def value(attribute):
    return getattr(attribute.value, attribute.value.WhichOneof("value"))


collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
folder, summary = run(
    sys.argv[1], "--url", "sim:fixed?ttft=30ms&tbt=5ms&tokens=16&fault=503:10%", "--requests", "200",
    "--otlp", f"http://127.0.0.1:{collector.server_port}",
)
rows = {row["id"]: row for row in parquet.read_table(folder / "requests.parquet").to_pylist()}
spans = [
    span
    for message in TAKEN["/v1/traces"]
    for resource in json_format.Parse(message, ExportTraceServiceRequest()).resource_spans
    for scope in resource.scope_spans
    for span in scope.spans
]
assert len(spans) == len(rows) == summary["telemetry"]["spans"] == 200, (len(spans), len(rows), summary["telemetry"])
for span in spans:
    attributes = {attribute.key: value(attribute) for attribute in span.attributes}
    row = rows[attributes["metron.request.id"]]
    assert span.end_time_unix_nano - span.start_time_unix_nano == row["finished_ns"] - row["dispatched_ns"], row["id"]
    assert (span.status.code == 2) == (row["error_class"] is not None), row["id"]
    assert attributes.get("error.type") == row["error_class"], row["id"]
    assert attributes.get("metron.deadlines.missed") == row["missed"], row["id"]
    if row["ttft_s"] is not None:
        close(attributes["gen_ai.response.time_to_first_chunk"], row["ttft_s"], "ttft")
last = json_format.Parse(TAKEN["/v1/metrics"][-1], ExportMetricsServiceRequest())
metrics = {metric.name: metric.histogram.data_points for metric in last.resource_metrics[0].scope_metrics[0].metrics}
gaps = metrics["gen_ai.client.operation.time_per_output_chunk"][0]
arrived = [row["chunk_arrived_ns"] for row in rows.values()]
assert gaps.count == sum(gaps.bucket_counts) == sum(max(0, len(times) - 1) for times in arrived)
close(gaps.sum, sum((times[-1] - times[0]) / 1e9 for times in arrived if times), "gaps")
durations = metrics["gen_ai.client.operation.duration"]
assert sum(point.count for point in durations) == 200 and len(durations) == 2, "by the class of failure"
print(f"{len(spans)} spans, {gaps.count} gaps, as the rows have them")
