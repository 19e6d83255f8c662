"""The configuration at the console: paste, edit, compare, commit, go back; and the password."""

from consoles import App, Board, said
from twinlease import revisions

OLD = b"authoritative;\nsubnet 10.0.0.0 netmask 255.255.255.0 {\n  range 10.0.0.10 10.0.0.99;\n}\n"


class Desk(App):
    """A board that notes why it is to start again."""

    def __init__(self, text=OLD):
        self.board = Board()
        self.kept = self.board.store.kept
        if text:
            self.kept[revisions.CONFIG] = text
        self.restarts = []

    def stop(self, why, last_act=None):
        self.restarts.append(why)

    def types(self, typed):
        return said(typed, self)


def test_a_pasted_configuration_is_edited_and_not_yet_served():
    desk = Desk()
    printed = desk.types(b"configure load\rdefault-lease-time 60;\r\n\tfoo bar?;\r\n\x04")
    assert "default-lease-time 60;\r\n\tfoo bar?;\r\n" in printed and "2 lines are" in printed
    assert desk.kept["candidate.conf"] == b"default-lease-time 60;\n\tfoo bar?;\n" and desk.kept["dhcpd.conf"] == OLD


def test_a_paste_that_is_given_up_or_no_text_changes_nothing():
    for octets, why in ((b"abc\x03", "nothing was changed"), (b"abc\xc3\xa4\x04", "not plain text (195)")):
        desk = Desk()
        assert why in desk.types(b"!1 configure load\r" + octets)
        assert desk.kept == {"dhcpd.conf": OLD}


def test_a_paste_has_a_limit():
    desk = Desk()
    assert "at most 32768" in desk.types(b"!1 configure load\r" + b"x" * 40000 + b"\x04!2 show version\r")
    assert desk.kept == {"dhcpd.conf": OLD}


def test_lines_are_put_in_and_taken_out_by_number():
    desk = Desk()
    desk.types(b"configure insert 3\r  # first\r  # second\r\x04configure delete 1\r")
    assert desk.kept["candidate.conf"] == OLD.replace(b"  range", b"  # first\n  # second\n  range")[15:]
    assert "  2   # first" in desk.types(b"configure list\r")
    desk.types(b"configure delete 2 3\r")
    assert desk.kept["candidate.conf"] == OLD[15:]
    for wrong in (b"delete 0", b"delete 9", b"delete x", b"delete 3 2", b"insert 77"):
        assert "!1 error" in desk.types(b"!1 configure " + wrong + b"\r"), wrong


def test_what_differs_is_shown_by_line():
    desk = Desk()
    assert "no difference" in desk.types(b"configure diff\r")
    desk.types(b"configure insert 2\rmax-lease-time 9;\r\x04configure delete 4\r")
    printed = desk.types(b"configure diff\r")
    assert "+   2 max-lease-time 9;\r\n" in printed and "-   3   range 10.0.0.10 10.0.0.99;\r\n" in printed
    assert printed.count("\r\n") == 3


def test_a_check_says_what_is_wrong_and_where():
    desk = Desk()
    assert "90 addresses" in desk.types(b"configure check\r")
    printed = desk.types(b"configure insert 2\rfish 7;\r\x04!1 configure check\r")
    assert "dhcpd.conf:2:1: error:" in printed and "fish" in printed and "!1 error" in printed


def test_a_commit_starts_the_board_with_what_was_edited():
    desk = Desk()
    printed = desk.types(b"configure insert 1\r# new\r\x04!1 commit\r")
    assert "goes back by itself" in printed and "!1 ok" in printed and len(desk.restarts) == 1
    assert desk.kept["dhcpd.conf"] == b"# new\n" + OLD and desk.kept["rollback.1.conf"] == OLD
    assert revisions.on_trial(desk.board.store) == 0


def test_a_commit_of_nothing_is_refused():
    desk = Desk()
    for typed in (b"!1 commit\r", b"!1 commit confirmed 0\r", b"!1 commit confirmed x\r", b"!1 commit confirm\r"):
        assert "!1 error" in desk.types(typed)
    assert not desk.restarts


def test_a_commit_for_minutes_is_on_trial_until_it_is_confirmed():
    desk = Desk()
    desk.types(b"configure insert 1\r# new\r\x04commit confirmed 5\r")
    assert revisions.on_trial(desk.board.store) == 5
    desk.trial = 5
    assert '"trial": 5}' in desk.types(b"!1 show config json\r")
    assert "kept" in desk.types(b"commit confirm\r")
    assert desk.trial == 0 and revisions.on_trial(desk.board.store) == -1


