"""The hinge of both flows: places held with buyers. Taken under a lock, moved by compare-and-set, never oversold."""
