"""Reading sdists and wheels without running them."""
