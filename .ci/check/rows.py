"""Reads a run's rows with pandas and pyarrow, computes its figures anew with NumPy, and lays them beside summary.json."""
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from metron import close, run

QUANTILES = {"min": 0, "p1": 0.01, "p5": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95,
             "p99": 0.99, "p99_9": 0.999, "max": 1}


def misses(gaps, ttft, tbt):
    """The deadline algorithm, written down once more: (missed, total)."""
    slack = missed = total = 0
    for place, gap in enumerate(gaps):
        deadline = ttft if place == 0 else tbt
        if gap <= deadline + slack:
            slack += deadline - gap
            total += 1
        else:
            over = (gap - slack - deadline) // tbt + 1
            missed, total, slack = missed + over, total + over, 0
    return missed, total


def token_gaps(row):
    """The gap before each token: a chunk's first token has it, the others came with it."""
    gaps, before = [], row.dispatched_ns
    for arrived, tokens in zip(row.chunk_arrived_ns, row.chunk_tokens):
        gaps += [int(arrived) - int(before)] + [0] * (int(tokens) - 1)
        before = arrived
    return gaps


def main(binary):
    folder, summary = run(binary, "--url", "sim:fixed?ttft=40ms&tbt=4ms&tokens=48&stall-every=10&stall=45ms",
                          "--rate", "50", "--requests", "200", "--warmup-requests", "20", "--output-tokens", "uniform:1..48")
    table = pq.read_table(folder / "requests.parquet")
    frame = pd.read_parquet(folder / "requests.parquet")
    assert table.num_rows == len(frame) == 220, len(frame)
    assert list(frame.id) == list(range(220)), "the rows are not in the plan's order"
    rows = frame[frame.phase == "measured"]
    assert len(rows) == summary["requests"]["completed"] == 200 and summary["requests"]["warmup"] == 20

    gaps = [token_gaps(row) for row in rows.itertuples()]
    for row, mine in zip(rows.itertuples(), gaps):
        assert len(mine) == row.output_tokens, f"request {row.id}: {len(mine)} gaps for {row.output_tokens} tokens"
        assert misses(mine, row.ttft_deadline_ns, row.tbt_deadline_ns) == (row.missed, row.total), f"request {row.id}"
    assert summary["tokens"]["output"] == int(rows.output_tokens.sum())
    assert summary["tokens"]["input"] == int(rows.input_tokens.sum())

    samples = {
        "ttft": [g[0] / 1e9 for g in gaps],
        "tbt": [gap / 1e9 for g in gaps for gap in g[1:]],
        "e2e_latency": [sum(g) / 1e9 for g in gaps],
        "tpot": [sum(g[1:]) / 1e9 / (len(g) - 1) for g in gaps if len(g) > 1],
        "fluidity_index": list(1 - rows.missed / rows.total),
        "output_tokens": [float(n) for n in rows.output_tokens],
    }
    for name, values in samples.items():
        figure = summary["metrics"][name]
        assert figure["count"] == len(values), f"{name}: {figure['count']} samples, {len(values)} by the rows"
        for key, share in QUANTILES.items():
            close(figure[key], float(np.quantile(values, share)), f"{name} {key}", 1e-9)
        close(figure["mean"], float(np.mean(values)), f"{name} mean", 1e-9)
        close(figure["std"], float(np.std(values, ddof=1)), f"{name} std", 1e-6)
    close(summary["metrics"]["deadline_miss_rate"]["value"], rows.missed.sum() / rows.total.sum(), "deadline miss rate")
    span = (rows.finished_ns.max() - rows.dispatched_ns.min()) / 1e9
    close(summary["metrics"]["request_throughput"]["value"], len(rows) / span, "request throughput")
    print(f"{len(rows)} rows, {len(samples['tbt'])} gaps: every figure agrees; {len(table.schema.names)} columns")


main(sys.argv[1])
