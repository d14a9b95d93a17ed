"""Training of OOTDiffusion: the UNet that sees the garment, and the one that paints."""
