"""The read side: why a ping ended as it did."""
