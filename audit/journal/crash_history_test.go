// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
	"github.com/google/uuid"
)

// crashKind is a kind of fault that histories are about. Each of them crashes
// as well.
type crashKind struct {
	name  string
	disk  crashfs.Options
	kill  bool           // only the process dies, the machine goes on
	calls []crashfs.Call // that are made to fail
	// rare says that they are made seldom: by rotation, mostly.
	rare bool
	err  error
}

var crashKinds = []crashKind{
	{name: "power failure"},
	{name: "power failure, torn sectors", disk: crashfs.Options{TearSectors: true}},
	{name: "process killed", kill: true},
	{name: "disk full", calls: []crashfs.Call{crashfs.Write}, err: syscall.ENOSPC},
	{name: "write fails", calls: []crashfs.Call{crashfs.Write}},
	{name: "sync fails", calls: []crashfs.Call{crashfs.Sync}},
	{name: "directory sync fails", calls: []crashfs.Call{crashfs.SyncDir}},
	{name: "truncate fails", calls: []crashfs.Call{crashfs.Write, crashfs.Truncate}},
	{name: "read fails", calls: []crashfs.Call{crashfs.Read}},
	{name: "open fails", calls: []crashfs.Call{crashfs.Open, crashfs.Create}, err: syscall.EMFILE},
	{name: "lstat fails", calls: []crashfs.Call{crashfs.Lstat}},
	{name: "rename, remove, mkdir or readdir fails", calls: []crashfs.Call{crashfs.Rename, crashfs.Remove, crashfs.Mkdir, crashfs.ReadDir}, rare: true},
	{name: "all of these", calls: []crashfs.Call{
		crashfs.Open, crashfs.Create, crashfs.Lstat, crashfs.Read, crashfs.Write, crashfs.Truncate, crashfs.Sync, crashfs.SyncDir,
		crashfs.Rename, crashfs.Remove, crashfs.Mkdir, crashfs.ReadDir,
	}},
}

// kindOf is the kind of the history of a seed.
func kindOf(seed uint64) crashKind { return crashKinds[seed%uint64(len(crashKinds))] }

// crashHistory is one journal and all that happens to it. It is for one
// goroutine.
type crashHistory struct {
	kind  crashKind
	rng   *rand.Rand
	path  string
	disk  *crashfs.FS
	opts  journal.Options
	clock atomic.Int64
	tally crashTally

	journals [2]*journal.Journal
	begun    bool // an Open has returned
	shaken   bool // the power failed, or a call: a watermark may be torn
	injected int  // calls that failed before this life of the machine

	// keys are the chain's in epoch 0, where it has a key file on the disk; nil
	// where its key is a static one that is given.
	keys []integrity.Key
	// signs: the chain has a tree, and some of the writers sign checkpoints, with
	// the key signer; incoming is one that a rotation was begun with, and
	// signsWith what each of the journals was opened with.
	signs            bool
	signer, incoming integrity.SigningKey
	signsWith        [2]integrity.SigningKey
	given            crashGiven
	// erases: the chain takes erasures. ordered are the lines that were ordered
	// to be erased, and what stood there, but for those that retention removed;
	// orders says that there were any.
	erases, orders bool
	ordered        map[uint64]*crashErased
	// kept is what was set aside, as it was first seen.
	kept map[integrity.Hash][]byte

	acked  map[uuid.UUID]placed
	taken  map[uint64]uuid.UUID // which record was acknowledged at a seq
	resend []journal.Record     // those that can be sent again, acknowledged or not
	trace  []string
}

// placed is where an acknowledged record is.
type placed struct {
	seq uint64
	mac integrity.Hash
}

