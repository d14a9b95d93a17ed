"""Sample pictures drawn by the project itself: people, garments and masks for trying the service out."""
