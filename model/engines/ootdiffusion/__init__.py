"""OOTDiffusion (arXiv 2403.01779): try-on by a UNet whose self-attention also sees what another saw of the garment."""
