#!/usr/bin/env python3
# Copyright The auditchain Authors
# SPDX-License-Identifier: Apache-2.0
"""An independent verifier of auditchain journals, written from SPEC.md alone (its sections in brackets).

usage: verify.py [--key-file F]... [--public-key F] [--checkpoint F]... JOURNAL-or-FOLDER, or --proof F --public-key F

It prints JSON: the verdict, the exit code (0 verified, 3 tampered or truncated, 4 partly proven, 1 cannot verify),
notes, and the first bad place: broken (the chain does not go on there), forged, erased or missing. It looks no further.
"""
import base64, binascii, calendar, collections, contextlib, fcntl, fractions, functools, getopt, hashlib, hmac, io
import itertools, json, os, pathlib, re, stat, subprocess, sys, time

TOMBSTONE = rb'\{"erased":"([0-9a-f]{64})" *'
LINE = re.compile(rb'(\{"timestamp":"[^\0-\x1f]*|\{"control":"chain\.[^\0-\x1f]*|' + TOMBSTONE +
                  rb'),"seq":([1-9][0-9]{0,19}),"hmac":"([0-9a-f]{64})"\}\n')
SLOT = re.compile(r"(auditchain-head v1 (\d+) (\S+) (\S+) (\d+) (\d+) (\d+) (\S+) \d+ \S+) ([0-9a-f]{64}) *\n")
KEY = re.compile(r"auditchain-key v1 (?:verification|(forward-secure)) id=(\S+)(?(1) epoch=(\d+)) secret=([0-9a-f]{64})"
                 r"(?: chain=(\S+) first=\d+ seq=(\d+) hmac=([0-9a-f]{64}) size=\d+ since=\S+)?\n?")
PUBLIC_KEY = re.compile(r"auditchain-key v1 checkpoint-public id=(\S+) key=(\S+)\n?")
NOTE = re.compile(r"((\S+)\n(0|[1-9][0-9]{0,19})\n(\S+)\n)\n((?:— \S+ \S+\n)+)")
PROOF = re.compile(r"c2sp.org/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9][0-9]{0,19})\n((?:\S+\n)*)\n(.*)", re.S)
UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
FACTS = dict.fromkeys(("chain_id", "key_id", "key_mode", "checkpoint_key", "erasure_key", "retention")) | {"epoch": 0}
UNKNOWN = {"tree": None, "previous_leaf": "0" * 64}  # what a chain.segment says where nobody could know it
MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError)
Line = collections.namedtuple("Line", "raw file number offset seq tag leaf said control")
Key = collections.namedtuple("Key", "key_id key_mode epoch secret position")
Note = collections.namedtuple("Note", "text origin size root signatures")
Slot = collections.namedtuple("Slot", "generation chain key_id epoch first seq tag")
unhex, unbase64 = binascii.unhexlify, functools.partial(base64.b64decode, validate=True)

class Cannot(Exception):
    """Nothing can be claimed."""

def hold(*conditions):
    if not all(conditions):
        raise ValueError("something that was given is missing, or not of the form that it should have")

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def leaf_of(payload):
    erased = re.fullmatch(TOMBSTONE, payload)
    return unhex(erased[1]) if erased else sha256(b"\0", payload)

def unique(pairs):
    hold(len(dict(pairs)) == len(pairs))
    return dict(pairs)

def parse(raw, *place):
    """A Line: one that is ill-formed has no leaf, and one that is no JSON as it should be says None."""
    match, said = LINE.fullmatch(raw or b""), None
    if not match or int(match[3]) >= 1 << 64:
        return Line(raw, *place, 0, b"", b"", {}, None)
    with contextlib.suppress(*MALFORMED):  # int refuses NaN, and no number that is meant has so many digits
        members = json.loads(match[1].decode(errors="replace") + "}", object_pairs_hook=unique, parse_constant=int,
                             parse_int=lambda digits: int(digits[:25]))
        hold("seq" not in members, "hmac" not in members)
        said = members if raw.startswith(b'{"control"') else {}
    return Line(raw, *place, int(match[3]), unhex(match[4]), leaf_of(match[1]), said, said and said["control"])

