"""What holds for the repository as a whole: locks, import rules, the habits of the code."""
