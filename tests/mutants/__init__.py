"""Would the tests notice? `python -m tests.mutants` breaks one line at a time and runs the tests that must fail."""