def follows(line, seq, tag, key):
    """Whether a line goes on from this place; without a key, only its number tells."""
    message = b"auditchain/v1" + tag + line.seq.to_bytes(8, "big") + line.leaf
    return line.seq == seq + 1 and (not key or hmac.digest(key, message, "sha256") == line.tag)

def hkdf(key, info):
    return hmac.digest(hmac.digest(bytes(32), key, "sha256"), info + b"\1", "sha256")

def key_id(key):
    return sha256(b"auditchain key id", key)[:8].hex()

def read_key(raw):
    """A Key (4.3), and the position in the chain that its file says."""
    text = KEY.fullmatch(raw.decode("ascii", "replace"))
    secret = unhex(text[4]) if text else unhex(raw.strip()) if re.fullmatch(rb"[0-9a-fA-F]+\s*", raw) else raw
    ident, mode, epoch = (text[2], "forward-secure", int(text[3] or 0)) if text else (key_id(secret), "static", 0)
    hold(len(secret) >= 32, not secret.startswith(b"auditchain-key "), epoch > 0 or ident == key_id(secret))
    return Key(ident, mode, epoch, secret, (text[5], int(text[6]), unhex(text[7])) if text and text[5] else None)

def derive(ring, purpose, chain, said):
    """The derived key that somebody said; None where it is not at hand. No file makes it step for ever."""
    for key in ring:
        steps = said["epoch"] - key.epoch
        if key.key_id == said["key_id"] and said["key_mode"] in (None, key.key_mode) and 0 <= steps <= 1 << 20:
            secret = functools.reduce(hkdf, itertools.repeat(b"auditchain/v1/epoch", steps), key.secret)
            return hkdf(secret, b"auditchain/v1/" + purpose + unhex(chain.replace("-", "")))
    return None

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, I = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)

def point(raw):
    y = int.from_bytes(raw, "little") % 2**255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    roots = {factor * root % P for factor in (1, -1, I, -I)}
    (x,) = (x for x in roots if x * x % P == square and x % 2 == raw[31] >> 7)
    hold(len(raw) == 32, y < P)
    return x, y

def add(p, q):
    product = D * p[0] * p[1] * q[0] * q[1]
    x, y = p[0] * q[1] + p[1] * q[0], p[1] * q[1] + p[0] * q[0]
    return x * pow(1 + product, -1, P) % P, y * pow(1 - product, -1, P) % P

def times(scalar, p):
    doubled = times(scalar // 2, add(p, p)) if scalar else (0, 1)
    return add(doubled, p) if scalar % 2 else doubled

@functools.lru_cache(maxsize=1024)
def ed25519(public, message, signature):
    with contextlib.suppress(*MALFORMED):
        s, base = int.from_bytes(signature[32:], "little"), point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
        k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
        hold(len(signature) == 64, s < ORDER)
        return times(s, base) == add(point(signature[:32]), times(k, point(public)))
    return False

def signed(public, signature, *lines):
    return ed25519(unbase64(public), "".join(f"{line}\n" for line in lines).encode(), unbase64(signature))

def read_note(whole):
    text, origin, size, root, marks = NOTE.fullmatch(whole).groups()
    marks = [unbase64(mark) for mark in re.findall(rf"— {re.escape(origin)} (\S+)\n", marks)]
    return Note(text.encode(), origin, int(size), unbase64(root), marks)

def signs(public, note):
    """Whether one of the signatures that are under the name of the origin is by this key."""
    mark = sha256(note.origin.encode(), b"\n\1", unbase64(public))[:4]
    return any(each[:4] == mark and ed25519(unbase64(public), note.text, each[4:]) for each in note.signatures)

def der(raw, *path):
    """The content of the DER element that the path leads to: at each step its index among its neighbours."""
    for index in path:
        for _ in range(index + 1):
            begin = 2 + (raw[1] & 127 if raw[1] > 127 else 0)
            end = begin + int.from_bytes(raw[2:begin] or raw[1:2], "big")
            content, raw = raw[begin:end], raw[end:]
        raw = content
    return raw

def root_of(peaks):
    return functools.reduce(lambda right, left: sha256(b"\1", left, right), reversed(peaks))

def root_above(leaf, index, size, path):
    """The root that an inclusion proof leads to, from the leaf up (RFC 6962, 2.1.1); empty where it leads nowhere."""
    if size == 1 or not path:
        return leaf if size == 1 and not path else b""
    split = 1 << (size - 1).bit_length() - 1
    if index < split:
        return sha256(b"\1", root_above(leaf, index, split, path[:-1]), path[-1])
    return sha256(b"\1", path[-1], root_above(leaf, index - split, size - split, path[:-1]))

def proof_holds(text, public):
    """Whether a proof that a record is in the tree of a checkpoint holds (10.5)."""
    payload, index, path, note = PROOF.fullmatch(text).groups()
    leaf, path, note = leaf_of(unbase64(payload)), [unbase64(line) for line in path.split()], read_note(note)
    return int(index) < note.size and note.root == root_above(leaf, int(index), note.size, path) and signs(public, note)

def allows(policy, stayed, *times_of):
    """Whether a policy of retention allows a pruning (7.5); one that is malformed allows nothing."""
    with contextlib.suppress(*MALFORMED):
        keep, text = policy.get("keep", 0), policy.get("keep_for", "")
        parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|ns|m|s)", text)
        hold("".join(map("".join, parts)) == text, keep >= 0)
        keep_for = sum(fractions.Fraction(number) * UNITS[unit] for number, unit in parts)
        begun, now = (calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(stamp[20:29])
                      for stamp in times_of)
        return (keep > 0 or keep_for > 0) and stayed >= keep and now - begun >= keep_for
    return False

