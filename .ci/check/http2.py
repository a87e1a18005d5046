"""The same run over HTTP/1.1 and over HTTP/2, through nginx in front of the simulated engine: the same tokens, the same figures."""
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from metron import run

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c; uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
        location / {{ proxy_pass http://127.0.0.1:{engine}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


binary = sys.argv[1]
folder = Path(tempfile.mkdtemp(prefix="metron-http2-"))
folder.chmod(0o755)
engine, port = free_port(), free_port()
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
     "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    check=True, capture_output=True,
)
(folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, engine=engine))
nginx = shutil.which("nginx") or "/usr/sbin/nginx"
servers = [
    subprocess.Popen([binary, "sim", "sim:fixed?ttft=50ms&tbt=10ms&tokens=32", "--port", str(engine)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL),
    subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log"]),
]
try:
    listens(engine)
    listens(port)
    found, crowds = {}, {}
    # Insecure: the certificate is its own root.
    target = [binary, "--url", f"https://127.0.0.1:{port}", "--model", "m", "--insecure", "--input-tokens", "16"]
    for version, flags in {"1.1": ["--http", "1.1"], "2": ["--http", "2"], "auto": [], "ahead": ["--http", "2", "--prewarm"]}.items():
        _, found[version] = run(*target, "--concurrency", "16", "--requests", "96", "--output-tokens", "32", *flags)
    for version in ["1.1", "2"]:
        _, crowds[version] = run(*target, "--http", version, "--concurrency", "1024", "--requests", "2048", "--output-tokens", "8")
finally:
    for server in servers:
        server.terminate()
        server.wait()

for version, summary in found.items():
    requests, connections, metrics = summary["requests"], summary["connections"], summary["metrics"]
    assert (requests["completed"], requests["failed"], requests["resent"], requests["unclean_end"]) == (96, 0, 0, 0), (version, requests)
    assert summary["tokens"]["output"] == 96 * 32, (version, summary["tokens"])
    assert summary["instrument"]["clock"] == "kernel", version
    assert connections["http_version"] == ("1.1" if version == "1.1" else "2"), (version, connections)
    ttft, tbt = metrics["ttft"], metrics["tbt"]
    print(f"{version:>5}: ttft p50 {1e3 * ttft['p50']:.2f} p99 {1e3 * ttft['p99']:.2f} ms, tbt p50 {1e3 * tbt['p50']:.3f} ms, {connections}")
    # The engine's own figures; what a proxy and a busy machine add has no bound.
    assert ttft["p50"] >= 0.050 and tbt["p50"] > 0.0095, version
assert found["1.1"]["connections"]["opened"] == 16 and found["2"]["connections"]["opened"] == 1
assert found["ahead"]["metrics"]["connect"]["count"] == 0 and found["ahead"]["connections"]["opened_ahead"] == 1
for version, summary in crowds.items():
    assert (summary["requests"]["completed"], summary["tokens"]["output"]) == (2048, 2048 * 8), (version, summary["requests"])
print("1,024 users:", {version: summary["connections"]["opened"] for version, summary in crowds.items()}, "connections")
