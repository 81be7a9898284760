"""What a space was at any point, and why it is so: told in words, for a terminal and for the API alike."""
