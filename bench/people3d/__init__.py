"""People in three dimensions whose colours are known everywhere."""
