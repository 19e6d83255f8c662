"""A factory reset: the board as it was when it was new, but for the firmware and how it is wired."""


def wipe(board):
    """Configuration, leases, password, address: all that the board knows goes."""
    board.files().remove_all()
    board.release_files()
    if board.name != "unix":
        board.forget_person()
    leases = board.leases
    for block in range(leases.size // leases.block_size if leases else 0):
        leases.erase(block)
    board.say("Everything that this board knew is gone")
