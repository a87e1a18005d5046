"""Runs the built binary for the checks, and reads what a run leaves behind."""
import json
import subprocess
import tempfile
from pathlib import Path


# Measured, and the second one says that this machine was too busy to measure well: no fault of the program's.
MEASURED = (0, 4)


def run(binary, *arguments, codes=MEASURED):
    """`metron run` into a fresh folder: the folder and its summary. Fails unless it ends with one of `codes`."""
    folder = Path(tempfile.mkdtemp(prefix="metron-check-")) / "run"
    command = [binary, "run", "--output", str(folder), "--json", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode in codes, f"{' '.join(command)}: exit {done.returncode}, not one of {codes}\n{done.stderr}"
    return folder, json.loads(done.stdout)


def close(ours, theirs, what, relative=1e-9):
    """Fails unless two figures agree but for rounding."""
    assert ours is not None and theirs is not None, f"{what}: {ours} and {theirs}"
    assert abs(ours - theirs) <= relative * max(1e-12, abs(theirs)), f"{what}: {ours}, but {theirs} by the rows"
