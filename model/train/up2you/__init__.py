"""Training of UP2You's networks between photos and views on made-up people."""
