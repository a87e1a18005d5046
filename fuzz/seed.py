"""Writes the first inputs of each fuzz target: seed.py

They are made of the answers in crates/wire/tests/fixtures/captures, of the examples of traces that crates/workload's tests read, and of
the texts below. What a target learns later is
added to the same folders (corpus/TARGET), by `just fuzz-keep`.
"""
import gzip
import json
import re
import zlib
from pathlib import Path

ROOT = Path(__file__).parent
CAPTURES = ROOT.parent / "crates/wire/tests/fixtures/captures"
DIALECTS = ROOT.parent / "crates/wire/src/dialect"
TRACES = ROOT.parent / "crates/workload/src/trace"
SSE, WHOLE, LINES = 0, 1, 2
CUT = 31 << 2

# The first two of a kind: more would say the same.
OF_CAPTURES = {
    "chat": "-chat", "completions": "-completions", "responses": "-responses", "anthropic": "-messages", "ollama": "-ollama-chat",
    "ollama_generate": "-ollama-generate", "llamacpp": "llamacpp-llamacpp", "sglang": "sglang-sglang", "embeddings": "-embeddings",
    "azure": "-chat-n2", "rerank": "-rerank",
}
EVENTS = {
    "gemini": [
        {"candidates": [{"content": {"parts": [{"text": "Dun"}], "role": "model"}, "index": 0}], "usageMetadata": {"promptTokenCount": 6}},
        {"candidates": [{"content": {"parts": [{"text": "lin", "thought": True}, {"functionCall": {"name": "f", "args": {"x": 1}}},
                                               {"executableCode": {"code": "1"}}]}, "finishReason": "MAX_TOKENS", "index": 0}],
         "usageMetadata": {"promptTokenCount": 6, "candidatesTokenCount": 4, "thoughtsTokenCount": 2, "totalTokenCount": 12}},
    ],
    "cohere": [
        {"type": "message-start", "delta": {"message": {"content": [], "tool_plan": "p", "tool_calls": []}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "a", "thinking": "t"}}}},
        {"type": "tool-call-start", "delta": {"message": {"tool_calls": {"function": {"name": "f", "arguments": "{}"}}}}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 7, "output_tokens": 3}}}},
    ],
    "tgi": [
        {"index": 1, "token": {"id": 5, "text": " a", "logprob": -1.0, "special": False}, "generated_text": None, "details": None},
        {"index": 2, "token": {"id": 2, "text": "</s>", "special": True}, "generated_text": " a",
         "details": {"finish_reason": "eos_token", "generated_tokens": 2, "prefill": []}},
    ],
    "triton": [{"model_name": "e", "sequence_end": False, "text_output": " a"}, {"error": "out of blocks"}],
    "bedrock": [
        {"role": "assistant"}, {"contentBlockIndex": 0, "delta": {"text": "a"}}, {"delta": {"reasoningContent": {"text": "r"}}},
        {"start": {"toolUse": {"name": "f", "toolUseId": "t"}}}, {"delta": {"toolUse": {"input": "{}"}}}, {"stopReason": "end_turn"},
        {"metrics": {"latencyMs": 5}, "usage": {"inputTokens": 2, "outputTokens": 4, "cacheReadInputTokens": 1}},
    ],
    "rerank": [{"results": [{"index": 1, "relevance_score": 0.5}], "usage": {"total_tokens": 9}}],
    "embeddings": [{"object": "list", "data": [{"embedding": [0.5, -1e-3], "index": 0}], "usage": {"prompt_tokens": 4, "total_tokens": 4}}],
}
FILES = [
    "path: /v1/say\nheaders: {x-h: '2'}\nkey: {header: x-k, before: ''}\nbody: {ask: '{{prompt}}', most: '{{max_tokens}}'}\n"
    "text: piece\nfinish: over\nusage: {input: used.in, output: used.out}\nerror: fault\n",
    "path: /models/{{model}}/talk\nquery: {format: lines}\nframing: ndjson\nbody: {messages: '{{messages}}'}\n"
    "text: {path: delta, when: {type: t}}\ntool: ['calls[].name', '[\"a.b\"].c']\ntokens: ids\ndone: {path: type, equals: end}\n",
    '{"framing": "json-array", "body": {"p": "{{prompt}}"}, "text_so_far": "parts[0].text", "done": "body"}',
]
CUSTOM = [
    (0, SSE, b'data: {"piece":"a","used":{"in":3,"out":1}}\n\ndata: {"over":"limit"}\n\n'),
    (1, LINES, b'{"type":"r","delta":"x"}\n{"type":"t","delta":"a","ids":[1,2],"calls":[{"name":"f","arguments":"{}"}]}\n{"type":"end"}\n'),
    (2, WHOLE, b'[{"parts":[{"text":"a"}],"count":1},\n{"parts":[{"text":"a b"}],"count":2}]'),
    (3, SSE, b'data: {"a.b":{"c":"x"},"choices":[{"text":"y"}]}\n\ndata: {"stop":"s","last":true,"e":null}\n\ndata: END\n\n'),
]

EXPOSITION = [
    b"# HELP vllm:num_requests_running a\n# TYPE vllm:num_requests_running gauge\nvllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3.0\n"
    b"vllm:kv_cache_usage_perc{engine=\"0\"} 0.25 1700000000000\n",
    b"nv_trt_llm_request_metrics{model=\"m\",request_type=\"waiting\"} 4\nnode_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 1.5e3\r\n",
    b'x_bucket{le="+Inf",a="}\\"\\\\"} 7 # {trace_id="a"} 0.5\n\n# EOF\nx{ } NaN\ny -Inf\nz{a=b} 1\nz{a="b" 1\n',
]


