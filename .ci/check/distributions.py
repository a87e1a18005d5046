"""Holds what a plan draws against scipy's distributions. The seed is fixed: a pass is a pass for good."""
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from metron import run

SIM = "sim:fixed?ttft=1ms&tbt=1ms&tokens=1"
LEAST = 1e-3  # of a p-value


def fits(what, p):
    assert p > LEAST, f"{what}: p = {p:.2g}"
    print(f"{what}: p = {p:.3f}")


def main(binary):
    rows = rows_of(binary, "--rate", "400", "--requests", "4000", "--input-tokens", "lognormal:200,0.5")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("poisson gaps are exponential", stats.kstest(gaps, stats.expon(scale=1 / 400).cdf).pvalue)
    fits("lognormal lengths", stats.kstest(spread(rows.planned_input_tokens), stats.lognorm(s=0.5, scale=200).cdf).pvalue)

    rows = rows_of(binary, "--rate", "400", "--requests", "4000", "--seed", "5", "--arrivals", "gamma", "--burstiness",
                   "0.5", "--input-tokens", "uniform:100..199")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("gamma gaps", stats.kstest(gaps, stats.gamma(a=0.5, scale=1 / 200).cdf).pvalue)
    counts = rows.planned_input_tokens.value_counts().reindex(range(100, 200), fill_value=0)
    fits("uniform lengths", stats.chisquare(counts).pvalue)
    laws(binary)
    bursts(binary)
    rates(binary)
    lengths(binary)
    together(binary)
    choices(binary)


def spread(tokens):
    """Lengths are whole numbers: half a token either way, they are of the continuous law."""
    return tokens + stats.uniform.rvs(loc=-0.5, scale=1, size=len(tokens), random_state=1)


def plan_of(binary, *arguments):
    """The lines of a saved plan, which has what rows have not: prefixes and who leaves."""
    file = Path(tempfile.mkdtemp(prefix="metron-check-")) / "plan.jsonl"
    command = [binary, "workload", "save", "--out", str(file), "--without-prompts", "--url", SIM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}"
    return [json.loads(line) for line in file.read_text().splitlines()]


def rows_of(binary, *arguments):
    """The rows of a run in virtual time: planned instants and lengths, nothing waited for."""
    folder, _ = run(binary, "--url", SIM, "--virtual-time", "--output-tokens", "1", *arguments)
    return pd.read_parquet(folder / "requests.parquet")


def laws(binary):
    def gaps(arrivals, rate="400"):
        rows = rows_of(binary, "--rate", rate, "--requests", "20000", "--arrivals", arrivals)
        return rows.intended_ns.diff().dropna() / 1e9

    shape = 0.7
    law = stats.weibull_min(c=shape, scale=1 / 400 / math.gamma(1 + 1 / shape))
    fits("weibull gaps", stats.kstest(gaps(f"weibull:{shape}"), law.cdf).pvalue)
    fits("jittered gaps", stats.kstest(gaps("jitter:0.2"), stats.uniform(0.8 / 400, 0.4 / 400).cdf).pvalue)
    # Of a busier process many gaps of this shape lie below the nanosecond to which instants are rounded.
    law = stats.gamma(a=1 / 4, scale=4 / 0.01)
    fits("gamma gaps by their variation", stats.kstest(gaps("gamma:cv=2", "0.01"), law.cdf).pvalue)


def bursts(binary):
    """An interrupted Poisson process is a renewal process, whose gaps are one of two exponentials."""
    on, off, rate = 0.2, 0.8, 100
    busy = rate * (on + off) / on
    total = busy + 1 / on + 1 / off
    root = math.sqrt(total * total - 4 * busy / off)
    fast, slow = (total + root) / 2, (total - root) / 2
    share = (busy - slow) / (fast - slow)
    rows = rows_of(binary, "--rate", str(rate), "--requests", "20000", "--arrivals", f"onoff:{on}s,{off}s")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("gaps of bursts", stats.kstest(gaps, lambda t: 1 - share * np.exp(-fast * t) - (1 - share) * np.exp(-slow * t)).pvalue)


