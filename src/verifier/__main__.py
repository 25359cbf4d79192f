"""``python -m tileproof.verifier``: the same as ``tileproof verifier run``, with its options."""

from __future__ import annotations

import sys

from ..cli.__main__ import main

if __name__ == "__main__":
    sys.argv[1:1] = ["verifier", "run"]
    main()