def traces():
    """The examples of each format, as the tests of its reader have them."""
    names = dict(re.findall(r'Self::(\w+) => "([a-z-]+)",', (TRACES / "format/mod.rs").read_text()))
    escapes = {"n": "\n", '"': '"', "\\": "\\", "t": "\t", "r": "\r"}
    inputs = {}
    for literal, variant in re.findall(r'\(\s*"((?:[^"\\]|\\.)*)",\s*TraceFormat::(\w+)', (TRACES / "examples.rs").read_text(), re.S):
        text = re.sub(r"\\(.)", lambda found: escapes[found[1]], re.sub(r"\\\n\s*", "", literal))
        inputs.setdefault(names[variant], []).append(text.encode())
    return inputs


def body(file):
    return file.read_bytes().split(b"\r\n\r\n", 1)[1]


def write(target, inputs):
    folder = ROOT / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for k, content in enumerate(inputs):
        (folder / f"seed-{k}").write_bytes(content[:4096])


def of_dialect(name):
    inputs = []
    if word := OF_CAPTURES.get(name):
        for file in sorted(file for file in CAPTURES.glob("*.txt") if word in file.name)[::3]:
            content = body(file)
            kind = SSE if b"data:" in content else LINES if content.count(b"}\n") > 1 else WHOLE
            inputs.append(bytes([CUT | kind]) + content)
    if events := EVENTS.get(name):
        texts = [json.dumps(event) for event in events]
        if name == "bedrock":
            inputs.append(bytes([CUT]) + "\0".join(texts).encode())
        else:
            inputs.append(bytes([CUT | SSE]) + "".join(f"data: {text}\n\n" for text in texts).encode())
        inputs += [bytes([CUT | WHOLE]) + text.encode() for text in texts]
    if name == "gemini":
        inputs.append(bytes([CUT | WHOLE]) + json.dumps(EVENTS["gemini"]).encode())
    if name == "sagemaker":
        events = "".join(f"data:{json.dumps(event)}\n\n" for event in EVENTS["tgi"])
        inputs += [bytes([CUT]) + events.replace(" ", "\0", 3).encode(), bytes([CUT]) + "\n".join(map(json.dumps, EVENTS["tgi"])).encode()]
        inputs.append(bytes([CUT]) + b'data: {"choices":[{"index":0,"delta":{"content":" a"},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n')
    return inputs


def dictionary():
    """The names of fields and the words between them, as libFuzzer reads them."""
    words = {'{"', '":', '":"', '"}', "[DONE]", "data: ", "event: ", "\\n\\n", "\\u", "\\ud83d\\ude80"}
    for file in [*DIALECTS.rglob("*.rs"), *TRACES.rglob("format/*.rs")]:
        code = file.read_text().split("#[cfg(test)]")[0]
        words.update(re.findall(r'"([a-z_A-Z][a-zA-Z_.-]{1,40})"', code))
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"') for word in sorted(words))
    (ROOT / "words.dict").write_text("".join(f'"{word}"\n' for word in quoted))


def main():
    names = [file.stem.removeprefix("dialect_") for file in sorted((ROOT / "fuzz_targets").glob("dialect_*.rs"))]
    answers = {name: of_dialect(name) for name in names}
    for name, inputs in answers.items():
        write(f"dialect_{name}", inputs)
    texts = [json.dumps(event).encode() for events in EVENTS.values() for event in events]
    write("json", texts + [b'[1e9,-0.5,"\\ud83d\\ude80\\n",null,true,{"a":{}}]'])
    events = [body(CAPTURES / f"llamacpp-{kind}.txt") for kind in ("chat", "messages", "responses")]
    write("sse", [b"\x80" + text for text in events] + [b"\x40\xef\xbb\xbfdata:a\r\ndata: b\r\n\r\n: c\revent: x\rdata\r\r"])
    write("lines", [b"\x60" + b"\n".join(texts), b"\x10{}\r\n\r\n {}"])
    write("array", [b"\x60[" + b",\r\n".join(texts) + b"]", b'\x10[{"a":"}]\\""}]'])
    write("event_stream", [b"\x80" + text for text in texts[:3]])
    heads = [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\ndata\r\n0\r\nt: 1\r\n\r\n",
             b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-encoding: gzip, br\r\n\r\nabc", b"HTTP/1.0 404 Not Found\nx: y\n\nno"]
    write("http1", [b"\x80" + head for head in heads])
    text = b"data: hello hello hello\n\n" * 3
    write("content", [b"\x00\x80" + gzip.compress(text, mtime=0), b"\x01\x80" + zlib.compress(text), b"\x80\x40" + gzip.compress(gzip.compress(text, mtime=0), mtime=0),
                      b"\x02\x80\x0b\x02\x80hello\x03", b"\x03\x80\x28\xb5\x2f\xfd\x04\x00\x29\x00\x00hello\x99\xaf\xd8\x1c"])
    write("custom_file", [text.encode() for text in FILES])
    write("custom_events", [bytes([CUT | kind, which]) + text for which, kind, text in CUSTOM])
    of_traces = traces()
    for name, texts in of_traces.items():
        write(f"trace_{name.replace('-', '_')}", [b"\x05" + text for text in texts])
    texts = [texts[0] for texts in of_traces.values()]
    write("trace", [b"\x40" + text for text in texts] + [b"\x40" + gzip.compress(texts[0], mtime=0), b"\x01\xef\xbb\xbf" + texts[2].replace(b"\n", b"\r\n")])
    write("exposition", EXPOSITION)
    dictionary()


main()
