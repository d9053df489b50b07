"""HTTP in: parse once, call the flow, render once."""
