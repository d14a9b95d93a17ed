"""Clients' pictures, opened in one way for every task: upright, eight bits, alpha, colours."""
