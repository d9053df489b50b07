"""The face of Ringbid in the terminal: `main` is the program, `app` its commands.

`commands` has every command with its options; what a command does is in the module it imports when it runs, so that
`ringbid --help` costs no more than reading the options.
"""

from ringbid.cli.commands import app, main

__all__ = ["app", "main"]
