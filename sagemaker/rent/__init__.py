"""What can be rented, what the engines need of it, and the page that says which to take."""
