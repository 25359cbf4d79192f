"""``python -m tileproof.verifier``: the same as ``tileproof verifier run``, with its options."""

import sys
from importlib import import_module

if __name__ == "__main__":
    # Ports are wired to roles in the command line, which lies above this package.
    sys.argv[1:1] = ["verifier", "run"]
    import_module("..cli.__main__", __package__).main()
