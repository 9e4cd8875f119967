#!/usr/bin/env python3
# Copyright The auditchain Authors
# SPDX-License-Identifier: Apache-2.0
"""An independent verifier of auditchain journals, written from SPEC.md alone (its sections in brackets).

usage: verify.py [--key-file F]... [--public-key P] [--checkpoint FILE]... [--json] JOURNAL-or-FOLDER
       verify.py --proof FILE --public-key P
       verify.py --batch < jobs   (JSON objects of such options, one a line; an answer a line)

It passes along the lines once and stops at the first bad place: broken (the chain does not go on there), forged,
erased or missing. Exit code: 0 verified, 3 tampered or truncated, 4 partly proven, 1 cannot verify.
"""
import argparse, base64, calendar, collections, contextlib, fcntl, fractions, functools, hashlib, hmac, json, os
import pathlib, re, stat, subprocess, sys, time

TOMBSTONE = rb'\{"erased":"([0-9a-f]{64})" *'
LINE = re.compile(rb'(\{"timestamp":"[^\0-\x1f]*|(\{"control":"chain\.[^\0-\x1f]*)|' + TOMBSTONE +
                  rb'),"seq":([1-9][0-9]{0,19}),"hmac":"([0-9a-f]{64})"\}\n')
KEY = re.compile(r"auditchain-key v1 (?:verification id=(\S+)|forward-secure id=(\S+) epoch=(\d+))"
                 r" secret=([0-9a-f]{64})"
                 r"(?: chain=(\S+) first=\d+ seq=(\d+) hmac=([0-9a-f]{64}) size=\d+ since=\S+)?\n?")
PUBLIC_KEY = re.compile(r"auditchain-key v1 checkpoint-public id=(\S+) key=(\S+)\n?")
NOTE = re.compile(r"((\S+)\n(0|[1-9][0-9]{0,19})\n(\S+)\n)\n((?:— \S+ \S+\n)+)")
PROOF = re.compile(r"c2sp.org/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9][0-9]{0,19})\n((?:\S+\n)*)\n(.*)", re.S)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNITS = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
FACTS = ("chain_id", "key_id", "key_mode", "epoch", "checkpoint_key", "erasure_key", "retention")  # said by each file
MALFORMED = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
File = collections.namedtuple("File", "path name first start")  # first: by its name; start: its first line as it stands
Key = collections.namedtuple("Key", "id mode epoch secrets position")  # secrets of the epochs from its own on
Line = collections.namedtuple("Line", "payload seq tag leaf kind")
Note = collections.namedtuple("Note", "origin size root signatures signed whole")
Place = collections.namedtuple("Place", "file line offset seq kind")
Slot = collections.namedtuple("Slot", "generation chain key_id epoch first seq tag")

class Cannot(Exception):
    """Nothing can be claimed."""

class Bad(Exception):
    """The first bad Place."""

def hold(*conditions):
    if not all(conditions):
        raise ValueError("not of the form that it should have, or what it says does not hold")

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unbase64(text):
    return base64.b64decode(text, validate=True)

# -- lines (2), the chain (3) and its keys (4)

def parse_line(raw):
    """The Line, or None where it is ill-formed; raw is None where a file cannot be read further."""
    match = LINE.fullmatch(raw or b"")
    if not match or int(match[4]) >= 1 << 64:
        return None
    leaf = bytes.fromhex(match[3].decode()) if match[3] else sha256(b"\0", match[1])
    kind = "tombstone" if match[3] else "control" if match[2] else "record"
    return Line(match[1], int(match[4]), bytes.fromhex(match[5].decode()), leaf, kind)

def unique(pairs):
    hold(len(dict(pairs)) == len(pairs))
    return dict(pairs)

def members(line, errors="strict"):
    """What a payload says; None where it is no JSON. (int refuses NaN; a number that is too long for it stays text.)"""
    try:
        said = json.loads((line.payload + b"}").decode(errors=errors), object_pairs_hook=unique, parse_constant=int,
                          parse_int=lambda digits: int(digits) if len(digits) < 25 else digits)
        return None if "seq" in said or "hmac" in said else said
    except MALFORMED:
        return None

def follows(line, seq, tag, key):
    """Whether a line goes on from this place; without a key, only its number tells."""
    message = b"auditchain/v1" + tag + line.seq.to_bytes(8, "big") + line.leaf
    return line.seq == seq + 1 and (not key or hmac.digest(key, message, "sha256") == line.tag)