def open_regular(path):
    hold(stat.S_ISREG(os.lstat(path).st_mode))
    file = open(path, "rb")
    fcntl.flock(file, fcntl.LOCK_SH)
    return file

def read_lines(path):
    """The Lines of a file, and behind them one that is empty; it is of None where no more can be decompressed."""
    with open_regular(path) as file:
        raws = list(file)
    if path.endswith(".zst"):
        ran = subprocess.run(["zstd", "-dcq", "--memory=8MiB"], input=b"".join(raws), capture_output=True)
        raws = [raw for raw in io.BytesIO(ran.stdout) if raw.endswith(b"\n") or not ran.returncode]
        raws += [None] if ran.returncode else []
    offsets = itertools.accumulate((len(raw or b"") for raw in raws), initial=0)
    return [parse(raw, os.path.basename(path), *at) for raw, *at in zip(raws + [b""], itertools.count(1), offsets)]

def read_watermark(path, ring):
    """The Slot that counts (7.1), or None; and whether the watermark is degraded."""
    raw, valid = "", []
    with contextlib.suppress(FileNotFoundError), open_regular(path) as file:
        raw = file.read(1024).decode("latin-1")
    for index, slot in enumerate((raw[:512], raw[512:])):
        with contextlib.suppress(*MALFORMED):  # it is not valid then
            text, generation, chain, ident, epoch, first, seq, mac, tag = SLOT.fullmatch(slot).groups()
            key = derive(ring, b"head", chain, {"key_id": ident, "key_mode": None, "epoch": int(epoch)})
            hold(len(slot) == 512, int(generation) % 2 == index)
            hold(not ring or hmac.digest(key, text.encode(), "sha256") == unhex(tag))
            valid = sorted([*valid, Slot(int(generation), chain, ident, int(epoch), int(first), int(seq), unhex(mac))])
    successive = len(valid) == 2 and valid[0].chain == valid[1].chain and valid[0].generation + 1 == valid[1].generation
    return (valid[-1] if valid else None), not (successive or [slot.generation for slot in valid] == [1])

