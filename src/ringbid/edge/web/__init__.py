"""The web application for people and their programs: what console and `/api/v1` have in common."""
