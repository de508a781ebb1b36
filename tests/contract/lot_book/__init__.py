"""What every book of lots must do."""
