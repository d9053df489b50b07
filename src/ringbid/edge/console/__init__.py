"""The console: one file per screen, templates and static files beside them."""
