"""Entry point of `python -m funcnet`; see `funcnet.command`."""

import sys

from funcnet.command import main

if __name__ == "__main__":
    sys.exit(main())
