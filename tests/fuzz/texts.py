"""Spoilt configurations: a ConfError that says where, or a configuration that serves; nothing else."""

import re

from confs import read
from packets import BASIC
from test_conf_image import RICH
from test_conf_mutants import GOOD, PIECES
from test_conf_networks import TWO
from twinlease import conf
from twinlease.conf import image, image_writer
from twinlease.lease.table import Table
from twinlease.node import Link, Node

from ..interop.test_conf_against_dhcpd import CASES
from . import networks
from .datagrams import Author, Dice
from .watch import alarm, blocks, rearm

_ROWS_MAX = 600  # a larger table takes longer to make than everything else here
_TOKEN = re.compile(r'"[^"]*"|[A-Za-z0-9_-]+|\s+|.', re.S)


def corpus():
    texts = [BASIC, RICH, GOOD, TWO, *networks.ALL, read("seed-fixed.conf"), read("seed.conf")]
    texts.extend([case[2] for case in CASES])
    return [_TOKEN.findall(text) for text in texts]


class Spoiler:
    def __init__(self, dice):
        self.dice = dice
        self.corpus = corpus()

    def next(self):
        """A text, str or bytes."""
        dice = self.dice
        tokens = list(dice.pick(self.corpus))
        if dice.one_in(6):
            tokens += dice.pick(self.corpus)
        for _ in range(1 + dice.below(1 + dice.below(6)) if dice.below(8) else 0):
            self._change(tokens)
        text = "".join(tokens)
        if dice.one_in(4):
            return self._spoil(text.encode("utf8", "replace"))
        return text

    def _change(self, tokens):
        dice = self.dice
        at = dice.below(len(tokens) + 1)
        end = min(at + 1 + dice.below(6), len(tokens))
        way = dice.below(8)
        if way == 0:
            del tokens[at:end]
        elif way == 1:
            tokens[at:at] = [" ", dice.pick(PIECES), " "]
        elif way == 2:
            tokens[at:end] = tokens[at:end] * (2 + dice.below(3))
        elif way == 3:
            other = dice.pick(self.corpus)
            start = dice.below(len(other))
            tokens[at:end] = other[start : start + 1 + dice.below(12)]
        elif way == 4 and at < len(tokens):
            tokens[at] = dice.pick(dice.pick(self.corpus))
        elif way == 5 and at < len(tokens) and tokens[at].isdigit():
            tokens[at] = dice.pick(("0", "1", "255", "256", "-1", "65536", "4294967295", "4294967296", "0x1f", "08"))
        elif way == 6 and dice.one_in(6):
            deep = dice.pick(
                ("(", "not (", "concat(", "if known {", "group {", "{", "shared-network x {", 'class "c" {')
            )
            tokens[at:at] = [deep] * dice.pick((5, 11, 13, 50, 500))
        elif way == 7 and end < len(tokens):
            tokens[at], tokens[end] = tokens[end], tokens[at]

    def _spoil(self, octets):
        dice = self.dice
        octets = bytearray(octets)
        for _ in range(1 + dice.below(4)):
            at = dice.below(len(octets) + 1)
            way = dice.below(4)
            if way == 0:
                octets[at : at + dice.below(20)] = b""
            elif way == 1:
                octets[at:at] = dice.octets(1 + dice.below(6))
            elif way == 2:
                octets[at : at + 1] = bytes((dice.pick((0, 10, 34, 35, 47, 92, 123, 125, 127, 255)),))
            else:
                octets[at:] = b""
        return bytes(octets)


def _check_problems(problems, severities, files, lines):
    for p in problems:
        assert p.severity in severities and p.file in files, str(p)
        assert 1 <= p.line <= lines + 1 and p.column >= 1 and p.message, str(p)
        assert isinstance(p.message, str) and isinstance(p.advice, str)


def load(text):
    """A Config, or None for a ConfError that is as it should be."""
    lines = len(text)
    files = ["mutant"]

    def read_file(name):
        files.append(name)
        return text

    try:
        config = conf.load(text, "mutant", read_file)
    except conf.ConfError as bad:
        assert len(bad.problems) <= 80 and len(str(bad)) < 40000
        assert any(p.severity == "error" for p in bad.problems)
        _check_problems(bad.problems, ("error", "warning"), files, lines)
        return None
    _check_problems(config.problems, ("warning",), files, lines)
    return config


def _node(config):
    link = Link("eth0", networks.HERE, config.networks[0] if config.networks else None)
    return Node(config, Table(config.ranges, config.pools), [link])


def _serve(config, dice):
    """A configuration that is accepted serves, and its image serves in the same way."""
    twins = [_node(config), _node(image.load(b"".join(image_writer.dump(config, []))))]
    places = [bytes(subnet.net[:3]) + b"\1" for subnet in config.subnets] or [networks.HERE]
    author = Author(dice, places)
    for _ in range(6):
        octets = author.next()
        said = []
        for node in twins:
            reason = node.on_dhcp(octets, len(octets), 0, 100000)
            said.append((reason, bytes(node.arena.buf[: node.send_size[0]]) if node.sends else b""))
            node.done()
        assert said[0] == said[1], "the image serves something else"


def spoil_texts(seed, n):
    """Load n spoilt texts; returns how many were good after all."""
    spoiler = Spoiler(Dice(seed))
    good = 0
    with alarm():
        for i in range(n):
            rearm()
            text = spoiler.next()
            try:
                config = load(text)
                if config is not None:
                    good += 1
                    if config.rows <= _ROWS_MAX:
                        _serve(config, spoiler.dice)
            except BaseException:
                print("text %d: %r" % (i, text))
                raise
    return {"configurations": n, "of them good": good}


def grow_texts(seed, n):
    """The same n texts twice: the second time leaves nothing behind."""
    spoiler = Spoiler(Dice(seed))
    texts = [spoiler.next() for _ in range(n)]
    before = 0
    for _ in range(2):
        before = blocks()
        for text in texts:
            load(text)
    grown = blocks() - before
    assert grown < n // 10 + 50, "%d blocks of memory more after %d configurations" % (grown, n)
    return {"configurations": 2 * n}
