"""Money that cannot be lost or counted twice: entries that sum to zero, booked once, corrected only by further ones."""
