"""One file per command of `twinlease`: options in, library calls, words out."""