def hkdf(key, info):
    return hmac.digest(hmac.digest(bytes(32), key, "sha256"), info + b"\1", "sha256")

def key_id(key):
    return sha256(b"auditchain key id", key)[:8].hex()

def read_key(path):
    raw = pathlib.Path(path).read_bytes()
    if text := KEY.fullmatch(raw.decode("ascii", "replace")):
        mode, ident, epoch, secret = "forward-secure", text[1] or text[2], int(text[3] or 0), bytes.fromhex(text[4])
    else:
        secret = bytes.fromhex(raw.decode()) if re.fullmatch(rb"[0-9a-fA-F]+\s*", raw) else raw
        mode, ident, epoch = "static", key_id(secret), 0
    if len(secret) < 32 or secret.startswith(b"auditchain-key ") or epoch == 0 and ident != key_id(secret):
        raise Cannot(f"{path} holds no key of a chain")
    position = (text[5], int(text[6]), bytes.fromhex(text[7])) if text and text[5] else None
    return Key(ident, mode, epoch, [secret], position)

def read_public_key(path):
    text = PUBLIC_KEY.fullmatch(pathlib.Path(path).read_text())
    if not text or text[1] != key_id(unbase64(text[2])):
        raise Cannot(f"{path} holds no public key of checkpoints")
    return text[2]

def derive(ring, purpose, chain, ident, mode, epoch):
    """A derived key; None where the key with this id is not at hand in this epoch. No file makes it step for ever."""
    for key in ring:
        if key.id == ident and mode in (None, key.mode) and 0 <= epoch - key.epoch <= 1 << 20:
            while len(key.secrets) <= epoch - key.epoch:
                key.secrets.append(hkdf(key.secrets[-1], b"auditchain/v1/epoch"))
            info = b"auditchain/v1/" + purpose + bytes.fromhex(chain.replace("-", ""))
            return hkdf(key.secrets[epoch - key.epoch], info)
    return None

# -- Ed25519 (RFC 8032), notes (10.2), time stamps (10.4), the tree (10.1) and proofs (10.5)

P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

def point(raw):
    y = int.from_bytes(raw, "little") & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    x = x if x & 1 == raw[31] >> 7 else P - x
    hold(len(raw) == 32, x < P, y < P, x * x % P == square)
    return x, y, 1, x * y % P

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = (b - a) % P, (d - c) % P, (d + c) % P, (b + a) % P
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(scalar, p):
    total = (0, 1, 1, 0)
    for bit in bin(scalar)[2:]:
        total = add(total, total)
        total = add(total, p) if bit == "1" else total
    return total

@functools.lru_cache(maxsize=1024)
def ed25519(public, message, signature):
    try:
        a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    except MALFORMED:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = times(s % ORDER, point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))), add(r, times(k, a))
    same = all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))
    return same and len(signature) == 64 and s < ORDER

def signed(public, signature, *lines):
    return ed25519(unbase64(public), "".join(f"{line}\n" for line in lines).encode(), unbase64(signature))

def parse_note(text):
    match = NOTE.fullmatch(text)
    hold(match)
    marks = [(name, unbase64(mark)) for _, name, mark in (line.split(" ") for line in match[5].splitlines())]
    return Note(match[2], int(match[3]), unbase64(match[4]), marks, match[1].encode(), text.encode())

def signs(public, note):
    """Whether one of the signatures is by this key, under the name that is the origin."""
    name_hash = sha256(note.origin.encode(), b"\n\1", unbase64(public))[:4]
    return any(name == note.origin and mark[:4] == name_hash and ed25519(unbase64(public), note.signed, mark[4:])
               for name, mark in note.signatures)

def der(raw, *path):
    """The content of the DER element that the path leads to: at each step its index among its neighbours."""
    for index in path:
        for _ in range(index + 1):
            size, begin = raw[1], 2
            if size >= 0x80:
                begin = 2 + (size & 0x7F)
                size = int.from_bytes(raw[2:begin], "big")
            content, raw = raw[begin:begin + size], raw[begin + size:]
        raw = content
    return raw

