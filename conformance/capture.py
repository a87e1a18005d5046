"""Asks a server every kind of request and keeps what it answers: capture.py URL MODEL ENGINE FOLDER [KIND...]

For each kind a file FOLDER/ENGINE-KIND.txt gets the answer's head as it came and its body with the chunk framing undone. One
request at a time, each on a connection of its own, over raw sockets: no HTTP library tidies anything up. Only kinds that are
named are asked, else all; a kind that the server does not have (404, 405, or no answer within a minute) is left out and told.
CAPTURE_KEY is sent as a bearer's key if it is set.
"""
import json
import os
import re
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

TOKENS = 10
ASKED = [{"role": "user", "content": "Which birds nest on the moor behind the old mill?"}]
BEGUN = "The ferry left the harbour before"


def chat(**more):
    return "/v1/chat/completions", {"stream": True, "max_tokens": TOKENS, "messages": ASKED, **more}


KINDS = {
    "models": ("/v1/models", None),
    "chat": chat(stream_options={"include_usage": True}),
    "chat-plain": chat(),
    "chat-nostream": chat(stream=False),
    "chat-n2": chat(n=2, max_tokens=4),
    "chat-ignore-eos": chat(ignore_eos=True),
    "chat-logprobs": chat(logprobs=True, top_logprobs=2, max_tokens=4),
    "completions": ("/v1/completions", {"stream": True, "max_tokens": TOKENS, "prompt": BEGUN, "stream_options": {"include_usage": True}}),
    "responses": ("/v1/responses", {"stream": True, "max_output_tokens": 16, "input": "Name a lighthouse."}),
    "messages": ("/v1/messages", {"stream": True, "max_tokens": TOKENS, "messages": ASKED}),
    "gemini": ("/v1beta/models/MODEL:streamGenerateContent?alt=sse",
               {"contents": [{"role": "user", "parts": [{"text": ASKED[0]["content"]}]}], "generationConfig": {"maxOutputTokens": TOKENS}}),
    "ollama-chat": ("/api/chat", {"messages": ASKED, "options": {"num_predict": TOKENS}}),
    "ollama-generate": ("/api/generate", {"prompt": BEGUN, "options": {"num_predict": TOKENS}}),
    "llamacpp": ("/completion", {"prompt": BEGUN, "n_predict": TOKENS, "stream": True}),
    "sglang": ("/generate", {"text": BEGUN, "stream": True, "sampling_params": {"max_new_tokens": TOKENS}}),
    "embeddings": ("/v1/embeddings", {"input": "a heron in the reeds"}),
    "rerank": ("/v1/rerank", {"query": "wading birds", "documents": ["a heron in the reeds", "the ferry's timetable"]}),
    "err-model": chat(model="no-such-model"),
    "err-json": ("/v1/chat/completions", b'{"messages": ['),
    "err-context": chat(messages=[{"role": "user", "content": "peat " * 30000}]),
    "err-max-tokens": chat(max_tokens=0),
}


def ask(address, method, path, body):
    """The head and the decoded body of the answer."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}", "Accept: text/event-stream", "Content-Type: application/json",
             f"Content-Length: {len(body)}", "Connection: close"]
    if key := os.environ.get("CAPTURE_KEY"):
        lines.append(f"Authorization: Bearer {key}")
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while not is_whole(answer) and (data := connection.recv(1 << 16)):
            answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, unchunked(body) if b"chunked" in head.lower() else body


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return bool(end) and (length is not None and len(body) >= int(length[1]) or b"chunked" in head.lower() and body.endswith(b"0\r\n\r\n"))


def unchunked(body):
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if length == 0:
            break
        whole, body = whole + body[:length], body[length + 2:]
    return whole


def main(url, model, engine, folder, *kinds):
    Path(folder).mkdir(parents=True, exist_ok=True)
    for kind in kinds or KINDS:
        path, content = KINDS[kind]
        if isinstance(content, dict):
            content = json.dumps({"model": model, **content}).encode()
        try:
            head, body = ask(urlsplit(url), "GET" if content is None else "POST", path.replace("MODEL", model), content or b"")
        except OSError as error:
            print(f"{engine}-{kind}: {error}")
            continue
        status = head.split(b"\r\n")[0].decode("latin1")
        # An unknown model is refused with the same status as an unknown path.
        if re.match(r"HTTP/1.1 40[45]", status) and kind != "err-model" or not head:
            print(f"{engine}-{kind}: left out, {status or 'no answer'}")
            continue
        (Path(folder) / f"{engine}-{kind}.txt").write_bytes(head + b"\r\n\r\n" + body)
        print(f"{engine}-{kind}: {status}, {len(body)} bytes")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
