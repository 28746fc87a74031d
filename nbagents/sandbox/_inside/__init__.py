"""What runs inside: the first process of a sandbox, which closes the doors and then starts the program.

It is run by a bare interpreter as a package of its own, with nothing of the rest of nbagents, so that it
starts in a few milliseconds; for that reason it imports little. What it needs to know are its arguments.
"""