def imprint(token):
    """The SHA-256 that a TimeStampToken of RFC 3161 is about."""
    info = der(token, 0, 1, 0, 2, 1, 0)
    hold(der(token, 0, 0).hex() == "2a864886f70d010702", der(token, 0, 1, 0, 2, 0).hex() == "2a864886f70d0109100104",
         der(info, 0, 2, 0, 0).hex() == "608648016503040201")
    return der(info, 0, 2, 1)

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
    match = PROOF.fullmatch(text)
    hold(match, public)
    payload, index, path, note = unbase64(match[1]), int(match[2]), match[3].split(), parse_note(match[4])
    erased = re.fullmatch(TOMBSTONE, payload)
    leaf = bytes.fromhex(erased[1].decode()) if erased else sha256(b"\0", payload)
    root = index < note.size and root_above(leaf, index, note.size, [unbase64(line) for line in path])
    return root == note.root and signs(public, note)

# -- files (7)

def allows(policy, stayed, begun, now):
    """Whether a policy of retention allows a pruning (7.5); one that is malformed allows nothing."""
    def nanoseconds(text):
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(text[20:29])
    try:
        keep, text = policy.get("keep", 0), policy.get("keep_for", "")
        parts = re.findall(r"(\d+(?:\.\d+)?)(h|ms|us|ns|m|s)", text)
        hold("".join(number + unit for number, unit in parts) == text, keep >= 0)
        keep_for = sum(fractions.Fraction(number) * UNITS[unit] for number, unit in parts)
        return (keep > 0 or keep_for > 0) and stayed >= keep and nanoseconds(now) - nanoseconds(begun) >= keep_for
    except MALFORMED:
        return False

def open_regular(path):
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise Cannot(f"{path} is no regular file")
    return open(path, "rb")

def read_lines(path):
    """Each line with its LF (the last may have none), and None where it cannot be decompressed to its end."""
    with open_regular(path) as file:
        if not path.endswith(".zst"):
            yield from file
            return
        command = ["zstd", "-dcq", "--memory=8MiB"]
        with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            yield from (raw for raw in process.stdout if raw.endswith(b"\n") or process.wait() == 0)
            if process.wait():
                yield None

def read_watermark(path, ring):
    """The Slot that counts (7.1), or None; and whether the watermark is degraded."""
    raw, valid = b"", []
    with contextlib.suppress(FileNotFoundError), open_regular(path) as file:
        raw = file.read(1024)
    for index, slot in enumerate((raw[:512], raw[512:])):
        with contextlib.suppress(*MALFORMED):  # it is not valid then
            text, _, tag = slot.removesuffix(b"\n").rstrip(b" ").rpartition(b" ")
            name, version, generation, chain, ident, epoch, first, seq, mac, _, _ = text.decode("ascii").split(" ")
            key = derive(ring, b"head", chain, ident, None, int(epoch))
            hold(len(slot) == 512, slot[-1:] == b"\n", hmac.digest(key, text, "sha256").hex().encode() == tag)
            hold(name == "auditchain-head", version == "v1", int(generation) % 2 == index)
            valid.append(Slot(int(generation), chain, ident, int(epoch), int(first), int(seq), bytes.fromhex(mac)))
    valid.sort()
    successive = len(valid) == 2 and valid[0].chain == valid[1].chain and valid[0].generation + 1 == valid[1].generation
    return (valid[-1] if valid else None), not (successive or [slot.generation for slot in valid] == [1])

