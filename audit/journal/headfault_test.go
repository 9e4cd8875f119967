// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
)

// A write of the watermark that stops in the middle leaves the new text up to
// there, and the old one behind it. Where both are under keys of their own, that
// may read as a slot of a key that nobody has, or of the one whose time is over;
// the slot beside it, under the other key, counts all the same. Nobody calls
// that a watermark that was taken away, whoever goes on.
func TestWatermarkTornAtAnotherKey(t *testing.T) {
	const begun = len("auditchain-head v1 ")
	for slot := range 2 {
		for n := begun; n < 300; n += 11 {
			for _, next := range []string{"other", "same", "new"} {
				t.Run(fmt.Sprintf("slot %d, %d bytes, %s", slot, n, next), func(t *testing.T) {
					h := newKeyed(t)
					disk := faultfs.New()
					with := func(o *journal.Options) { o.FS = disk }
					j, other := h.open(0, with), h.open(0, with)
					appendN(t, j, 4)
					appendN(t, other, 4)
					incoming := forwardKey(t, 'g')
					h.check(h.store.Stage(integrity.KeyState{Key: incoming}))
					disk.Fail(faultfs.Write, ".head", slot, 2, faultfs.Fault{Err: syscall.EIO, Partial: n})
					if err := j.RotateKey(t.Context(), integrity.KeyState{Key: incoming}, h.store.Swap); !errors.Is(err, syscall.EIO) {
						t.Fatal(err)
					}
					disk.Heal()
					switch next {
					case "other":
						appendN(t, other, 4)
					case "same":
						appendN(t, j, 4)
					case "new":
						j.Abandon()
						other.Abandon()
						j = h.open(0, with)
						appendN(t, j, 4)
						other = h.open(0, with)
					}
					h.check(errors.Join(other.Close(), j.Close()))
					if last := h.proven(incoming); !last.Same(incoming) {
						t.Errorf("the chain is under %v", last)
					}
					for _, l := range h.lines() {
						if l.ControlName() == integrity.ControlBreak || strings.Contains(string(l.Payload), `"watermark":"removed"`) ||
							next != "new" && strings.Contains(string(l.Payload), `"watermark":"degraded"`) {
							t.Errorf("seq %d: %s", l.Seq, l.Payload)
						}
					}
				})
			}
		}
	}
}

// Writers that run beside each other take over a watermark that one of them
// wrote in part, where it reads whole. When the power fails, one must still be
// there, however many of their writes failed.
func TestWatermarkWritesFailBesideEachOther(t *testing.T) {
	for name, writers := range map[string][]int{"beside": {0, 1, 0}, "alone": {0, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(300) {
				dir := t.TempDir()
				path := filepath.Join(dir, "audit.jsonl")
				disk := crashfs.New(dir, rand.New(rand.NewPCG(seed, 1)), crashfs.Options{})
				with := func(o *journal.Options) { o.FS = disk }
				journals := []*journal.Journal{open(t, path, with), open(t, path, with)}
				for _, j := range journals {
					appendN(t, j, 3)
				}
				for _, i := range writers {
					disk.Inject(crashfs.Fault{Call: crashfs.Write, Suffix: ".head", Times: 1})
					wantError(t, journals[i].Append(t.Context(), benchRecords(1), make([]journal.Receipt, 1)), journal.ErrUncertain)
				}
				disk = disk.Crash(rand.New(rand.NewPCG(seed, 2)))
				for _, j := range journals {
					_ = j.Close()
				}
				contents, err := disk.ReadFile(path + ".head")
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := integrity.ParseHead(contents, testKey(t, 'k')); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

// Who cuts off what was sealed behind such a write hides nothing: the slot that
// holds says that it was there.
func TestCutBehindTornWatermark(t *testing.T) {
	h := newKeyed(t)
	disk := faultfs.New()
	with := func(o *journal.Options) { o.FS = disk }
	j, other := h.open(0, with), h.open(0, with)
	appendN(t, j, 4)
	appendN(t, other, 4)
	before := readFile(t, h.path)
	incoming := forwardKey(t, 'g')
	h.check(h.store.Stage(integrity.KeyState{Key: incoming}))
	// Behind the key id: the second slot reads as one of the outgoing key.
	disk.Fail(faultfs.Write, ".head", 1, 1, faultfs.Fault{Err: syscall.EIO, Partial: len("auditchain-head v1 12")})
	wantError(t, j.RotateKey(t.Context(), integrity.KeyState{Key: incoming}, h.store.Swap), syscall.EIO)
	h.check(os.WriteFile(h.path, before, 0o600))
	appendN(t, other, 1)
	h.check(errors.Join(other.Close(), j.Close()))
	if !strings.Contains(string(readFile(t, h.path)), `"found":"`+integrity.BreakShorter+`"`) {
		t.Error("no break says that the file ends before the watermark")
	}
}

// A writer that looks at the disk anew remembers that a slot may be torn there:
// it is whole again, durably, before the other one is touched.
func TestTornWatermarkOutlastsAFault(t *testing.T) {
	for seed := range uint64(300) {
		dir := t.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		disk := crashfs.New(dir, rand.New(rand.NewPCG(seed, 1)), crashfs.Options{TearSectors: true})
		j := open(t, path, func(o *journal.Options) { o.FS = disk })
		appendN(t, j, 3)
		disk.Inject(crashfs.Fault{Call: crashfs.Write, Suffix: ".head", Times: 1})
		wantError(t, j.Append(t.Context(), benchRecords(1), make([]journal.Receipt, 1)), journal.ErrUncertain)
		disk.Inject(crashfs.Fault{Call: crashfs.Write, Suffix: ".jsonl", Times: 1})
		disk.Inject(crashfs.Fault{Call: crashfs.Truncate, Suffix: ".jsonl", Times: 1})
		wantError(t, j.Append(t.Context(), benchRecords(1), make([]journal.Receipt, 1)), journal.ErrFailed)
		appendN(t, j, 2)
		disk = disk.Crash(rand.New(rand.NewPCG(seed, 2)))
		_ = j.Close()
		contents, err := disk.ReadFile(path + ".head")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := integrity.ParseHead(contents, testKey(t, 'k')); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}
