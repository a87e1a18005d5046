"""Holds what a plan draws against scipy's distributions. The seed is fixed: a pass is a pass for good."""
import subprocess
import sys

import pandas as pd
from scipy import stats

from metron import run

SIM = "sim:fixed?ttft=1ms&tbt=1ms&tokens=1"
LEAST = 1e-3  # of a p-value


def fits(what, p):
    assert p > LEAST, f"{what}: p = {p:.2g}"
    print(f"{what}: p = {p:.3f}")


def main(binary):
    folder, _ = run(binary, "--url", SIM, "--rate", "400", "--requests", "4000", "--output-tokens", "1",
                    "--input-tokens", "lognormal:200,0.5")
    rows = pd.read_parquet(folder / "requests.parquet")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("poisson gaps are exponential", stats.kstest(gaps, stats.expon(scale=1 / 400).cdf).pvalue)
    # Lengths are whole numbers: half a token either way of the continuous law.
    drawn = rows.planned_input_tokens + stats.uniform.rvs(loc=-0.5, scale=1, size=len(rows), random_state=1)
    fits("lognormal lengths", stats.kstest(drawn, stats.lognorm(s=0.5, scale=200).cdf).pvalue)

    folder, _ = run(binary, "--url", SIM, "--rate", "400", "--requests", "4000", "--output-tokens", "1", "--seed", "5",
                    "--arrivals", "gamma", "--burstiness", "0.5", "--input-tokens", "uniform:100..199")
    rows = pd.read_parquet(folder / "requests.parquet")
    gaps = rows.intended_ns.diff().dropna() / 1e9
    fits("gamma gaps", stats.kstest(gaps, stats.gamma(a=0.5, scale=1 / 200).cdf).pvalue)
    counts = rows.planned_input_tokens.value_counts().reindex(range(100, 200), fill_value=0)
    fits("uniform lengths", stats.chisquare(counts).pvalue)


main(sys.argv[1])
