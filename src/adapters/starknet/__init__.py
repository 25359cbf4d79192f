"""Starknet through starknet-py, and what importing it does to this process undone."""

import sys

_limit = sys.getrecursionlimit()
import starknet_py.net.account.account  # noqa: E402, F401

# py_ecc, below it, raises this a hundredfold: deep recursion would then end the process instead of
# raising RecursionError.
sys.setrecursionlimit(_limit)
