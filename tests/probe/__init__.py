"""An engine that does what a test tells it: wait, fail, hang, die. It runs in real worker processes.

`python -m tests.probe serve` is `python -m container serve` with this engine beside the real ones.
"""
