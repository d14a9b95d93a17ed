"""A GPU's quarter hour: `python -m bench.gpu --minutes 14`. What begins it needs nothing but Python."""
