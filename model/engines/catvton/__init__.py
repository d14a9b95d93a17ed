"""CatVTON (arXiv 2407.15886): try-on by concatenating person and garment latents in one inpainting UNet."""
