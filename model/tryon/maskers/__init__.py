"""Makers of masks behind one interface, and what is done to a mask after it was made."""
