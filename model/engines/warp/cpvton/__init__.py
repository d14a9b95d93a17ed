"""CP-VTON+'s two networks, for the published `gmm_final.pth` and `tom_final.pth`."""
