"""The commands of the command line: each module enters its own."""
