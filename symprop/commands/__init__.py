"""The commands of the command line: each module enters its own, and imports what a command needs when it runs."""