class Journal:
    def __init__(self, path, ring, given):
        """Reads all files: in their order, each with the number in its name, which is None for the newest."""
        path = os.path.join(path, "audit.jsonl") if os.path.isdir(path) else path
        folder, name = os.path.split(os.path.abspath(path))
        ring = sorted(ring, key=lambda key: key.epoch)  # of two, the one kept away from the host counts
        self.ring, self.given, self.notes, self.locks, self.peaks = ring, given, [], [], []
        self.keys, self.facts, self.proven, self.tail = {}, {}, 0, False
        for lock in (path + ".lock", path):  # one lock is enough to be kept apart from writers
            with contextlib.suppress(FileNotFoundError, PermissionError):
                self.locks.append(open_regular(lock))
        self.alone = re.fullmatch(r"(.*)-(\d{20})(\.[^.]*)(\.zst)?", name)
        stem, extension = map(re.escape, os.path.splitext(name))
        pattern = r".*-(\d{20})\..*" if self.alone else rf"{stem}-(\d{{20}}){extension}(\.zst)?"
        entries = [name] if self.alone else sorted(os.listdir(folder), reverse=True)  # the plain one of two counts
        matches = [match for match in map(re.compile(pattern).fullmatch, entries)
                   if match and stat.S_ISREG(os.lstat(os.path.join(folder, match[0])).st_mode)]
        finished = {int(match[1]): os.path.join(folder, match[0]) for match in matches}
        self.files = [(first, read_lines(entry)) for first, entry in sorted(finished.items())]
        newest = os.path.join(folder, self.alone[1] + self.alone[3]) if self.alone else path
        self.claim, self.degraded = read_watermark(newest + ".head", ring)
        self.known = self.claim if ring else None  # without a key, it is but a claim (8.1)
        self.slot = self.known if self.known and not (self.alone and self.known.first not in finished) else None
        if not self.alone and os.path.lexists(path):
            self.files.append((None, read_lines(path)))
            lines, beyond = self.files[-1][1], finished and (not self.slot or self.slot.first in finished)
            if beyond and not lines[0].leaf and (self.slot or not any(line.leaf for line in lines)):
                self.tail = self.files.pop()[1][0].raw != b""  # a crash while it was begun (7.2)
        if not self.files and not self.slot:
            raise Cannot("there is no journal here")
        self.start = self.files[0][1][0] if self.files else parse(b"", name, 1, 0)

    def derive(self, said):
        return derive(self.ring, b"mac", self.chain, said)

    def controls(self, *names):
        return [line for line in self.lines if line.control in names]

    def ours(self, note):
        signers = {line.said.get("checkpoint_key") for line in self.lines} - {None}
        return note.origin == "auditchain/" + self.chain and any(signs(key, note) for key in signers)

    def pinned(self):
        return max([0] + [p[0] for p in self.pins] + [n.size for n in self.given if not self.alone and self.ours(n)])

    def walk(self):
        """Goes along the lines, and raises at the first bad one; self.bad is it, the seq that belongs there, a kind."""
        self.bad = self.start, 1, "missing"
        for index, (first, lines) in enumerate(self.files):
            size = reason = None  # where the next file says that this one ends, and why it was begun (7.3)
            with contextlib.suppress(*MALFORMED):
                after = self.files[index + 1][1][0]
                before = after.said["previous"]
                hold(before["first"] == first)
                hold(follows(after, before["seq"], unhex(before["hmac"]), self.derive({"epoch": 0} | after.said)))
                size, reason = int(before["size"]), after.said["reason"]
            last, inside = index + 1 == len(self.files), [line for line in lines if size is None or line.offset < size]
            for line in inside:
                before = self.lines[-1]
                self.bad = line, before.seq + 1, "broken"
                if line.leaf:
                    self.step(line, before, first)
                elif line.raw == b"":
                    self.bad = line, before.seq + 1, "missing"
                    hold(size is None, first is None or line.number > 1)
                else:
                    cut = line.raw and not line.raw.endswith(b"\n") and (last or size)
                    self.bad = line, before.seq + 1, "missing" if cut else "broken"
                    hold(last, line.raw, before.seq >= self.pinned(), line.offset or first is None)
                    low = self.claim and [self.claim.chain, *self.ring] == [self.chain] and self.claim.seq <= before.seq
                    hold(self.slot or low or not any(later.leaf for later in lines[line.number:]))
                    self.tail = True
                    break
            before = self.lines[-1]
            for line in lines[len(inside):-1]:  # abandoned, or tampering
                self.bad = line, before.seq + 1, "broken"
                hold(line.raw is not None, reason not in ("size", "age", "request", "key"))
                hold(not line.leaf or follows(line, before.seq, before.tag, self.key))
                self.notes.append(f"{line.file} line {line.number} is abandoned by the next file")
                if not line.leaf:
                    break
                before = line
        end, slot, seq = self.bad[0], self.slot, self.lines[-1].seq
        erased = {(line.said["erased_seq"], line.said["leaf"]): line.seq for line in self.controls("chain.erased")}
        for line in self.lines:
            self.bad, allowed = (line, line.seq, "erased"), erased.get((line.seq, line.leaf.hex()), 0)
            hold(allowed > line.seq or not line.raw.startswith(b'{"erased"') or self.alone)
            if allowed and not line.raw.startswith(b'{"erased"'):
                self.notes.append(f"line {line.seq} may be erased (line {allowed}), and is not")
        self.bad = end, seq + 1, "missing"
        hold(self.pinned() <= seq, not slot or self.keys.get(slot.seq, slot[2:4]) == slot[2:4])
        self.bad = None

    def step(self, line, before, first):
        """One line of the chain: its place, what it says, and what else is known of it."""
        begins = line.control in ("chain.genesis", "chain.segment")
        self.key = self.derive(self.facts or FACTS | line.said)  # the first line says it itself
        hold(follows(line, before.seq, before.tag, self.key), line.raw.decode(), line.said is not None)
        hold(begins == (line.number == 1), (line.control == "chain.genesis") == (line.seq == 1))
        hold(not begins or first in (None, line.seq) and line.said.get("key_id"))
        self.bad = line, line.seq, "forged"
        hold(begins or before.control not in ("chain.key", "chain.signer"))
        if line.control:
            self.obey(line, FACTS | line.said, before, self.facts)
        self.lines.append(line)
        self.proven += bool(self.key)
        self.peaks.append(line.leaf)
        while len(self.peaks) > line.seq.bit_count():
            self.peaks[-2:] = [sha256(b"\1", *self.peaks[-2:])]
        hold(all(note.root == root_of(self.peaks) for note in self.given if note.size == line.seq and self.ours(note)))
        if begins:
            self.facts |= {"previous_leaf": line.leaf.hex(), "previous": {"first": line.seq}}
        self.facts["previous"] |= {"seq": line.seq, "hmac": line.tag.hex(), "size": line.offset + len(line.raw)}
        self.facts["tree"] = self.facts["checkpoint_key"] and [peak.hex() for peak in self.peaks]
        self.keys[line.seq], self.key = (self.facts["key_id"], self.facts["epoch"]), self.derive(self.facts)
        self.bad = line, line.seq, "broken"
        hold(all(tag == line.tag for seq, tag in self.pins if seq == line.seq))
        if self.proven and not self.key and self.facts["key_id"] not in [key.key_id for key in self.ring]:
            raise Cannot(f"a later key is missing: lines up to {line.seq} are proven, what follows is not")
        if line.control == "chain.break":
            self.bad = before, before.seq, "broken"
            hold(line.said["found"] != "foreign")

    def obey(self, line, said, before, facts):
        """What a control record says (5), checked and taken over; MALFORMED where it does not hold."""
        match line.control:
            case "chain.genesis" | "chain.segment":
                if said["format"] != 1 or line.seq == 1 and (said["leaf"], said["mac"]) != ("sha256", "hmac-sha256"):
                    raise Cannot("an unsupported version of the format")
                if not facts:
                    facts |= {name: said[name] for name in FACTS}
                    self.peaks, public = [unhex(peak) for peak in said.get("tree", ())], facts["checkpoint_key"]
                    hold(not public or len(self.peaks) == before.seq.bit_count() and len(unbase64(public)) == 32)
                hold(all(said.get(name) in (value, UNKNOWN.get(name, value)) for name, value in facts.items()))
                hold(said["chain_id"] == self.chain)
            case "chain.epoch":
                hold(facts["key_mode"] == "forward-secure", said["epoch"] == facts["epoch"] + 1)
                facts["epoch"] = said["epoch"]
            case "chain.key":
                key, ids = self.derive(said), (facts["key_id"] + said["key_id"]).encode()
                chain, seq = unhex(self.chain.replace("-", "")), line.seq.to_bytes(8, "big")
                proof = key and hmac.digest(key, b"auditchain/v1/key" + chain + seq + before.tag + ids, "sha256").hex()
                hold(proof in (None, said["proof"]))
                facts |= {name: said[name] for name in ("key_id", "key_mode", "epoch")}
            case "chain.signer":
                old, new = said["previous_key"], said["checkpoint_key"]
                text = ("auditchain/v1/signer", self.chain, line.seq, before.tag.hex(), old, new)
                hold(old == facts["checkpoint_key"], signed(old, said["signature"], *text))
                hold(signed(new, said["new_signature"], *text))
                facts["checkpoint_key"] = new
            case "chain.checkpoint":
                note = read_note(said["note"])
                hold(note.origin == "auditchain/" + self.chain, signs(facts["checkpoint_key"], note))
                hold((note.size, note.root) == (before.seq, root_of(self.peaks)))
            case "chain.timestamp":
                if said["size"] > self.lines[0].seq:  # the checkpoint of that size stands in the next line
                    note = self.lines[said["size"] - self.lines[0].seq + 1].said["note"]
                    hold(sha256(note.encode()).hex() == said["note_sha256"])
                kind, token = der(unbase64(said["token"]), 0, 0), der(unbase64(said["token"]), 0, 1, 0, 2)
                imprint = der(token, 1, 0, 0, 2)
                hold(kind.hex() == "2a864886f70d010702", der(token, 0).hex() == "2a864886f70d0109100104")
                hold(der(imprint, 0, 0).hex() == "608648016503040201", der(imprint, 1).hex() == said["note_sha256"])
            case "chain.erased":
                who, reason = (sha256(said[name].encode()).hex() for name in ("who", "reason"))
                text = "auditchain/v1/erase", self.chain, said["erased_seq"], said["leaf"], said["ordered"], who, reason
                hold(signed(facts["erasure_key"], said["signature"], *text))
            case _ if line.control not in ("chain.opened", "chain.closed", "chain.pruned", "chain.recovered"):
                self.notes.append(f"line {line.seq} is a {line.control} ({said.get('found', 'unknown')})")

    def judge(self, given_keys, public):
        """The verdict (8)."""
        opening = next((lines[0] for _, lines in self.files if lines[0].raw), self.start)  # an empty file says nothing
        said, slot, ring, start = opening.said or {}, self.slot, self.ring, (self.start, 1, "broken")
        if not self.known and not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(said.get("chain_id"))):
            if opening.seq > 1:
                self.bad = start
                return "tampered"
            raise Cannot("the first line does not say which chain it is, and there is no valid watermark")
        self.chain, began, tag = self.known.chain if self.known else said["chain_id"], 0, bytes(32)
        with contextlib.suppress(*MALFORMED):
            if opening.control == "chain.segment" and opening is self.start and self.files[0][0] in (None, opening.seq):
                began, tag = int(said["previous"]["seq"]), unhex(said["previous"]["hmac"])
        self.lines = [Line(b"", "", 0, 0, began, tag, b"", {}, None)]  # what the first line goes on from
        own = [key for key in ring if key.position and key.position[0] == self.chain]
        self.pins = [key.position[1:] for key in own if not self.alone] + ([(slot.seq, slot.tag)] if slot else [])
        with contextlib.suppress(*MALFORMED):  # self.bad says what
            self.walk()
        starts = self.controls("chain.genesis", "chain.segment")
        prunings = [(line, start, sum(start.seq < later.seq < line.seq for later in starts))  # how many files stayed
                    for line in self.controls("chain.pruned") for start in starts
                    if start.seq < line.seq and start.said.get("previous") == line.said.get("through", 0)]
        if began and self.lines[1:] and not self.alone and not prunings:
            self.bad = start
        named = [key for key in ring if (key.key_id, key.key_mode) == (said.get("key_id"), said.get("key_mode"))]
        if ring and not named and not self.proven and not self.known:
            every = self.lines[:1] + [line for _, lines in self.files for line in lines[:-1]]
            keys = [self.derive(key._asdict()) for key in ring]
            genuine = [line.seq for before, line in itertools.pairwise(every) if line.leaf and any(
                       follows(line, line.seq - 1, before.tag, key) for key in keys)]
            if genuine[:1] in ([], [1]):  # where line 1 is genuine, the key is of another kind than the chain's
                raise Cannot("wrong key: the first line names another one")
            self.bad = self.bad or start
        if self.bad:
            return "truncated" if self.bad[2] == "missing" else "tampered"
        removed = [note for note in self.given if note.size < began and note.origin == "auditchain/" + self.chain]
        if not all(note in removed or self.ours(note) for note in self.given) or public and (
                public not in [line.said.get("checkpoint_key") for line in self.lines]):
            raise Cannot("a checkpoint that was given, or the public key, is none that this chain had")
        unsure = not slot or self.degraded
        held = max([note.size for note in self.given if note.size > began], default=0)
        covered = max([held] + [line.seq - 1 for line in self.controls("chain.checkpoint")])
        last_record = max([line.seq for line in self.lines[1:] if not line.control], default=0)
        in_force = {line.said.get("key_id") for line in self.lines}
        breaks = {line.said["found"] for line in self.controls("chain.break")}
        allowed = any(allows(self.facts["retention"], stayed, start.said.get("time"), line.said.get("time"))
                      for line, start, stayed in prunings if ring or line.seq <= covered)
        doubts = {
            "a writer met no good watermark": any("watermark" in line.said for line in self.controls("chain.opened")),
            "a break left something open": breaks - {"missing", "replaced", "shorter", "altered"},
            "a key came in at a later epoch": any(line.said.get("epoch") for line in self.controls("chain.key")),
            "the chain begins at a later epoch": ring and said.get("epoch") and not (began and held),
            "a key is in force nowhere": any(key.key_id not in in_force for key in given_keys[:1 if began else None]),
            "a key is another chain's": any(key.key_id in in_force and key.position for key in ring if key not in own),
            "one segment was verified alone": self.alone,
            "records stand behind the last checkpoint": not ring and last_record > covered,
            "lines without their key were checked in form and order": ring and self.proven < self.lines[-1].seq - began,
            "segments were removed, and nothing proven allows that": began and not self.alone and not allowed,
            "nothing valid pins the end": (unsure or slot.seq <= began) and (not held or held < last_record),
            "nothing tells whether the unfinished end is that of a crash": self.tail and unsure,
        }
        self.notes += [text for text, applies in doubts.items() if applies]
        return "partly proven" if any(doubts.values()) else "verified, crash tail" if self.tail else "verified"

