"""What must leave: a message, when it is tried, how it is signed, and what is needed of a store. Nothing here sends."""
