"""factory-reset at the console: asks, and then all that the board knows is gone, but how it is wired."""

from consoles import App, Board, said


class Flash:
    size, block_size = 3 * 4096, 4096

    def __init__(self):
        self.erased = []

    def erase(self, block):
        self.erased.append(block)


class Desk(App):
    """A board of hardware that serves."""

    def __init__(self):
        self.board = Board()
        self.board.leases = Flash()
        self.board.said = []
        self.board.say = self.board.said.append
        self.board.forgotten = []
        self.board.forget_person = lambda: self.board.forgotten.append(True)
        self.kept = self.board.store.kept
        self.board.store.remove_all = self.kept.clear
        self.kept["dhcpd.conf"] = b"x"
        self.last_act = None

    def stop(self, why, last_act=None):
        self.last_act = last_act


def test_everything_goes_once_the_service_has_ended():
    desk = Desk()
    printed = said(b"factory-reset\ryes\r", desk)
    assert "all that this board knows goes" in printed and desk.kept, "not before the service has ended"
    desk.last_act()
    assert not desk.kept and desk.board.leases.erased == [0, 1, 2] and desk.board.forgotten
    assert desk.board.said == ["Everything that this board knew is gone"]


def test_anything_but_yes_changes_nothing():
    desk = Desk()
    assert "nothing was changed" in said(b"factory-reset\ry\r", desk)
    assert desk.last_act is None
