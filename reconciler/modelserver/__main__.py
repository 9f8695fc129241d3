"""``python -m reconciler.modelserver``: the server without the rest of the command line."""

import sys

from reconciler.modelserver import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
