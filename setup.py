"""What a wheel holds beside the library, for `wikitopics new`: notebooks, params, the sample."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

LABORATORY = (
    "notebooks/*.ipynb",
    "params/*/*.yaml",
    "photographs/*.csv",
    "photographs/params/*/*.yaml",
    "sample/**/*",
    "CITATION.cff",
)


class BuildWithLaboratory(build_py):
    """Copies them into wikitopics/laboratory, where `wikitopics.paths` looks when there is no checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for pattern in LABORATORY:
            for file in filter(Path.is_file, Path().glob(pattern)):
                target = Path(self.build_lib, "wikitopics", "laboratory", file)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)


setup(cmdclass={"build_py": BuildWithLaboratory})