class Journal:
    def __init__(self, path, ring, public, given):
        self.path = os.path.join(path, "audit.jsonl") if os.path.isdir(path) else path
        self.ring, self.public, self.given = sorted(ring, key=lambda key: key.epoch), public, given
        self.seq, self.tag, self.mac_key, self.facts, self.began, self.first = 0, bytes(32), None, {}, None, None
        self.tail = self.stranger = self.further = self.must_begin = self.degraded = False
        self.given_keys, self.in_force, self.held, self.late = ring, set(), 0, False
        self.tombstones, self.checkpoints, self.starts, self.prunings, self.signers, self.locks = {}, {}, [], [], [], []
        self.slot, self.peaks, self.last_record, self.covered, self.proven = None, None, 0, 0, 0
        self.doubts, self.remarks = [], []
        self.start = self.end = self.place = Place(os.path.basename(self.path), 1, 0, 1, "")

    def bad(self, kind, place=None):
        raise Bad((place or self.place)._replace(kind=kind))

    def find(self):
        """The files of the chain in their order, and the watermark."""
        folder, name = os.path.split(os.path.abspath(self.path))
        stem, extension = map(re.escape, os.path.splitext(name))
        for path in (self.path + ".lock", self.path):  # one lock is enough to be kept apart from writers
            with contextlib.suppress(FileNotFoundError, PermissionError):
                self.locks.append(open_regular(path))
                fcntl.flock(self.locks[-1], fcntl.LOCK_SH)
        self.alone, finished = re.fullmatch(r".*-(\d{20})\.[^.]*(\.zst)?", name), {}
        if self.alone:
            finished[int(self.alone[1])] = self.path
        for entry in sorted(os.listdir(folder), reverse=True):  # the plain one comes behind a .zst, and counts
            match, path = re.fullmatch(rf"{stem}-(\d{{20}}){extension}(\.zst)?", entry), os.path.join(folder, entry)
            if match and not self.alone and stat.S_ISREG(os.lstat(path).st_mode):
                finished[int(match[1])] = path
        self.files = [File(path, os.path.basename(path), first, next(read_lines(path), None))
                      for first, path in sorted(finished.items())]
        if not self.alone:
            self.slot, self.degraded = read_watermark(self.path + ".head", self.ring)
        if not self.alone and os.path.lexists(self.path):
            lines = map(parse_line, read_lines(self.path))
            beyond = self.files and (not self.slot or self.slot.first in finished)
            if beyond and not next(lines, None) and (self.slot or not any(lines)):  # a crash while it was begun (7.2)
                self.tail = os.path.getsize(self.path) > 0
            else:
                self.files.append(File(self.path, name, None, next(read_lines(self.path), None)))
        if not self.files and not self.slot:
            raise Cannot("there is no journal here")

    def begin(self):
        """Which chain this is, its key, and what its first line goes on from; tags tell later whether that is true."""
        start = next((file for file in self.files if file.start), None)  # an empty file says nothing
        line = parse_line(start.start) if start else None
        said = line and members(line, "replace") or {}
        self.start = self.place = self.start._replace(file=self.files[0].name if self.files else self.start.file)
        if not self.slot and not UUID.fullmatch(str(said.get("chain_id"))):
            if line and line.seq > 1:
                self.bad("broken")
            raise Cannot("the first line does not say which chain it is, and there is no valid watermark")
        self.chain = self.slot.chain if self.slot else said["chain_id"]
        self.pins = [(self.slot.seq, self.slot.tag, self.slot[2:4])] if self.slot else []
        self.pins += [(*key.position[1:], None) for key in self.ring
                      if key.position and key.position[0] == self.chain and not self.alone]
        self.stranger = not any((key.id, key.mode) == (said.get("key_id"), said.get("key_mode")) for key in self.ring)
        with contextlib.suppress(*MALFORMED):
            if self.slot and not (said.get("key_id") and said.get("key_mode")):
                said = {"key_id": self.slot.key_id, "epoch": self.slot.epoch} | said
            self.set_key(**{name: said.get(name) for name in FACTS})
            if said["control"] == "chain.segment" and start is self.files[0] and start.first in (None, line.seq):
                self.began, self.tag = int(said["previous"]["seq"]), bytes.fromhex(said["previous"]["hmac"])
                self.seq = self.began

    def set_key(self, **facts):
        """The key in force, by what a control record says of it."""
        self.facts |= facts
        ident, mode, epoch = self.facts["key_id"], self.facts["key_mode"], self.facts["epoch"] or 0
        self.in_force.add(ident)
        self.mac_key = derive(self.ring, b"mac", self.chain, ident, mode, epoch)

    def ours(self, note):
        return note.origin == "auditchain/" + self.chain and any(signs(key, note) for key in self.signers)

    def pinned(self):
        return max([seq for seq, _, _ in self.pins] + [note.size for note in self.given if self.ours(note)], default=0)

    def next_start(self, index):
        """Where the next file says that this one ends, and why it was begun; None where it says nothing genuine."""
        with contextlib.suppress(*MALFORMED):
            line = parse_line(self.files[index + 1].start)
            said = members(line)
            before = said["previous"]
            key = derive(self.ring, b"mac", self.chain, said["key_id"], said["key_mode"], said.get("epoch", 0))
            hold(before["first"] == self.files[index].first)
            if follows(line, before["seq"], bytes.fromhex(before["hmac"]), key):
                return int(before["size"]), said["reason"]
        return None, None

    def walk(self, index):
        """A file's lines up to where the next file says that it ends; the rest is abandoned, or tampering (7.3)."""
        file, last, behind = self.files[index], index + 1 == len(self.files), None
        size, reason = self.next_start(index)
        lines, offset = enumerate(read_lines(file.path), 1), 0
        self.end = Place(file.name, 1, 0, self.seq + 1, "")
        for number, raw in lines:
            line, self.place = parse_line(raw), Place(file.name, number, offset, self.seq + 1, "")
            if size is not None and offset >= size:
                seq, tag = behind or (self.seq, self.tag)
                finished = raw is None or reason in ("size", "age", "request", "key")
                if finished or line and not follows(line, seq, tag, self.mac_key):
                    self.bad("broken", self.place._replace(seq=seq + 1))
                self.remarks.append(f"{file.name} from byte {offset} on is abandoned by the next file")
                if not line:
                    break
                behind = line.seq, line.tag
            elif line:
                self.step(line, number == 1, file.first)
                self.end = Place(file.name, number + 1, offset + len(raw), self.seq + 1, "")
            elif last and raw and self.seq >= self.pinned() and (offset or file.first is None) and (
                    self.slot or not any(parse_line(raw) for _, raw in lines)):
                self.tail = True
                break
            else:
                self.bad("missing" if raw and not raw.endswith(b"\n") and (last or size) else "broken")
            offset += len(raw)
        if size is not None and self.end.offset < size or file.first is not None and not self.end.offset:
            self.bad("missing", self.end)
        self.facts["previous"] = {"first": self.first, "seq": self.seq, "hmac": self.tag.hex(), "size": self.end.offset}

    def step(self, line, first, name):
        """One line of the chain: its place, what it says, and the ends that are known to be elsewhere."""
        said = {} if line.kind == "tombstone" else members(line)
        control = said["control"] if said and line.kind == "control" else None
        begins, verified = control in ("chain.genesis", "chain.segment"), bool(self.mac_key)
        if not follows(line, self.seq, self.tag, self.mac_key) or said is None or first != begins or (
                (control == "chain.genesis") != (line.seq == 1) or first and name not in (None, line.seq)):
            self.bad("broken")
        if self.must_begin and not begins:
            self.bad("forged")
        self.must_begin = control in ("chain.key", "chain.signer")
        if line.kind == "tombstone":
            self.tombstones[line.seq] = (line.leaf.hex(), self.place)
        try:
            if control:
                self.obey(control, said, line)
            if self.peaks is not None:
                self.grow(line)
        except MALFORMED:
            self.bad("forged")
        if begins:
            self.first, self.facts["previous_leaf"] = line.seq, line.leaf.hex()
        self.seq, self.tag, self.proven = line.seq, line.tag, self.proven + verified
        self.last_record = self.last_record if control else line.seq
        for seq, tag, key in self.pins:
            if seq == self.seq and tag != self.tag:
                self.bad("broken")
            self.further |= seq == self.seq and key not in (None, (self.facts["key_id"], self.facts["epoch"] or 0))
        if self.proven and not self.mac_key and not any(key.id == self.facts["key_id"] for key in self.ring):
            raise Cannot(f"a later key is missing: lines up to {self.seq} are proven, what follows is not")

    def grow(self, line):
        """The tree with another leaf, and the given checkpoints of that size."""
        self.peaks.append(line.leaf)
        while len(self.peaks) > bin(line.seq).count("1"):
            self.peaks[-2:] = [sha256(b"\1", *self.peaks[-2:])]
        for note in self.given:
            if note.size == line.seq and self.ours(note):
                hold(note.root == root_of(self.peaks))
                self.held = self.covered = line.seq

    def obey(self, control, said, line):
        """What a control record says (5), checked and taken over; MALFORMED where it does not hold."""
        match control:
            case "chain.genesis" | "chain.segment":
                if said["format"] != 1 or line.seq == 1 and (said["leaf"], said["mac"]) != ("sha256", "hmac-sha256"):
                    raise Cannot("an unsupported version of the format")
                if self.starts:
                    expected = self.facts | {"tree": self.peaks and [peak.hex() for peak in self.peaks]}
                    if "tree" not in said:  # nobody could know it
                        del expected["tree"]
                    if said["previous_leaf"] == "0" * 64:  # nor the line
                        del expected["previous_leaf"]
                    hold(expected == {name: said.get(name) for name in expected})
                elif "checkpoint_key" in said:
                    self.signers = [said["checkpoint_key"]]
                    self.peaks = [bytes.fromhex(peak) for peak in said.get("tree", ())]
                    hold(len(self.peaks) == bin(line.seq - 1).count("1"), len(unbase64(self.signers[0])) == 32)
                hold(said["chain_id"] == self.chain)
                self.late |= not self.starts and (said.get("epoch") or 0) > 0
                self.starts.append((said.get("previous"), said["time"], self.place))
            case "chain.opened":
                if "watermark" in said:
                    self.doubts.append(f"line {line.seq} met a watermark that was {said['watermark']}")
            case "chain.break":
                if said["found"] == "foreign":
                    self.bad("broken", self.starts[-1][2])
                mended = said["found"] in ("missing", "replaced", "shorter", "altered")
                (self.remarks if mended else self.doubts).append(f"line {line.seq} is a break ({said['found']})")
            case "chain.pruned":
                for index, (before, begun, _) in enumerate(self.starts):
                    if before == said["through"]:
                        stayed = len(self.starts) - 1 - index
                        self.prunings.append((line.seq, allows(self.facts["retention"], stayed, begun, said["time"])))
            case "chain.epoch":
                hold(self.facts["key_mode"] == "forward-secure", said["epoch"] == (self.facts["epoch"] or 0) + 1)
                self.set_key(epoch=said["epoch"])
            case "chain.key":
                key = derive(self.ring, b"mac", self.chain, said["key_id"], said["key_mode"], said.get("epoch", 0))
                chain, seq = bytes.fromhex(self.chain.replace("-", "")), line.seq.to_bytes(8, "big")
                ids = (self.facts["key_id"] + said["key_id"]).encode()
                text = b"auditchain/v1/key" + chain + seq + self.tag + ids
                hold(not key or hmac.digest(key, text, "sha256").hex() == said["proof"])
                self.set_key(key_id=said["key_id"], key_mode=said["key_mode"], epoch=said.get("epoch"))
                if said.get("epoch"):
                    self.doubts.append(f"the key of line {line.seq} came in at a later epoch than its first one")
            case "chain.signer":
                old, new = said["previous_key"], said["checkpoint_key"]
                text = ("auditchain/v1/signer", self.chain, line.seq, self.tag.hex(), old, new)
                hold(old == self.signers[-1])
                hold(signed(old, said["signature"], *text), signed(new, said["new_signature"], *text))
                self.signers.append(new)
                self.facts["checkpoint_key"] = new
            case "chain.checkpoint":
                note = parse_note(said["note"])
                hold(note.origin == "auditchain/" + self.chain, signs(self.signers[-1], note))
                hold((note.size, note.root) == (line.seq - 1, root_of(self.peaks)))
                self.checkpoints[note.size], self.covered = sha256(note.whole).hex(), note.size
            case "chain.timestamp":
                hold(said["size"] <= (self.began or 0) or self.checkpoints[said["size"]] == said["note_sha256"])
                hold(imprint(unbase64(said["token"])).hex() == said["note_sha256"])
            case "chain.erased":
                seq, leaf = said["erased_seq"], said["leaf"]
                who, reason = (sha256(said[name].encode()).hex() for name in ("who", "reason"))
                text = ("auditchain/v1/erase", self.chain, seq, leaf, said["ordered"], who, reason)
                hold(signed(self.facts["erasure_key"], said["signature"], *text))
                if self.tombstones.get(seq, ("",))[0] == leaf:
                    del self.tombstones[seq]
                else:
                    self.remarks.append(f"line {seq} may be erased (line {line.seq}), and is not")
            case _ if control not in ("chain.closed", "chain.recovered"):
                self.remarks.append(f"line {line.seq} is a {control}, which this verifier does not know")

    def genuine(self):
        """The sequence numbers of the lines that verify under a key at hand, whatever the first line says."""
        keys = [derive(self.ring, b"mac", self.chain, key.id, key.mode, key.epoch) for key in self.ring]
        tag = bytes(32)
        for line in (parse_line(raw) for file in self.files for raw in read_lines(file.path)):
            if line and any(follows(line, line.seq - 1, tag, key) for key in keys):
                yield line.seq
            tag = line.tag if line else b""

    def judge(self):
        """The verdict, and the first bad Place (8)."""
        bad = None
        try:
            self.find()
            self.begin()
            for index in range(len(self.files)):
                self.walk(index)
            for _, place in self.tombstones.values():
                self.bad("erased", place)
            if self.began and not self.alone and not self.prunings:
                self.bad("broken", self.start)
            if self.further or self.pinned() > self.seq:
                self.bad("missing", self.end)
        except Bad as problem:
            bad = problem.args[0]
            if self.began and self.starts and not self.alone and not self.prunings:
                bad = self.start._replace(kind="broken")
        if self.ring and self.stranger and not self.proven and not self.slot:
            if next(self.genuine(), 1) == 1:  # where line 1 is genuine, the key is of another kind than the chain's
                raise Cannot("wrong key: the first line names another one")
            bad = bad or self.start._replace(kind="broken")
        if bad:
            return ("truncated" if bad.kind == "missing" else "tampered"), bad
        if not all(self.ours(note) for note in self.given) or self.public and self.public not in self.signers:
            raise Cannot("a checkpoint that was given, or the public key, is none that this chain had")
        began, unsure = self.began or 0, not self.slot or self.degraded
        allowed = any(holds for seq, holds in self.prunings if self.ring or seq <= self.covered)
        keys = self.given_keys[:1] if began else self.given_keys
        self.doubts += [text for applies, text in (
            (any(key.id not in self.in_force for key in keys), "a key that was given is in force nowhere"),
            (any(key.position and key.position[0] != self.chain and key.id in self.in_force for key in self.ring),
             "a key file says that its key is another chain's"),
            (self.late and self.ring and (not began or self.held <= began), "the chain begins in a later epoch than 0"),
            (self.alone, "one segment was verified alone"),
            (not self.ring and self.last_record > self.covered, "records stand behind the last checkpoint"),
            (self.ring and self.proven < self.seq - began, "lines without their key were checked in form and order"),
            (began and not allowed and not self.alone, "segments were removed, and nothing proven allows that"),
            ((not self.held or self.held < self.last_record) and (unsure or self.slot.seq <= began),
             "no valid watermark or checkpoint pins the end"),
            (self.tail and unsure, "no valid watermark tells whether the unfinished end is that of a crash"),
        ) if applies]
        return "partly proven" if self.doubts else "verified, crash tail" if self.tail else "verified", None