def verify(*arguments):
    """What there is to say of what a command line names."""
    notes, texts = [], {"key-file": [], "public-key": [], "checkpoint": [], "proof": []}
    try:
        options, paths = getopt.gnu_getopt(arguments, "", [f"{name}=" for name in texts])
        for name, path in options:
            texts[name[2:]].append(pathlib.Path(path).read_bytes())
        keys, public = [read_key(raw) for raw in texts["key-file"]], None
        for raw in texts["public-key"]:
            ident, public = PUBLIC_KEY.fullmatch(raw.decode()).groups()
            hold(ident == key_id(unbase64(public)))
        hold(keys or public)
        for raw in texts["proof"]:
            return {"exit": 0 if proof_holds(raw.decode(), public) else 3}
        given = [read_note(note) for raw in texts["checkpoint"]
                 for note in re.split(r"(?<=\n)\n(?!— )", raw.decode().rstrip("\n") + "\n")]
        journal = Journal(*(paths or ["audit.jsonl"]), keys, given)
        notes = journal.notes
        verdict = journal.judge(keys, public)
        place = journal.bad and (*journal.bad[0][1:4], *journal.bad[1:])
        place = place and dict(zip(("file", "line", "offset", "seq", "kind"), place))
        code = {"tampered": 3, "truncated": 3, "partly proven": 4}.get(verdict, 0)
        return {"verdict": verdict, "exit": code, "first_bad": place, "notes": notes}
    except (Cannot, OSError, getopt.error, *MALFORMED) as error:
        return {"verdict": "cannot verify", "exit": 1, "first_bad": None, "notes": notes + [str(error)]}

if __name__ == "__main__":
    answer = verify(*sys.argv[1:])
    print(json.dumps(answer))
    sys.exit(answer["exit"])