// newCrashHistory prepares the history of a seed. dir is real, for the lock.
func newCrashHistory(dir string, seed uint64, kind crashKind, key integrity.Key) *crashHistory {
	h := &crashHistory{
		kind: kind, rng: rand.New(rand.NewPCG(seed, 0)), path: filepath.Join(dir, "audit.jsonl"),
		acked: map[uuid.UUID]placed{}, taken: map[uint64]uuid.UUID{}, ordered: map[uint64]*crashErased{}, kept: map[integrity.Hash][]byte{},
	}
	h.clock.Store(time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC).UnixNano())
	h.disk = crashfs.New(dir, rand.New(rand.NewPCG(seed, 1)), kind.disk)
	h.opts = journal.Options{
		Key: key, Version: "test", LockTimeout: 5 * time.Second,
		Now: func() time.Time { return time.Unix(0, h.clock.Add(1_000_000)) },
	}
	if h.chance(0.4) || kind.rare {
		h.opts.Rotation = journal.Rotation{MaxSize: 1 << (9 + h.rng.IntN(9)), Compress: h.chance(0.5)}
		if h.chance(0.2) {
			h.opts.Rotation.MaxAge = 50 * time.Millisecond // of the history's clock
		}
		if h.chance(0.3) {
			h.opts.Rotation.Keep = 1 + h.rng.IntN(4)
		}
	}
	if seed/uint64(len(crashKinds))%2 == 1 {
		h.beginKeyed()
	}
	h.signs = h.chance(0.6)
	if h.erases = h.chance(0.5); h.erases {
		erasable(&h.opts)
	}
	if kind.kill && h.chance(0.6) {
		// What the system was handed outlives the process.
		h.opts.Fsync = []journal.FsyncMode{journal.FsyncNever, journal.FsyncEvery(time.Hour)}[h.rng.IntN(2)]
	}
	h.tally.histories = 1
	return h
}

func (h *crashHistory) chance(p float64) bool { return h.rng.Float64() < p }

func (h *crashHistory) note(format string, args ...any) {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), filepath.Dir(h.path)+"/", "")
	h.trace = append(h.trace, strings.ReplaceAll(text, "\n", "; "))
}

// run lets the history happen. Its error is a finding.
func (h *crashHistory) run() error {
	defer h.abandon()
	lives := 1 + h.rng.IntN(5)
	for life := range lives {
		if err := h.live(); err != nil {
			return err
		}
		if err := h.crash(); err != nil {
			return err
		}
		// Now and then the machine crashes again while it recovers.
		if life < lives-1 && h.chance(0.3) {
			continue
		}
		if err := h.recover(); err != nil {
			return fmt.Errorf("after the crash: %w", err)
		}
	}
	return nil
}

// live is what happens until a crash.
func (h *crashHistory) live() error {
	h.injected = h.disk.Injected()
	at := 1 + h.rng.IntN(80)
	switch {
	case h.chance(0.3):
		at = 1 + h.rng.IntN(14) // in Open
	case h.chance(0.4):
		at = 1 + h.rng.IntN(400) // another key, or an erasure, takes many
	}
	h.disk.CrashAt(at)
	h.note("- crash planned at change %d", at)
	if len(h.kind.calls) > 0 {
		for range 1 + h.rng.IntN(3) {
			h.inject()
		}
	}
	for range 1 + h.rng.IntN(20) {
		if err := h.step(); err != nil {
			return err
		}
		if h.disk.Crashed() {
			break
		}
	}
	return nil
}

func (h *crashHistory) inject() {
	f := crashfs.Fault{
		Call: h.kind.calls[h.rng.IntN(len(h.kind.calls))], Suffix: h.suffix(),
		Skip: h.rng.IntN(12), Times: 1 + h.rng.IntN(3), Err: h.kind.err,
	}
	if h.kind.rare {
		f.Suffix, f.Skip = "", h.rng.IntN(3)
	}
	h.note("fault: %s of *%s fails %d times after %d", f.Call, f.Suffix, f.Times, f.Skip)
	h.disk.Inject(f)
}

// excused reports whether a call may have failed: only a crash or a fault in
// this life of the machine lets it.
func (h *crashHistory) excused() bool {
	if h.disk.Injected() > h.injected {
		h.shaken = true
		return true
	}
	return h.disk.Crashed()
}

// step is one thing that a program does.
func (h *crashHistory) step() error {
	which := 0
	if h.chance(0.3) {
		which = 1
	}
	j := h.journals[which]
	switch {
	case j == nil:
		j, err := h.open(which)
		h.note("open %d: %v", which, err)
		if err != nil {
			if !h.excused() {
				return fmt.Errorf("open: %w", err)
			}
			return nil
		}
		h.journals[which], h.begun = j, true
		return nil
	case h.chance(0.12):
		err := j.Close()
		h.note("close %d: %v", which, err)
		h.journals[which] = nil
		if err != nil && !h.excused() {
			return fmt.Errorf("close: %w", err)
		}
		return nil
	case h.keys != nil && h.chance(0.15):
		return h.changeKey(j)
	case h.signs && h.chance(0.08):
		return h.changeSigner(which)
	case h.erases && h.chance(0.2):
		return h.erase(j)
	case h.chance(0.05):
		h.disk.Heal()
		h.note("healed")
		return nil
	}
	err := h.append(j, h.batch())
	if err != nil && !errors.Is(err, errFinding) && h.excused() {
		return nil
	}
	return err
}

