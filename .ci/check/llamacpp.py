"""Runs metron against llama.cpp's own server, and holds its figures against the server's own counts and times."""
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pandas as pd

from metron import run

ENGINE = Path(__file__).parent.parent / "engine"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_healthy(url, process):
    for _ in range(300):
        try:
            with urllib.request.urlopen(url + "/health", timeout=1) as answer:
                if json.load(answer).get("status") == "ok":
                    return
        except OSError:
            pass
        assert process.poll() is None, f"the server ended with {process.returncode}"
        time.sleep(0.1)
    raise AssertionError("the server did not become healthy within 30 s")


# The dialects that this server speaks, and how each says that the limit was reached.
FINISHES = {"chat": "length", "completions": "length", "responses": "completed", "anthropic": "max_tokens", "llamacpp": "limit"}


def check(binary, url, tokenizer):
    for endpoint, finish in FINISHES.items():
        folder, summary = run(binary, "--url", url, "--model", "tiny", "--endpoint", endpoint, "--tokenizer", tokenizer,
                              "--concurrency", "4", "--requests", "40", "--input-tokens", "uniform:16..64",
                              "--output-tokens", "24", "--ttft-deadline", "2s", "--tbt-deadline", "500ms")
        requests, tokens = summary["requests"], summary["tokens"]
        assert requests["completed"] == 40 and requests["failed"] == 0, requests
        assert tokens["output"] == 40 * 24, f"{endpoint}: {tokens} for 40 answers of 24 tokens"
        assert tokens["count_mismatch"] == 0, tokens
        rows = pd.read_parquet(folder / "requests.parquet")
        assert (rows.output_tokens == 24).all() and (rows.finish_reason == finish).all()
        if endpoint in ("completions", "llamacpp"):
            # No chat template in the way: the prompts have exactly the tokens that were planned.
            assert (rows.input_tokens == rows.planned_input_tokens).all(), rows[["input_tokens", "planned_input_tokens"]]
        # This server promises to keep connections and closes them after each stream: none of that may be inside TTFT.
        assert (rows.ttft_s > 0).all() and (rows.dispatched_ns < rows.headers_ns).all()
        print(f"{endpoint}: TTFT p50 {summary['metrics']['ttft']['p50'] * 1e3:.2f} ms, TBT p50 "
              f"{summary['metrics']['tbt']['p50'] * 1e3:.2f} ms, fluidity {summary['metrics']['fluidity_index']['mean']:.3f}")


def main(binary):
    folder = Path(tempfile.mkdtemp(prefix="metron-llamacpp-"))
    subprocess.run([sys.executable, ENGINE / "make_model.py", folder], check=True)
    port = free_port()
    with open(folder / "server.log", "wb") as log:
        server = subprocess.Popen([sys.executable, ENGINE / "serve_llamacpp.py", folder / "tiny.gguf", str(port)],
                                  stdout=log, stderr=log)
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}", server)
            check(binary, f"http://127.0.0.1:{port}", str(folder / "tokenizer.json"))
        finally:
            server.kill()
            server.wait()


main(sys.argv[1])
