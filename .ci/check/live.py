"""The live view in a real terminal (tmux): it draws, fits 60x15, freezes, drains on q, stops on Q, and gives the terminal back."""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BINARY = str(Path(sys.argv[1]).resolve())
ENGINE = "sim:fixed?ttft=100ms&tbt=20ms&tokens=32"
PATIENCE_S = 60


class Terminal:
    """A tmux server of its own, with one window."""

    def __init__(self, folder, width=80, height=24):
        self.folder, self.socket = folder, f"metron-live-{time.monotonic_ns()}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(folder), "sh")
        self.tmux("set", "-g", "status", "off")

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-L", self.socket, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.press("Enter")

    def wait_for(self, *words):
        """The screen, once it shows every one of `words`."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            screen = self.screen()
            if all(word in screen for word in words):
                return screen
            time.sleep(0.1)
        raise AssertionError(f"the screen never showed {words}:\n{self.screen()}")

    def run(self, output, *arguments):
        given = " ".join(f"'{argument}'" for argument in arguments)
        self.type(f"clear; '{BINARY}' run --url '{ENGINE}' --requests 100000 --output {output} {given}; echo code=$?")

    def close(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], check=False)


def check_terminal_is_as_it_was(terminal):
    terminal.type("stty -a | tr ';' '\\n' | grep -c -- ' icanon'; echo tty=$(stty -a | grep -c -- '-echo ')")
    terminal.wait_for("tty=0")


def drains(folder):
    terminal = Terminal(folder)
    try:
        terminal.run("drained", "--rate", "20")
        screen = terminal.wait_for("measuring", "in flight", "TTFT", "instrument", "q drains")
        assert "20.0 asked" in screen, screen
        terminal.tmux("resize-window", "-x", "60", "-y", "15")
        # Until it is drawn again, tmux shows the lower part of what was there.
        small = terminal.wait_for("requests", "instrument", "q drains").rstrip("\n").split("\n")
        assert len(small) <= 15 and all(len(line) <= 60 for line in small), small
        for word in ("requests", "TTFT", "TBT", "fluid", "tokens/s", "errors"):
            assert any(word in line for line in small), f"{word} is not on a screen of 60x15: {small}"
        terminal.press("p")
        frozen = terminal.wait_for("view frozen")
        time.sleep(1.5)
        assert terminal.screen() == frozen, "a frozen view moved"
        terminal.press("p")
        terminal.tmux("resize-window", "-x", "80", "-y", "50")
        terminal.wait_for("p freezes")
        terminal.press("q")
        after = terminal.wait_for("code=130", "interrupted: sending has stopped", "Instrument")
        assert "q drains" not in after, after
        check_terminal_is_as_it_was(terminal)
    finally:
        terminal.close()
    requests = json.loads((folder / "drained/summary.json").read_text())["requests"]
    assert requests["cancelled"] == 0 and requests["completed"] > 0 and requests["not_sent"] > 0, requests


def stops(folder):
    terminal = Terminal(folder, 80, 50)
    try:
        terminal.run("stopped", "--concurrency", "8")
        terminal.wait_for("measuring", "8 users")
        terminal.press("Q")
        terminal.wait_for("code=130", "interrupted: writing what is there")
        check_terminal_is_as_it_was(terminal)
    finally:
        terminal.close()
    requests = json.loads((folder / "stopped/summary.json").read_text())["requests"]
    assert requests["cancelled"] > 0, requests


def control_c_twice(folder):
    terminal = Terminal(folder, 80, 50)
    try:
        terminal.run("twice", "--concurrency", "8")
        terminal.wait_for("measuring")
        terminal.press("C-c")
        terminal.press("C-c")
        terminal.wait_for("code=130")
        check_terminal_is_as_it_was(terminal)
    finally:
        terminal.close()


with tempfile.TemporaryDirectory(prefix="metron-live-") as place:
    for case in (drains, stops, control_c_twice):
        case(Path(place))
print("the live view draws, fits 60x15, freezes, drains, stops, and gives the terminal back")
