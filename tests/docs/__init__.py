"""The pages a user reads, run as the user would: page parses them, run_page runs them."""
