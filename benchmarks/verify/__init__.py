"""What the verifier catches, what it lets pass, and what that costs: ``python -m benchmarks.verify``."""
