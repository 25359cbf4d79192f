"""Starknet: reads over plain JSON-RPC, writes through starknet-py."""
