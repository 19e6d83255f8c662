"""From a new board to one that serves.  job.py is the whole of it; esp, uf2, image, board_files are its parts."""
