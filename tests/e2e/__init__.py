"""The command line as its users run it: in processes of its own, over files and over a lake."""
