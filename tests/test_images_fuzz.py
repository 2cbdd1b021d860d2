"""Some seconds of fuzzing the check of images, where atheris is there; by hand: tests/fuzz_images.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("atheris"), reason="needs atheris (pip install atheris)")
def test_some_seconds_of_fuzzing_find_nothing():
    target = Path(__file__).with_name("fuzz_images.py")
    done = subprocess.run([sys.executable, target, "20"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
