"""The same 5,000 inputs each time, made by atheris where it is there; others by hand: tests/fuzz_dump.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="needs atheris (pip install atheris)")
def test_what_the_fuzzer_makes_of_the_dump_is_read_or_told():
    target = Path(__file__).with_name("fuzz_dump.py")
    done = subprocess.run(
        [sys.executable, target, "300", "-runs=5000", "-seed=1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
