"""What every keeper of users' values must do."""
