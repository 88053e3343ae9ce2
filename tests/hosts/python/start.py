"""Runs `run.py` in an environment of its own, target/python: `python3 start.py [component]`. Skipped, loudly, where it cannot be made."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parents[2] / "target" / "python"
SECONDS = 180


def main():
    python = ENVIRONMENT / "bin" / "python"
    requirements = HERE / "requirements.txt"
    installed = ENVIRONMENT / "requirements.txt"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True, timeout=SECONDS)
        if not installed.exists() or installed.read_text() != requirements.read_text():
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]
            subprocess.run(command, check=True, timeout=SECONDS)
            installed.write_text(requirements.read_text())
    except (OSError, subprocess.SubprocessError) as problem:
        print(f"\nSKIPPED: the host in Python: {problem}\n")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    return subprocess.run([python, HERE / "run.py", *sys.argv[1:]], timeout=SECONDS, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
