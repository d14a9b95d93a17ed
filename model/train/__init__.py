"""Training: the autoencoder, and CatVTON's UNet with and without masks, into weights that are served as they are."""
