"""How each buyer is asked and understood: pure functions that build an ask and read a bid. Nothing here sends."""
