"""What the inner stages ask of the outside, as protocols: adapters fulfil them, under one suite each."""