def answer(journal=None, key_files=(), public_key=None, checkpoints=(), proof=None, line=None, **_):
    """What there is to say of a journal, of a proof, or of a line."""
    if line is not None:
        parsed = parse_line(line.encode() + b"\n")
        return {"well_formed": bool(parsed)} | ({"kind": parsed.kind, "leaf": parsed.leaf.hex()} if parsed else {})
    said, chain = {"verdict": "cannot verify", "exit": 1, "first_bad": None, "notes": []}, None
    try:
        hold(key_files or public_key)
        public = public_key and read_public_key(public_key)
        if proof:
            return {"exit": 0 if proof_holds(pathlib.Path(proof).read_bytes().decode(), public) else 3}
        texts = [pathlib.Path(path).read_bytes().decode().rstrip("\n") + "\n" for path in checkpoints]
        given = [parse_note(note) for text in texts for note in re.split(r"(?<=\n)\n(?!— )", text)]
        chain = Journal(journal, [read_key(path) for path in key_files], public, given)
        said["verdict"], bad = chain.judge()
        said["exit"] = {"tampered": 3, "truncated": 3, "partly proven": 4}.get(said["verdict"], 0)
        said["first_bad"] = bad and bad._asdict()
    except (Cannot, OSError, ValueError) as error:
        said["notes"] = [str(error)]
    if chain:
        said["notes"] += chain.doubts
        said |= {"remarks": chain.remarks, "lines": chain.seq, "tags_proven": chain.proven}
    return said

def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("journal", nargs="?", default="audit.jsonl")
    parser.add_argument("--key-file", dest="key_files", action="append", default=[])
    parser.add_argument("--checkpoint", dest="checkpoints", action="append", default=[])
    for option in ("--public-key", "--proof"):
        parser.add_argument(option)
    for option in ("--json", "--batch"):
        parser.add_argument(option, action="store_true")
    options = vars(parser.parse_args())
    for job in map(json.loads, sys.stdin) if options["batch"] else [options]:
        said = answer(**job)
        lines = (f"{name}: {json.dumps(value)}" for name, value in said.items())  # ASCII, for terminals
        print(json.dumps(said) if options["json"] or options["batch"] else "\n".join(lines), flush=True)
    return 0 if options["batch"] else said["exit"]

if __name__ == "__main__":
    sys.exit(main())
