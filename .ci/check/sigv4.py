"""What the built program signs is what botocore, AWS's own library, signs: each request as it came over the wire is signed again by
botocore, at the instant and with the headers that it says it has signed, and the two signatures are one."""
import datetime
import hashlib
import itertools
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from metron import run

ACCESS, SECRET, REGION = "AKIAMOORHENEXAMPLE", "heron/Reed+Bittern+Snipe0123456789EXAMPLE", "eu-west-2"
TAKEN = []
# Neither can be known when botocore signs, or AWS leaves them to whoever stands in between.
UNSIGNED = {"authorization", "content-length", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"}


class Service(BaseHTTPRequestHandler):
    """Takes down what comes, and refuses it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        TAKEN.append((self.path, self.headers.items(), body))
        self.refuse()

    def refuse(self):
        self.send_response(403)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = refuse

    def log_message(self, *_):
        pass


def authorization(service, token, port, path, headers, body):
    """What botocore says of a request."""
    sent = {name.lower(): value for name, value in headers}
    at = datetime.datetime.strptime(sent["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda: at
    request = AWSRequest(method="POST", url=f"http://127.0.0.1:{port}{path}", data=body)
    for name, value in headers:
        # These two are botocore's to add.
        if name.lower() not in UNSIGNED | {"x-amz-date", "x-amz-security-token"}:
            request.headers.add_header(name, value)
    botocore.auth.SigV4Auth(Credentials(ACCESS, SECRET, token), service, REGION).add_auth(request)
    assert sent.get("x-amz-security-token") == token
    return request.headers["Authorization"]


MODELS = {
    "bedrock": ["mire.reed-v1:0", "a", "arn:aws:bedrock:eu-west-2:123456789012:inference-profile/moor", "two words", "réed~-._!*'()"],
    "sagemaker": ["moor-7b", "moor hen", "50%25+1"],
}
PATHS = ["", "/behind/a%20proxy", "/one//two/./three/../four", "/?b=2&a=1&a=0&c=&%C3%A9=%2F"]
HEADERS = [
    [],
    ["x-amzn-bedrock-trace: ENABLED", "X-Amz-Reed:  two   blanks ", "x-amzn-trace-id: Root=1-2", "x-reed: a", "x-reed: b"],
    ["Host: heron.example", "Accept: */*", "content-type: application/json; charset=utf-8"],
]
LENGTHS = ["1", "20000"]

server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_port
os.environ.update(AWS_ACCESS_KEY_ID=ACCESS, AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION=REGION)
signed, largest = 0, 0
cases = [(service, model, *rest) for service, models in MODELS.items() for model in models
         for rest in itertools.chain(((path, [], "1") for path in PATHS), (("", headers, length) for headers in HEADERS for length in LENGTHS))]
for number, (service, model, path, headers, length) in enumerate(cases):
    token = "IQoJb3JpZ2lu//heron+token==" if number % 2 else None
    os.environ.pop("AWS_SESSION_TOKEN", None)
    if token:
        os.environ["AWS_SESSION_TOKEN"] = token
    TAKEN.clear()
    given = [word for header in headers for word in ("--header", header)]
    run(sys.argv[1], "--url", f"http://127.0.0.1:{port}{path}", "--endpoint", service, "--model", model, "--requests", "1",
        "--input-tokens", length, *given, codes=(1,))
    assert TAKEN, (service, model, path)
    for path, sent, body in TAKEN:
        ours = dict(sent)["authorization"]
        theirs = authorization(service, token, port, path, sent, body)
        assert ours == theirs, f"{path} {sent} {hashlib.sha256(body).hexdigest()}\nours   {ours}\ntheirs {theirs}"
        signed, largest = signed + 1, max(largest, len(body))
print(f"{signed} requests signed as botocore signs them, bodies of up to {largest:,} bytes")