def test_earlier_configurations_can_be_edited_again():
    desk = Desk()
    for n in range(6):
        desk.types(b"configure insert 1\r# %d\r\x04commit\r" % n)
    assert sorted(desk.kept) == ["dhcpd.conf"] + ["rollback.%d.conf" % n for n in (1, 2, 3, 4)] + ["trial"]
    desk.types(b"rollback 3\r")
    assert desk.kept["candidate.conf"].startswith(b"# 2\n# 1\n# 0\nauth")
    assert "!1 error" in desk.types(b"!1 rollback 5\r") and "!1 error" in desk.types(b"!1 rollback x\r")


def test_what_is_refused_becomes_the_edited_one_with_the_reason():
    desk = Desk()
    desk.types(b"configure insert 1\r# new\r\x04commit\r")
    assert revisions.give_up(desk.board.store, "line 1: wrong")
    assert desk.kept["dhcpd.conf"] == OLD and desk.kept["candidate.conf"] == b"# new\n" + OLD
    assert revisions.on_trial(desk.board.store) == -1
    assert "When it was last tried: line 1: wrong" in desk.types(b"configure check\r")
    desk.kept["candidate.conf"] = b"fish;"
    printed = desk.types(b"!1 configure check\r")
    assert "last tried" in printed and "fish" in printed and "!1 error" in printed, (
        "what was said before a refusal is seen"
    )


def test_the_first_configuration_has_nothing_to_go_back_to():
    desk = Desk(None)
    desk.types(b"configure load\rfish;\r\x04commit\r")
    assert desk.kept["dhcpd.conf"] == b"fish;\n" and not revisions.give_up(desk.board.store, "no")
    assert desk.kept["dhcpd.conf"] == b"fish;\n" and revisions.on_trial(desk.board.store) == -1


class Cut(Exception):
    """The power goes."""


class Fragile:
    """A Store whose power goes before the nth change."""

    def __init__(self, store, n):
        self.store_, self.left = store, n
        self.load, self.has, self.pieces, self.lines = store.load, store.has, store.pieces, store.lines

    def _change(self, do, *args):
        if not self.left:
            raise Cut
        self.left -= 1
        do(*args)

    def store(self, name, octets):
        self._change(self.store_.store, name, octets)

    def write(self, name, pieces):
        self._change(self.store_.write, name, pieces)

    def rename(self, old, new):
        self._change(self.store_.rename, old, new)

    def remove(self, name):
        self._change(self.store_.remove, name)


def test_a_power_cut_anywhere_leaves_the_old_or_the_new_configuration_and_a_way_on():
    new = b"# new\n" + OLD
    for n in range(12):
        desk = Desk()
        desk.types(b"configure insert 1\r# old\r\x04commit\r")
        revisions.prove(desk.board.store)
        old = desk.kept["dhcpd.conf"]
        desk.kept["candidate.conf"] = new
        try:
            revisions.commit(Fragile(desk.board.store, n), 3)
        except Cut:
            pass
        served = desk.kept["dhcpd.conf"]
        assert served in (old, new)
        assert revisions.on_trial(desk.board.store) == (3 if served == new else -1), n
        if served != new:
            assert desk.kept["candidate.conf"] == new
            revisions.commit(desk.board.store, 3)
        for m in range(8):
            try:
                revisions.give_up(Fragile(desk.board.store, m), "why")
            except Cut:
                pass
            assert desk.kept["dhcpd.conf"] in (old, new)
            if revisions.on_trial(desk.board.store) < 0:
                break
        assert desk.kept["dhcpd.conf"] == old and desk.kept["candidate.conf"] == new


def test_a_password_locks_the_console():
    desk = Desk()
    assert "set; it is asked" in desk.types(b"password\rcorrect horse\rcorrect horse\r")
    assert b"correct" not in desk.kept["console.lock"]
    printed = desk.types(b"show version\runlock\rwrong horse\rshow version\r")
    assert printed.count("this console is locked") == 2 and "wrong password" in printed and "horse" not in printed
    printed = desk.types(b"unlock\rcorrect horse\rshow version\r\x04show version\r")
    assert printed.count("interpreter") == 1 and printed.count("this console is locked") == 1
    assert "this console is locked" in desk.types(b"!1 show version\r")
    assert "!2 ok" in desk.types(b"!1 unlock\rcorrect horse\r!2 show version\r")


def test_a_password_is_changed_and_removed_by_who_knows_it():
    desk = Desk()
    assert "differ" in desk.types(b"password\rcorrect horse\rcorrect house\r") and not desk.kept.get("console.lock")
    assert "at least 8" in desk.types(b"password\rshort\r")
    desk.types(b"password\rcorrect horse\rcorrect horse\r")
    assert "wrong" in desk.types(b"unlock\rcorrect horse\rpassword\rx\r")
    assert "no password from now on" in desk.types(b"unlock\rcorrect horse\rpassword\rcorrect horse\r\r")
    assert "interpreter" in desk.types(b"show version\r")
