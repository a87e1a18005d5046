"""Serves a GGUF model with llama.cpp's own server on loopback: serve_llamacpp.py MODEL.gguf PORT [SLOTS]

Needs the package xllamacpp, which holds that server. SLOTS (4) is how many requests it computes at once. Runs until it is ended.
"""
import sys
import threading

import xllamacpp


def main(model, port, slots):
    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.model_alias = {"tiny"}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = 8192
    parameters.n_parallel = slots
    parameters.cpuparams.n_threads = 1
    # It would keep every prompt's cache in memory and search them all for each request: TTFT would grow as long as it is asked.
    parameters.cache_ram_mib = 0
    server = xllamacpp.Server(parameters)
    print(f"llama.cpp serves {model} on http://127.0.0.1:{port}", flush=True)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) == 4 else 4)