func (h *crashHistory) open(which int) (*journal.Journal, error) {
	o := h.opts
	o.FS = h.disk
	if h.keys != nil {
		o.Keys = h.store()
	}
	if h.signs && (!h.begun || h.chance(0.7)) {
		o.Checkpoint = journal.Checkpoint{Signer: h.signer, Records: int64(1 + h.rng.IntN(60)), Every: -1, Publish: h.given.add}
	}
	j, err := journal.Open(context.Background(), h.path, o)
	if errors.Is(err, journal.ErrWrongSigner) && !h.incoming.IsZero() {
		// A rotation that was interrupted had got that far.
		h.note("open with the incoming signer: %v", err)
		h.signer, h.incoming = h.incoming, integrity.SigningKey{}
		o.Checkpoint.Signer = h.signer
		j, err = journal.Open(context.Background(), h.path, o)
	}
	h.signsWith[which] = o.Checkpoint.Signer
	return j, err
}

// batch makes records, new ones and some that were sent before.
func (h *crashHistory) batch() []journal.Record {
	n := 1
	if h.chance(0.6) {
		n = 1 + h.rng.IntN(50)
	}
	recs := make([]journal.Record, 0, n)
	if h.chance(0.1) {
		recs = h.erasedAgain(recs)
	}
	for range n - len(recs) {
		if len(h.resend) > 0 && h.chance(0.15) {
			recs = append(recs, h.resend[h.rng.IntN(len(h.resend))])
			continue
		}
		recs = append(recs, h.record())
	}
	return recs
}

var crashFill = strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20<<10/45+1)

// record makes a new record, of 300 bytes to 20 KB: more of the small ones.
func (h *crashHistory) record() journal.Record {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(h.rng.Uint32())
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	rec := record(id, crashFill[:int(100*math.Pow(200, math.Pow(h.rng.Float64(), 3)))])
	rec.Idempotent = h.chance(0.7)
	if rec.Idempotent {
		h.resend = append(h.resend, rec)
	}
	return rec
}

// What is found. All of them are errFinding: nothing excuses them.
var (
	errFinding     = errors.New("finding")
	errLost        = fmt.Errorf("%w: lost", errFinding)
	errDoubled     = fmt.Errorf("%w: doubled", errFinding)
	errAccused     = fmt.Errorf("%w: a crash passes for an attack", errFinding)
	errNoWatermark = fmt.Errorf("%w: the watermark is gone", errFinding)
)

// append appends recs, and notes what was acknowledged.
func (h *crashHistory) append(j *journal.Journal, recs []journal.Record) error {
	h.tally.appended += len(recs)
	receipts := make([]journal.Receipt, len(recs))
	var err error
	if h.chance(0.2) {
		rest := recs
		err = j.AppendFrom(context.Background(), len(recs), func() []journal.Record {
			n := 1 + h.rng.IntN(len(rest))
			some := rest[:n]
			rest = rest[n:]
			return some
		}, receipts)
	} else {
		err = j.Append(context.Background(), recs, receipts)
	}
	h.note("append %d: first seq %d: %v", len(recs), receipts[0].Seq, err)
	if err != nil {
		h.maybeAnew(recs)
		return err
	}
	for i, rc := range receipts {
		before, known := h.acked[recs[i].ID]
		now := placed{rc.Seq, rc.MAC}
		// What was erased is looked at first: of a disk that fails, retention may
		// have removed anything.
		if h.wasErased(before.seq, known, &rc) {
			if rc.Err != nil {
				continue
			}
			known = false // its id was forgotten with the cache, and it is a new one
		}
		if known && !rc.Duplicate && h.opts.Rotation.Keep > 0 && h.removed(before.seq) {
			// It is not there any more, and is a new record.
			delete(h.acked, rc.ID)
			delete(h.taken, before.seq)
			h.tally.removed++
			known = false
		}
		other, taken := h.taken[rc.Seq]
		switch {
		case rc.Err != nil:
			return fmt.Errorf("%w: a record was refused: %w", errFinding, rc.Err)
		case rc.ID != recs[i].ID || rc.Leaf != recs[i].Leaf:
			return fmt.Errorf("%w: the receipt is that of another record", errFinding)
		case known && (before != now || !rc.Duplicate):
			h.tally.duplicated++
			return fmt.Errorf("%w: %s, acknowledged at seq %d, is acknowledged again at seq %d (duplicate: %v)", errDoubled, rc.ID, before.seq, now.seq, rc.Duplicate)
		case taken && other != rc.ID:
			return fmt.Errorf("%w: seq %d was given to %s and to %s", errFinding, rc.Seq, other, rc.ID)
		case !known:
			h.acked[rc.ID], h.taken[rc.Seq] = now, rc.ID
			h.tally.acknowledged++
		}
	}
	return nil
}

