"""The request function of `vllm bench serve` (Python) in a closed loop: `python vllm_python.py FOLDER --base-url URL ...`.

FOLDER holds `endpoint_request_func.py` as vLLM's wheel has it, which times the answers; what is around it here (one session that keeps
its connections, so many requests at a time, NumPy's percentiles) is as in `vllm bench serve`. It leaves that program's figures.
"""
import argparse
import asyncio
import json
import sys
import time

import aiohttp
import numpy

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--base-url", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--random-output-len", type=int, required=True)
parser.add_argument("--num-prompts", type=int, required=True)
parser.add_argument("--max-concurrency", type=int, required=True)
parser.add_argument("--output-file", required=True)
# The prompt's words are of no interest here.
asked, _ = parser.parse_known_args()
sys.path.insert(0, asked.folder)
import endpoint_request_func as vllm  # noqa: E402


async def main():
    connector = aiohttp.TCPConnector(limit=asked.max_concurrency, limit_per_host=asked.max_concurrency, force_close=False)
    async with aiohttp.ClientSession(connector=connector, trust_env=True, timeout=aiohttp.ClientTimeout(total=6 * 60 * 60)) as session:
        turn = asyncio.Semaphore(asked.max_concurrency)

        async def one():
            asking = vllm.RequestFuncInput(
                prompt="a", api_url=f"{asked.base_url}/v1/chat/completions", prompt_len=1, output_len=asked.random_output_len,
                model=asked.model, ignore_eos=True,
            )
            async with turn:
                return await vllm.async_request_openai_chat_completions(asking, session)

        began = time.perf_counter()
        answers = await asyncio.gather(*(one() for _ in range(asked.num_prompts)))
        return answers, time.perf_counter() - began


answers, took = asyncio.run(main())
good = [answer for answer in answers if answer.success]
figures = {
    "completed": len(good),
    "output_throughput": sum(answer.output_tokens for answer in good) / took,
    "p99_ttft_ms": 1e3 * numpy.percentile([answer.ttft for answer in good], 99),
    "p99_itl_ms": 1e3 * numpy.percentile([gap for answer in good for gap in answer.itl], 99),
}
with open(asked.output_file, "w") as file:
    json.dump(figures, file)
