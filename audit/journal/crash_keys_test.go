// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// Histories of a journal with a key file on the same disk, of short epochs, and
// with changes of the key. They are judged here, line by line under the keys of
// epoch 0, and not by what the journal thinks of them.

func (h *crashHistory) store() *keyfile.Store {
	return &keyfile.Store{Path: filepath.Join(filepath.Dir(h.path), "audit.key"), FS: h.disk}
}

// beginKeyed puts a fresh key file on the disk.
func (h *crashHistory) beginKeyed() {
	h.opts.Key = integrity.Key{}
	h.opts.Epoch = journal.Epoch{Every: -1, Records: int64(1 + h.rng.IntN(1+h.rng.IntN(60)))}
	if h.chance(0.3) {
		h.opts.Epoch.Every = time.Duration(10+h.rng.IntN(100)) * time.Millisecond // of the history's clock
	}
	h.keys = []integrity.Key{h.newKey(true)}
	if err := h.store().Stage(integrity.KeyState{Key: h.keys[0]}); err != nil {
		panic(err)
	}
	store := h.store()
	if err := errors.Join(h.disk.Rename(store.Path+keyfile.NextSuffix, store.Path), h.disk.SyncDir(filepath.Dir(h.path))); err != nil {
		panic(err)
	}
}

func (h *crashHistory) newKey(forward bool) integrity.Key {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = byte(h.rng.Uint32())
	}
	k, err := integrity.NewKey(secret)
	if err == nil && forward {
		k, err = integrity.ParseKey(fmt.Appendf(nil, "auditchain-key v1 forward-secure id=%s epoch=0 secret=%x\n", k.ID(), secret))
	}
	if err != nil {
		panic(err)
	}
	return k
}

func (h *crashHistory) suffix() string {
	names := []string{"", "", ".jsonl", ".head", ".ids", ".tree"}
	if h.keys != nil {
		names = append(names, ".key", ".key.part", ".key.next", ".key")
	}
	return names[h.rng.IntN(len(names))]
}

// changeKey is what `auditchain key rotate` does.
func (h *crashHistory) changeKey(j *journal.Journal) error {
	store := h.store()
	next, err := store.Staged()
	if errors.Is(err, keyfile.ErrNoKey) {
		next, err = integrity.KeyState{Key: h.newKey(h.chance(0.6))}, nil
		h.keys = append(h.keys, next.Key.Clone())
	}
	if err == nil {
		err = store.Stage(next)
	}
	if err == nil {
		err = j.RotateKey(context.Background(), next, store.Swap)
	}
	h.note("key %s: %v", next.Key.ID(), err)
	if err == nil {
		h.tally.keys++
	} else if !h.excused() {
		return fmt.Errorf("another key: %w", err)
	}
	return nil
}

// judgeKeyed says whether what is on the disk is what a crash may leave.
func (h *crashHistory) judgeKeyed(when string) error {
	chain, err := chainOnDisk(h.disk, h.path)
	if err != nil {
		return err
	}
	kept, err := h.keptKey()
	if err != nil {
		return fmt.Errorf("%s: %w: the key file: %w", when, errFinding, err)
	}
	contents, err := readDisk(h.disk, h.path+".head")
	if err != nil {
		return err
	}
	var end integrity.Key
	var whole int
	if len(chain) > 0 {
		end, whole, err = h.holds(chain)
	}
	head, degraded, herr := integrity.ParseHead(contents, h.headKeys(kept)...)
	verdict, finding := "verified", error(nil)
	switch {
	case !h.begun && herr != nil:
		verdict = "not begun"
	case herr != nil:
		verdict, finding = "no watermark", fmt.Errorf("%w: %w", errNoWatermark, herr)
	case macAt(chain[:whole], head.Seq) != head.MAC:
		verdict, finding = "tampered", fmt.Errorf("%w: %d lines hold (%w), and the watermark says %d", errAccused, whole, err, head.Seq)
	case kept.Key.Forward() && kept.Bound() && kept.Seq > 0 && (len(chain) == 0 || kept.Seq >= chain[0].Seq && macAt(chain[:whole], kept.Seq) != kept.MAC):
		verdict, finding = "truncated", fmt.Errorf("%w: %d lines hold, and the key file says %d", errAccused, whole, kept.Seq)
	case end.Same(kept.Key) && kept.Key.Epoch() > end.Epoch():
		finding = fmt.Errorf("%w: the key file is at epoch %d, the chain at %d", errAccused, kept.Key.Epoch(), end.Epoch())
	case slices.ContainsFunc(chain, func(l integrity.Line) bool { return l.ControlName() == integrity.ControlBreak }):
		finding = fmt.Errorf("%w: there is a chain.break", errAccused)
	case slices.ContainsFunc(chain, func(l integrity.Line) bool {
		return l.ControlName() == integrity.ControlOpened && strings.Contains(string(l.Payload), `"watermark":"removed"`)
	}):
		finding = fmt.Errorf("%w: a writer missed the watermark", errAccused)
	case whole < len(chain):
		finding = fmt.Errorf("%w: %w", errAccused, err)
	case degraded:
		verdict = "partly proven (watermark degraded)"
		if !h.shaken {
			finding = errFinding
		}
	case slices.ContainsFunc(chain, func(l integrity.Line) bool {
		return l.ControlName() == integrity.ControlOpened && strings.Contains(string(l.Payload), `"watermark":"degraded"`)
	}):
		verdict = "partly proven (watermark degraded earlier)"
		if !h.shaken {
			finding = errFinding
		}
	}
	h.tally.verdict(verdict, 1)
	h.tally.epochs = max(h.tally.epochs, int(end.Epoch()))
	h.note("%s: %s, %d lines, epoch %d of %s; key file %s at %d", when, verdict, whole, end.Epoch(), end.ID(), kept.Key.ID(), kept.Key.Epoch())
	if finding != nil {
		files, _ := filesOnDisk(h.disk, h.path)
		for _, f := range files {
			h.note("   %s %d bytes; %.3000s", f.path, len(f.data), f.data)
		}
		h.note("   head %s", contents)
		return fmt.Errorf("%s: %w", when, finding)
	}
	return nil
}

// headKeys are the keys that a writer with the key file can read watermarks
// with: the one in it, and the one that waits beside it.
func (h *crashHistory) headKeys(kept integrity.KeyState) []integrity.Key {
	keys := []integrity.Key{kept.Key}
	if next, err := h.readKey(".key" + keyfile.NextSuffix); err == nil {
		keys = append(keys, next.Key)
	}
	return keys
}

func (h *crashHistory) keptKey() (integrity.KeyState, error) { return h.readKey(".key") }

func (h *crashHistory) readKey(suffix string) (integrity.KeyState, error) {
	b, err := h.disk.ReadFile(filepath.Join(filepath.Dir(h.path), "audit"+suffix))
	if err != nil {
		return integrity.KeyState{}, err
	}
	return integrity.ParseKeyState(b)
}

// holds returns how many lines of a chain hold, the key behind them, and why the
// next one does not.
func (h *crashHistory) holds(chain []integrity.Line) (end integrity.Key, n int, err error) {
	_, n, err = checkChain(chain, h.keys)
	if n > 0 {
		end, _, _ = checkChain(chain[:n], h.keys)
	}
	return end, n, err
}

// macAt returns the tag of line seq; zeros where it is not there.
func macAt(chain []integrity.Line, seq uint64) (mac integrity.Hash) {
	if len(chain) > 0 && seq >= chain[0].Seq && seq-chain[0].Seq < uint64(len(chain)) {
		mac = chain[seq-chain[0].Seq].MAC
	}
	return mac
}
