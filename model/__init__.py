"""Everything that computes. Nothing in here touches the network or knows HTTP."""
