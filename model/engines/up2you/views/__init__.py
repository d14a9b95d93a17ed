"""The six views of UP2You: one UNet, two adapters, reference attention."""
