"""Clients made from the OpenAPI document by other people's generators, each used by a program of a page."""
