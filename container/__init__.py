"""Process entry points and supervision: `python -m container serve`."""
