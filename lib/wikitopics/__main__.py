"""`python -m wikitopics` is `wikitopics`."""

import sys

from wikitopics.cli import main

if __name__ == "__main__":
    sys.exit(main())
