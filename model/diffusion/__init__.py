"""What diffusion engines share: the noise schedule, attention, the autoencoder."""