// abandon lets go of what a dead process had open.
func (h *crashHistory) abandon() {
	for i, j := range h.journals {
		if j != nil {
			_ = j.Close()
			h.journals[i] = nil
		}
	}
}

// crash ends a life of the machine, or of the process, and examines what it
// left.
func (h *crashHistory) crash() error {
	h.tally.crashes++
	h.excused()
	h.tally.injected += h.disk.Injected()
	kill := h.kind.kill || len(h.kind.calls) > 0 && h.chance(0.3)
	before := h.disk
	if kill {
		h.disk = before.Kill()
	} else {
		h.disk = before.Crash(rand.New(rand.NewPCG(h.rng.Uint64(), 2)))
		h.shaken = true
	}
	h.note("= crash (only the process: %v) after %d changes", kill, before.Changes())
	h.abandon()
	return h.examine("after the crash")
}

// examine looks at the disk, as it is, without package journal.
func (h *crashHistory) examine(when string) error {
	chain, err := chainOnDisk(h.disk, h.path)
	if err != nil {
		return err
	}
	at := make(map[uint64]integrity.Hash, len(chain))
	count := make(map[uuid.UUID]int, len(chain))
	first := make(map[uuid.UUID]uint64, len(chain))
	tombs := make(map[uint64]bool)
	for _, l := range chain {
		at[l.Seq] = l.MAC
		if l.Kind == integrity.Tombstone {
			tombs[l.Seq] = true
		}
		if l.ControlName() == integrity.ControlRecovered {
			if kerr := h.checkKept(l); kerr != nil {
				err = fmt.Errorf("%s: %w", when, kerr)
			}
		}
		if l.Kind != integrity.Record {
			continue
		}
		var p struct{ ID uuid.UUID }
		if perr := json.Unmarshal(append(append([]byte(nil), l.Payload...), '}'), &p); perr != nil {
			return fmt.Errorf("%s: seq %d: %w", when, l.Seq, perr)
		}
		if count[p.ID]++; count[p.ID] == 1 {
			first[p.ID] = l.Seq
		} else {
			h.tally.duplicated++
			err = fmt.Errorf("%s: %w: %s stands at seq %d and at seq %d", when, errDoubled, p.ID, first[p.ID], l.Seq)
		}
	}
	if len(chain) > 0 && h.opts.Rotation.Keep > 0 {
		h.forget(chain[0].Seq)
	}
	for id, p := range h.acked {
		if mac, ok := at[p.seq]; !ok || mac != p.mac || count[id] == 0 && !(tombs[p.seq] && h.ordered[p.seq] != nil) {
			h.tally.lost++
			err = fmt.Errorf("%s: %w: %s, acknowledged at seq %d (%d lines are there)", when, errLost, id, p.seq, len(chain))
		}
	}
	if terr := h.checkTree(chain); terr != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", when, terr))
	}
	if eerr := h.checkErased(chain, tombs); eerr != nil {
		err = errors.Join(err, fmt.Errorf("%s: %w", when, eerr))
	}
	return errors.Join(err, h.judge(when), h.judgeWhole(when, chain))
}

// removed reports whether retention removed line seq, or may have: a disk that
// has crashed meanwhile, or fails, does not tell. (A line that stands there
// twice is found after the crash.)
func (h *crashHistory) removed(seq uint64) bool {
	chain, err := chainOnDisk(h.disk, h.path)
	return err != nil || len(chain) > 0 && seq < chain[0].Seq
}

