"""What is taken in: requests read, bounded, checked, and acknowledged once they are durable."""
