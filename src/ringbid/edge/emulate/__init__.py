"""Partners that are real servers on this machine: buyers that answer, publishers that ping."""
