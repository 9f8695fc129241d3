"""`python -m reconciler`: the command line where its console script is not installed."""

from reconciler.cli import main

if __name__ == "__main__":
    main()
