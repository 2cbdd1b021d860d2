"""DATA.md, with its counts."""
from pathlib import Path
def write_card(folder: Path, rows, dropped) -> None:
    pass
