"""The plain way to do what the engines do: stock diffusers modules in straightforward loops, one request at a time.

No work that the published code's result does not need, and nothing clever. What is measured is measured against this.
"""
