"""What organisations do: events, what they mean, and who may write them. Pure: no clock, no I/O, no randomness."""
