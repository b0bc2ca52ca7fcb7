"""How long a training step takes, beside other ways to make it: `python -m tests.benchmarks`."""
