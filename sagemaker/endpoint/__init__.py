"""What an endpoint consists of."""
