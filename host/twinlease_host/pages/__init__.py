"""Pages of docs/ that are made from what they are about: the console's commands, the boards (`make docs`)."""
