"""One GPU (or the CPU): the thread that runs networks, and the batching behind the pipelines' back."""
