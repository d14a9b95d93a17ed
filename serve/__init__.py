"""The front process: HTTP, admission, jobs, inputs and outputs. Nothing in here imports torch."""
