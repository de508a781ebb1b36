"""Engine and reference, side by side: worked cases of peers, random logs, laws, and a real bank's log."""