def rates(binary):
    """Of a Poisson process whose rate changes, the mean count up to each arrival is a Poisson process of rate 1."""
    def unit(arrivals, count_up_to, *more):
        rows = rows_of(binary, "--requests", "20000", "--arrivals", arrivals, *more)
        gaps = count_up_to(rows.intended_ns / 1e9).diff().dropna()
        fits(arrivals, stats.kstest(gaps, stats.expon().cdf).pvalue)

    unit("ramp:100s@5..50", lambda t: t.where(t >= 100, 5 * t + 0.45 * t * t / 2).where(t < 100, 2750 + 50 * (t - 100)))
    unit("steps:10s@5,20s@50", lambda t: (5 * t).where(t < 10, 50 + 50 * (t - 10)))
    # 5/s for 10 s, 50/s for 20 s: 1050 a cycle of 30 s.
    within = lambda t: (5 * t).where(t < 10, 50 + 50 * (t - 10))
    unit("cycle:10s@5,20s@50", lambda t: 1050 * (t // 30) + within(t % 30))
    up, down = lambda t: 5 * t + 4.5 * t * t / 2, lambda t: 275 + 50 * (t - 10) - 1.5 * (t - 10) ** 2 / 2
    unit("curve:0s@5,10s@50,30s@20", lambda t: up(t).where(t < 10, down(t).where(t < 30, 975 + 20 * (t - 30))))
    period, swing = 60, 0.6
    angle = 2 * math.pi / period
    unit(f"diurnal:{period}s,{swing}", lambda t: 100 * (t + swing / angle * (1 - (angle * t).map(math.cos))), "--rate", "100")


def lengths(binary):
    def drawn(what, *more):
        return rows_of(binary, "--requests", "20000", "--input-tokens", what, *more).planned_input_tokens

    fits("exponential lengths", stats.kstest(spread(drawn("exponential:50000")), stats.expon(scale=50000).cdf).pvalue)
    fits("normal lengths", stats.kstest(spread(drawn("normal:5000,800")), stats.norm(5000, 800).cdf).pvalue)
    mixed = drawn("70% 128 + 30% lognormal:20000,0.4")
    fits("shares of a mix", stats.binomtest(int((mixed == 128).sum()), len(mixed), 0.7).pvalue)
    rest = spread(mixed[mixed != 128])
    fits("the other part of a mix", stats.kstest(rest, stats.lognorm(s=0.4, scale=20000).cdf).pvalue)
    values = [5, 50, 50, 500]
    file = Path(tempfile.mkdtemp(prefix="metron-check-")) / "lengths.csv"
    file.write_text("num_prefill_tokens,num_decode_tokens\n" + "".join(f"{value},1\n" for value in values))
    counts = drawn(f"trace:{file}").value_counts().reindex([5, 50, 500], fill_value=0)
    fits("lengths of a file", stats.chisquare(counts, [5000, 10000, 5000]).pvalue)


def choices(binary):
    """What is drawn for a request beside its instant and lengths."""
    rows = rows_of(binary, "--requests", "20000", "--class", "a: 70%", "--class", "b: 25%", "--class", "c: 5%")
    counts = rows["class"].astype(str).value_counts().reindex(["a", "b", "c"])
    fits("classes", stats.chisquare(counts, [14000, 5000, 1000]).pvalue)
    plan = plan_of(binary, "--requests", "20000", "--rate", "100", "--prefix", "groups:16,64,0.9", "--cancel", "10% after exponential:3s")
    weights = pd.Series({group: (group + 1) ** -0.9 for group in range(16)})
    counts = pd.Series([line["prefix"][0] for line in plan]).value_counts().reindex(range(16), fill_value=0)
    fits("groups of a prefix", stats.chisquare(counts, weights / weights.sum() * len(plan)).pvalue)
    after = [line["leave_after_ns"] / 1e9 for line in plan if "leave_after_ns" in line]
    fits("how many leave", stats.binomtest(len(after), len(plan), 0.1).pvalue)
    fits("after how long they leave", stats.kstest(after, stats.expon(scale=3).cdf).pvalue)
    plan = plan_of(binary, "--requests", "20000", "--rate", "100", "--turns", "uniform:2..8", "--think-time", "exponential:5s")
    turns = pd.Series([line["turns"] for line in plan if line.get("turn") == 0][:-1]).value_counts()
    fits("turns of sessions", stats.chisquare(turns.reindex(range(2, 9), fill_value=0)).pvalue)
    pauses = [line["delay_ns"] / 1e9 for line in plan if "delay_ns" in line]
    fits("think times", stats.kstest(pauses, stats.expon(scale=5).cdf).pvalue)


def together(binary):
    plan = plan_of(binary, "--requests", "20000", "--rate", "100", "--lengths", "bilognormal:90000,0.5,50000,0.7,0.6")
    logs, answers = [np.log([line[name] for line in plan]) for name in ("input_tokens", "output_tokens")]
    fits("lengths drawn together", stats.kstest(logs, stats.norm(math.log(90000), 0.5).cdf).pvalue)
    fits("lengths of their answers", stats.kstest(answers, stats.norm(math.log(50000), 0.7).cdf).pvalue)
    # Fisher: the inverse hyperbolic tangent of a correlation is normal.
    correlation = math.atanh(stats.pearsonr(logs, answers).statistic)
    away = abs(correlation - math.atanh(0.6)) * math.sqrt(len(plan) - 3)
    fits("their correlation", 2 * stats.norm.sf(away))
    rows = rows_of(binary, "--requests", "20000", "--input-tokens", "zipf:1..50,0.9")
    weights = pd.Series({rank: rank ** -0.9 for rank in range(1, 51)})
    counts = rows.planned_input_tokens.value_counts().reindex(range(1, 51), fill_value=0)
    fits("zipf lengths", stats.chisquare(counts, weights / weights.sum() * len(rows)).pvalue)


main(sys.argv[1])
