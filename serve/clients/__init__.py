"""Clients of earlier services, unchanged: `CLIENTS` names those whose routes are here, a file each.

They map what they are asked to our requests, and our answers back.
"""
