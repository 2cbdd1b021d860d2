"""A few seconds of fuzzing the dump reader, where atheris is there; longer by hand: tests/fuzz_dump.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="needs atheris (pip install atheris)")
def test_some_seconds_of_fuzzing_find_nothing():
    target = Path(__file__).with_name("fuzz_dump.py")
    done = subprocess.run([sys.executable, target, "5"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