// forget lets go of what retention removed: `verify` says whether it was
// allowed to.
func (h *crashHistory) forget(first uint64) {
	for id, p := range h.acked {
		if p.seq < first {
			delete(h.acked, id)
			delete(h.taken, p.seq)
			delete(h.ordered, p.seq)
			h.resend = slices.DeleteFunc(h.resend, func(r journal.Record) bool { return r.ID == id })
			h.tally.removed++
		}
	}
}

// judge says whether the verdict is one that a crash may lead to.
func (h *crashHistory) judge(when string) error {
	if h.keys != nil {
		return h.judgeKeyed(when)
	}
	r, err := judgeDisk(h.disk, h.path, h.opts.Key)
	if err != nil {
		return err
	}
	verdict, ok := string(r.Verdict), true
	switch {
	case r.Verdict == integrity.Verified, r.Verdict == integrity.VerifiedCrashTail:
	case !h.begun && (r.Verdict == integrity.CannotVerify || r.Verdict == integrity.PartlyProven):
		// Nothing was acknowledged yet, not even that there is a journal.
		verdict = "not begun"
	case r.Verdict == integrity.PartlyProven && r.Watermark != nil && r.Watermark.Degraded:
		// The watermark is not synced; where a crash took one slot of two, the
		// verdict must say so.
		verdict, ok = "partly proven (watermark degraded)", h.shaken
	case r.Verdict == integrity.PartlyProven && len(r.Doubts) > 0:
		verdict, ok = "partly proven (watermark degraded earlier)", h.shaken
	default:
		ok = false
	}
	h.tally.verdict(verdict, 1)
	h.note("%s: %s, %d lines", when, verdict, r.Lines)
	if files, err := filesOnDisk(h.disk, h.path); err == nil {
		for _, f := range files {
			h.note("   %s %d bytes; %.400s", f.path, len(f.data), f.data)
		}
		if r.Watermark != nil {
			h.note("   head %+v", *r.Watermark)
		}
	}
	if ok {
		return nil
	}
	finding := errFinding
	switch {
	case r.Verdict == integrity.Tampered || r.Verdict == integrity.Truncated:
		finding = errAccused
	case r.Watermark == nil:
		finding = errNoWatermark
	}
	return fmt.Errorf("%s: %w: the verdict is %q: bad %v; not proven: %q; doubts: %v", when, finding, r.Verdict, r.Bad, r.NotProven, r.Doubts)
}

// checkKept makes sure that the bytes that were set aside are there.
func (h *crashHistory) checkKept(l integrity.Line) error {
	var r integrity.Recovered
	if err := integrity.ParseControl(l.Payload, &r); err != nil {
		return err
	}
	b, err := readDisk(h.disk, filepath.Join(filepath.Dir(h.path), r.KeptIn))
	if err != nil {
		return err
	}
	lost := fmt.Errorf("%w: %q has not the %d bytes that were set aside at seq %d", errLost, r.KeptIn, r.Bytes, l.Seq)
	if int64(len(b)) != r.Bytes {
		return lost
	}
	was, seen := h.kept[l.MAC]
	if sum := sha256.Sum256(b); !h.orders && hex.EncodeToString(sum[:]) != r.SHA256 {
		return lost
	}
	// An erasure puts spaces over what it finds in them, in its place, also where
	// retention has removed the line that was erased since.
	for i := range was {
		if b[i] != was[i] && b[i] != ' ' {
			return lost
		}
	}
	if !seen {
		h.kept[l.MAC] = b
	}
	return nil
}

// recover opens the journal after a crash, sends what can be sent again, and
// goes on.
func (h *crashHistory) recover() error {
	j, err := h.open(0)
	h.note("reopen: %v", err)
	if err != nil {
		return fmt.Errorf("reopen: %w", err)
	}
	h.journals[0], h.begun = j, true
	if err := h.examine("after reopening"); err != nil {
		return err
	}
	if len(h.resend) > 0 {
		if err := h.append(j, h.resend); err != nil {
			return fmt.Errorf("sent again: %w", err)
		}
	}
	if err := h.append(j, []journal.Record{h.record()}); err != nil {
		return fmt.Errorf("the next record: %w", err)
	}
	if err := h.examine("after all was sent again"); err != nil {
		return err
	}
	if h.chance(0.3) {
		if err := j.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		h.journals[0] = nil
	}
	return nil
}
