"""Benchmarks, one command each: `python -m bench.front`, or `python -m bench` for all but the slowest.

Each measures against something plain in the same run, taking turns, because absolute times belong to a machine and a
moment. Results are in `bench/results/`.
"""
