"""The same 15,000 inputs each time, made by atheris where it is there; by hand: tests/fuzz_images.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="needs atheris (pip install atheris)")
def test_what_the_fuzzer_makes_of_images_is_read_or_told():
    target = Path(__file__).with_name("fuzz_images.py")
    done = subprocess.run(
        [sys.executable, target, "300", "-runs=15000", "-seed=1"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
