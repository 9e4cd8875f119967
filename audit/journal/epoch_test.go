// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
	"github.com/google/uuid"
)

func TestEpochsByLines(t *testing.T) {
	h := newKeyed(t)
	j := h.open(5)
	appendN(t, j, 30)
	h.check(j.Close())
	if e := h.proven().Epoch(); e < 5 {
		t.Errorf("epoch %d", e)
	}
	st := h.state()
	last := h.lines()[st.Seq-1]
	if last.ControlName() != integrity.ControlEpoch || last.MAC != st.MAC {
		t.Errorf("the key file names %s", last.Payload)
	}
	// The key of an epoch that is over is nowhere beside the journal.
	secrets := map[string]bool{}
	for k := h.zero; k.Epoch() < st.Key.Epoch(); k = k.Next() {
		secrets[string(bytes.Fields(k.Text())[5])] = true
	}
	for _, name := range fileNames(t, filepath.Dir(h.path)) {
		for s := range secrets {
			if strings.Contains(string(readFile(t, filepath.Join(filepath.Dir(h.path), name))), strings.TrimPrefix(s, "secret=")) {
				t.Errorf("%s holds the key of an epoch that is over", name)
			}
		}
	}
}

func fileNames(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestEpochsByTime(t *testing.T) {
	h := newKeyed(t)
	j := h.open(0)
	h.clock = h.clock.Add(2 * time.Hour)
	h.check(j.Rotate(t.Context())) // what is due is done; a file without a record
	if e := h.state().Key.Epoch(); e != 0 {
		t.Errorf("an epoch in which nothing was sealed ended (%d)", e)
	}
	appendN(t, j, 1)
	h.clock = h.clock.Add(2 * time.Hour)
	appendN(t, j, 1)
	if e := h.state().Key.Epoch(); e != 1 && e != 2 {
		t.Errorf("epoch %d", e)
	}
	before := h.state().Key.Epoch()
	h.clock = h.clock.Add(-24 * time.Hour)
	appendN(t, j, 2)
	if e := h.state().Key.Epoch(); e != before+1 {
		t.Errorf("with a clock that was set back: epoch %d after %d", e, before)
	}
	h.check(j.Close())
	h.proven()
}

// signalStore tells of each state that is saved.
type signalStore struct {
	journal.KeyStore
	saved chan uint64
}

func (s signalStore) Save(st integrity.KeyState) error {
	err := s.KeyStore.Save(st)
	select {
	case s.saved <- st.Key.Epoch():
	default:
	}
	return err
}

// The epoch of an idle writer ends too.
func TestEpochOfAnIdleWriter(t *testing.T) {
	h := newKeyed(t)
	saved := make(chan uint64, 100)
	var clock atomic.Int64
	clock.Store(h.clock.Unix())
	j := h.open(0, func(o *journal.Options) {
		o.Keys = signalStore{h.store, saved}
		o.Epoch.Every = time.Second
		o.Now = func() time.Time { return time.Unix(clock.Load(), 0) }
	})
	appendN(t, j, 1)
	clock.Add(3600)
	for {
		select {
		case e := <-saved:
			if e == 0 {
				continue
			}
			h.check(j.Close())
			h.proven()
			return
		case <-t.Context().Done():
			t.Fatal("the epoch never ended")
		}
	}
}

// Writers that share a journal share its epochs, whoever ends them.
func TestEpochsOfSeveralWriters(t *testing.T) {
	for _, rotation := range []journal.Rotation{{}, {MaxSize: 1500}, {MaxSize: 1500, Keep: 2, Compress: true}} {
		h := newKeyed(t)
		with := func(o *journal.Options) { o.Rotation = rotation }
		writers := []*journal.Journal{h.open(4, with), h.open(4, with), h.open(7, with)}
		for i := range 60 {
			appendN(t, writers[i/5%3], 1)
		}
		for _, j := range writers {
			h.check(j.Close())
		}
		// A file that another one was compressing is removed the next time.
		h.check(h.open(4, with).Close())
		if rotation.Keep == 0 {
			if e := h.proven().Epoch(); e < 8 {
				t.Errorf("epoch %d", e)
			}
		} else if n := len(segments(t, h.path)); n != 3 {
			t.Errorf("%d files", n)
		}
		if n := countControl(h.lines(), integrity.ControlBreak); n > 0 {
			t.Errorf("%d breaks", n)
		}
		for _, l := range h.lines() {
			if l.ControlName() == integrity.ControlOpened && strings.Contains(string(l.Payload), `"watermark"`) {
				t.Errorf("%s", l.Payload)
			}
		}
	}
}

// A key file that is behind the chain, as after a crash or from a copy, steps
// forward by itself.
func TestKeyFileBehindTheChain(t *testing.T) {
	for _, c := range []struct {
		name  string
		after int // records after the copy
		n     int64
	}{{"fresh", 30, 5}, {"one epoch", 6, 5}} {
		t.Run(c.name, func(t *testing.T) {
			h := newKeyed(t)
			old := readFile(t, h.store.Path)
			j := h.open(c.n)
			appendN(t, j, 10)
			if c.name != "fresh" {
				old = readFile(t, h.store.Path)
			}
			appendN(t, j, c.after)
			h.check(j.Close())
			h.check(os.WriteFile(h.store.Path, old, 0o600))
			j = h.open(c.n)
			appendN(t, j, 1)
			h.check(j.Close())
			h.proven()
			if n := countControl(h.lines(), integrity.ControlBreak); n > 0 {
				t.Errorf("%d breaks", n)
			}
		})
	}
}

// A chain that is behind its key file was cut, whatever its watermark says.
func TestChainBehindTheKeyFile(t *testing.T) {
	for _, c := range []struct {
		name   string
		attack func(t *testing.T, h *keyed, file, head []byte)
		found  string
	}{
		{"all put back", func(t *testing.T, h *keyed, file, head []byte) {
			h.check(errors.Join(os.WriteFile(h.path, file, 0o600), os.WriteFile(h.path+".head", head, 0o600)))
		}, integrity.BreakShorter},
		{"file put back", func(t *testing.T, h *keyed, file, head []byte) {
			h.check(os.WriteFile(h.path, file, 0o600))
		}, integrity.BreakShorter},
		{"file put back, watermark removed", func(t *testing.T, h *keyed, file, head []byte) {
			h.check(errors.Join(os.WriteFile(h.path, file, 0o600), os.Remove(h.path+".head")))
		}, integrity.BreakShorter},
		{"file removed", func(t *testing.T, h *keyed, file, head []byte) {
			h.check(errors.Join(os.Remove(h.path), os.Remove(h.path+".head")))
		}, integrity.BreakMissing},
		{"watermark removed", func(t *testing.T, h *keyed, file, head []byte) {
			h.check(os.Remove(h.path + ".head"))
		}, integrity.BreakNoWatermark},
		{"watermark put back", func(t *testing.T, h *keyed, file, head []byte) {
			h.check(os.WriteFile(h.path+".head", head, 0o600))
		}, integrity.BreakNoWatermark},
		{"a byte at the position", func(t *testing.T, h *keyed, file, head []byte) {
			b := readFile(t, h.path)
			b[h.state().Size-10] ^= 1
			h.check(errors.Join(os.WriteFile(h.path, b, 0o600), os.Remove(h.path+".head")))
		}, integrity.BreakAltered},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newKeyed(t)
			j := h.open(5)
			appendN(t, j, 2)
			file, head := readFile(t, h.path), readFile(t, h.path+".head")
			appendN(t, j, 18)
			h.check(j.Close())
			st := h.state()
			c.attack(t, h, file, head)
			j = h.open(5)
			appendN(t, j, 12)
			h.check(j.Close())
			// What was written since goes on from the position in the key file,
			// or beyond it.
			b, err := os.ReadFile(h.path)
			h.check(err)
			if !strings.Contains(string(b), `"found":"`+c.found+`"`) {
				t.Errorf("no break %q in %.600s", c.found, b)
			}
			first, err := integrity.ParseLine(bytes.TrimSuffix(b[:bytes.IndexByte(b, '\n')+1], []byte("\n")))
			h.check(err)
			if first.Seq <= st.Seq {
				t.Errorf("it goes on at seq %d, and the key file says %d", first.Seq, st.Seq)
			}
			if now := h.state(); now.Key.Epoch() <= st.Key.Epoch() {
				t.Errorf("epoch %d, and it was %d", now.Key.Epoch(), st.Key.Epoch())
			}
		})
	}
}

// Whoever has the key of the epoch can make a watermark of less than the key
// file names. It does not count.
func TestForgedWatermarkBehindTheKeyFile(t *testing.T) {
	h := newKeyed(t)
	j := h.open(5)
	appendN(t, j, 20)
	h.check(j.Close())
	st := h.state()
	lines := h.lines()
	at := integrity.Position{First: 1, Seq: 3, MAC: lines[2].MAC, Size: lines[3].Offset}
	k := integrity.NewHeadKey(st.Key, st.Chain)
	var b []byte
	for g := range uint64(2) {
		b = integrity.Head{Generation: 100 + g, Chain: st.Chain, Position: at, Time: h.clock}.AppendSlot(b, k)
	}
	h.check(errors.Join(os.WriteFile(h.path+".head", b, 0o600), os.Truncate(h.path, at.Size)))
	j = h.open(5)
	appendN(t, j, 1)
	h.check(j.Close())
	s := string(readFile(t, h.path))
	if !strings.Contains(s, `"found":"shorter"`) || !strings.Contains(s, `"watermark":"degraded"`) {
		t.Errorf("%.900s", s)
	}
	if now := h.state(); now.Seq < st.Seq {
		t.Errorf("the key file went from seq %d to %d", st.Seq, now.Seq)
	}
}

// A running writer that was left behind does not hide, with its own next step,
// what another one sealed and somebody cut off.
func TestChainCutUnderAnIdleWriter(t *testing.T) {
	h := newKeyed(t)
	idle := h.open(6)
	appendN(t, idle, 1)
	file, head := readFile(t, h.path), readFile(t, h.path+".head")
	other := h.open(6)
	appendN(t, other, 20)
	h.check(other.Close())
	st := h.state()
	h.check(errors.Join(os.WriteFile(h.path, file, 0o600), os.WriteFile(h.path+".head", head, 0o600)))
	appendN(t, idle, 12)
	h.check(idle.Close())
	if now := h.state(); now.Key.Epoch() <= st.Key.Epoch() || now.Seq <= st.Seq {
		t.Errorf("the key file went from epoch %d, seq %d, to epoch %d, seq %d", st.Key.Epoch(), st.Seq, now.Key.Epoch(), now.Seq)
	}
	if !strings.Contains(string(readFile(t, h.path)), `"found":"`) {
		t.Error("there is no break")
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	h := newKeyed(t)
	h.check(h.open(5).Close())
	t.Run("given alone", func(t *testing.T) {
		_, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "a.jsonl"), journal.Options{Key: h.zero})
		wantError(t, err, nil, "forward-secure", "file")
	})
	t.Run("verification key", func(t *testing.T) {
		_, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "a.jsonl"), journal.Options{Key: h.zero.ForVerifying()})
		wantError(t, err, integrity.ErrVerifyOnly)
		o := newKeyed(t)
		o.check(os.WriteFile(o.store.Path, integrity.KeyState{Key: o.zero.ForVerifying()}.Text(), 0o600))
		_, err = o.try(5)
		wantError(t, err, integrity.ErrVerifyOnly)
	})
	t.Run("another chain's", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "b.jsonl")
		_, err := journal.Open(t.Context(), other, h.options(5))
		wantError(t, err, journal.ErrWrongKey, "one chain", "auditchain key new")
		if _, err := os.Stat(other); err == nil {
			t.Error("a file was made")
		}
	})
	t.Run("swapped", func(t *testing.T) {
		o := newKeyed(t)
		o.check(os.Remove(o.store.Path))
		o.zero = forwardKey(t, 'g')
		o.check(keyfile.Create(o.store.Path, o.zero))
		j := o.open(5)
		appendN(t, j, 20)
		o.check(j.Close())
		mine, its := readFile(t, h.store.Path), readFile(t, o.store.Path)
		o.check(os.WriteFile(o.store.Path, mine, 0o600))
		_, err := o.try(5)
		wantError(t, err, journal.ErrWrongKey)
		o.check(errors.Join(os.Remove(o.path+".head"), os.WriteFile(h.store.Path, its, 0o600)))
		_, err = o.try(5)
		wantError(t, err, journal.ErrWrongKey)
		_, err = h.try(5)
		wantError(t, err, journal.ErrWrongKey)
		o.check(errors.Join(os.WriteFile(o.store.Path, its, 0o600), os.WriteFile(h.store.Path, mine, 0o600)))
		h.check(h.open(5).Close())
		o.check(o.open(5).Close())
	})
	t.Run("readable by others", func(t *testing.T) {
		h.check(os.Chmod(h.store.Path, 0o644))
		_, err := h.try(5)
		wantError(t, err, nil, "chmod 600")
		h.check(os.Chmod(h.store.Path, 0o600))
	})
	h.proven()
}

// A key file that cannot be replaced stops the writer: nothing is acknowledged,
// nothing is lost, and it goes on when the file can be.
func TestKeyFileCannotBeReplaced(t *testing.T) {
	h := newKeyed(t)
	j := h.open(5)
	appendN(t, j, 3)
	h.check(os.Chmod(h.store.Path, 0o644))
	rec := record(uuid.New(), "x")
	for range 3 {
		err := j.Append(t.Context(), []journal.Record{rec}, make([]journal.Receipt, 1))
		wantError(t, err, journal.ErrFailed, "chmod 600")
		if !journal.Retryable(err) {
			t.Error("it is not retryable")
		}
	}
	h.check(os.Chmod(h.store.Path, 0o600))
	if rc := appendOne(t, j, rec); rc.Duplicate {
		t.Error("it was sealed before")
	}
	h.check(j.Close())
	h.proven()
}

// A key that was that of a chain, or has stepped, is none for a new one, and
// nothing is moved; with a key of its own the new chain is proven, and the key
// before is kept.
func TestNewChainNeedsAKey(t *testing.T) {
	for _, n := range []int64{0, 5} { // in epoch 0, and later
		h := newKeyed(t)
		j := h.open(n)
		appendN(t, j, 20)
		h.check(j.Close())
		was, files, text := h.state(), fileNames(t, h.dir()), readFile(t, h.store.Path)
		refused := func(next integrity.Key, want ...string) {
			t.Helper()
			_, err := h.try(n, func(o *journal.Options) { o.NewChain, o.NewKey = "test", next })
			wantError(t, err, journal.ErrWrongKey, want...)
			if now := fileNames(t, h.dir()); !slices.Equal(now, files) || !bytes.Equal(readFile(t, h.store.Path), text) {
				t.Errorf("after it was refused: %q", now)
			}
		}
		refused(integrity.Key{}, "needs a key of its own", "auditchain key new NEWFILE", "--new-key-file NEWFILE "+h.path)
		refused(h.zero, "is that of chain "+was.Chain.String())
		refused(forwardKey(t, 'g').Next(), "has stepped to epoch 1")
		h.check(os.WriteFile(h.store.Path, integrity.KeyState{Key: h.zero.Next()}.Text(), 0o600))
		text = readFile(t, h.store.Path)
		refused(integrity.Key{}, "has stepped to epoch 1", "--new-key-file NEWFILE")
		h.check(os.WriteFile(h.store.Path, was.Text(), 0o600))

		next := forwardKey(t, 'g')
		j = h.open(n, func(o *journal.Options) { o.NewChain, o.NewKey = "test", next })
		appendN(t, j, 20)
		h.check(j.Close())
		if now := h.state(); !now.Key.Same(next) || now.Chain != integrity.ChainID(j.Chain()) || now.Chain == was.Chain {
			t.Errorf("the key file holds %s of chain %s", now.Key.ID(), now.Chain)
		}
		if kept := readFile(t, h.store.KeptAs(h.zero.ID())); !bytes.Equal(kept, was.Text()) {
			t.Error("the key before is not kept as it was")
		}
		old := *h
		h.zero = next
		h.proven()
		folders, err := filepath.Glob(h.path + ".old-*")
		if err != nil || len(folders) != 1 {
			t.Fatal(folders, err)
		}
		if line := h.lines()[0]; !bytes.Contains(line.Payload, []byte(`"follows":{"chain_id":"`+was.Chain.String())) {
			t.Errorf("it begins with %s", line.Payload)
		}
		old.path, old.store = filepath.Join(folders[0], filepath.Base(h.path)), &keyfile.Store{Path: h.store.KeptAs(h.zero.ID())}
		r, err := journal.Verify(t.Context(), old.path, old.zero, journal.VerifyOptions{})
		h.check(err)
		wantVerdict(t, r, integrity.Verified)
	}
}

// A static key goes on, as before; and one can be followed by a forward-secure
// key.
func TestNewChainOfAStaticKey(t *testing.T) {
	h := newKeyed(t)
	static, err := integrity.ParseKey(bytes.Repeat([]byte{0x81}, 32))
	h.check(err)
	h.check(os.WriteFile(h.store.Path, integrity.KeyState{Key: static}.Text(), 0o600))
	h.check(h.open(5).Close())
	h.check(h.open(5, func(o *journal.Options) { o.NewChain = "test"; h.clock = h.clock.Add(time.Second) }).Close())
	j := h.open(5, func(o *journal.Options) { o.NewChain, o.NewKey = "test", h.zero })
	appendN(t, j, 7)
	h.check(j.Close())
	if e := h.proven().Epoch(); e == 0 {
		t.Error("the new key did not step")
	}
}

func TestNewKeyOptions(t *testing.T) {
	h := newKeyed(t)
	for want, set := range map[string]func(o *journal.Options){
		"is for a new chain": func(o *journal.Options) { o.NewKey = forwardKey(t, 'g') },
		"for a store that": func(o *journal.Options) {
			o.NewChain, o.NewKey, o.Keys, o.Key = "x", forwardKey(t, 'g'), nil, testKey(t, 'k')
		},
		"verification key":       func(o *journal.Options) { o.NewChain, o.NewKey = "x", forwardKey(t, 'g').ForVerifying() },
		"has stepped to epoch 1": func(o *journal.Options) { o.NewChain, o.NewKey = "x", forwardKey(t, 'g').Next() },
	} {
		if _, err := h.try(5, set); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not %q", err, want)
		}
	}
}

// A key is not taken from a chain that stands elsewhere, by a new one in the
// place of a third; also not to make room for another.
func TestNewChainLeavesOtherKeys(t *testing.T) {
	mine, other := newKeyed(t), newKeyed(t)
	for _, h := range []*keyed{mine, other} {
		j := h.open(5)
		appendN(t, j, 2)
		h.check(j.Close())
	}
	before, files := readFile(t, mine.store.Path), fileNames(t, other.dir())
	o := *other
	o.store = mine.store
	for _, next := range []integrity.Key{{}, forwardKey(t, 'g')} {
		_, err := o.try(5, func(o *journal.Options) { o.NewChain, o.NewKey = "test", next })
		wantError(t, err, journal.ErrWrongKey, "auditchain recover --new-chain REASON --key-file NEWFILE "+o.path)
		if !bytes.Equal(readFile(t, mine.store.Path), before) || !slices.Equal(fileNames(t, other.dir()), files) {
			t.Error("the key file is another one, or a file was moved")
		}
	}
	j := mine.open(5)
	appendN(t, j, 1)
	mine.check(j.Close())
	j = other.open(5)
	other.check(j.Close())

	// What the message says.
	o.store = &keyfile.Store{Path: filepath.Join(t.TempDir(), "next.key")}
	o.zero = forwardKey(t, 'g')
	o.check(keyfile.Create(o.store.Path, o.zero))
	j = o.open(5, func(o *journal.Options) { o.NewChain = "test" })
	appendN(t, j, 7)
	o.check(j.Close())
	o.proven()
}

// A new chain that is interrupted anywhere can be begun again, with the same
// key; meanwhile, either the old chain goes on under its key, or none does.
func TestNewChainInterrupted(t *testing.T) {
	next := forwardKey(t, 'g')
	met := map[string]bool{}
	for _, op := range []faultfs.Op{faultfs.Open, faultfs.Write, faultfs.Sync, faultfs.SyncDir, faultfs.Rename, faultfs.Mkdir} {
		for skip := range 20 {
			h := newKeyed(t)
			j := h.open(5)
			appendN(t, j, 12)
			h.check(j.Close())
			disk := faultfs.New()
			disk.Fail(op, "", skip, 1, faultfs.Fault{Err: syscall.EIO})
			anew := func(o *journal.Options) { o.NewChain, o.NewKey = "test", next }
			j, err := h.try(5, anew, func(o *journal.Options) {
				o.FS, o.Keys = disk, &keyfile.Store{Path: h.store.Path, FS: disk}
			})
			disk.Heal()
			if err == nil {
				met["begun"] = true
				appendN(t, j, 1)
				h.check(j.Close())
			} else if now := h.state(); now.Key.Same(next) && now.Bound() {
				// It was begun, but for the last sync.
				met["all but begun"] = true
			} else {
				what := "before the key was changed"
				if now.Key.Same(next) {
					what = "behind that"
				}
				met[what] = true
				j, err = h.try(5)
				switch {
				case err == nil && now.Key.Same(next):
					// The new chain, of which only the key did not know.
					met["unbound"] = true
					if line := h.lines()[0]; !bytes.Contains(line.Payload, []byte(next.ID())) {
						t.Fatalf("%s %d: under the new key, a chain that begins with %s", op, skip, line.Payload)
					}
					h.check(j.Close())
				case err == nil:
					h.check(j.Close())
				case !now.Key.Same(next) || !errors.Is(err, journal.ErrWrongKey) && !strings.Contains(err.Error(), "begin a new chain"):
					t.Fatalf("%s %d, %s: %v", op, skip, what, err)
				}
				if now = h.state(); !now.Key.Same(next) || !now.Bound() {
					j = h.open(5, anew)
					h.check(j.Close())
				}
			}
			j = h.open(5)
			appendN(t, j, 12)
			h.check(j.Close())
			g := *h
			g.zero = next
			g.proven()
			if kept := (&keyfile.Store{Path: h.store.KeptAs(h.zero.ID())}); !h.keeps(kept, h.zero) {
				t.Errorf("%s %d: the key of the old chain is gone", op, skip)
			}
		}
	}
	for _, what := range []string{"begun", "all but begun", "before the key was changed", "behind that", "unbound"} {
		if !met[what] {
			t.Errorf("no fault: %s", what)
		}
	}
}

func (h *keyed) keeps(s *keyfile.Store, k integrity.Key) bool {
	st, err := s.Load()
	return err == nil && st.Key.Same(k) && st.Bound()
}

// A crash between the genesis and the binding of the key leaves a chain that is
// bound at the next opening.
func TestKeyIsBoundLater(t *testing.T) {
	h := newKeyed(t)
	fresh := readFile(t, h.store.Path)
	h.check(h.open(0).Close())
	h.check(os.WriteFile(h.store.Path, fresh, 0o600))
	h.check(h.open(0).Close())
	if st := h.state(); !st.Bound() || st.Seq != 0 {
		t.Errorf("%+v", st.Position)
	}
	h.proven()
}

// The time at which a file under a key that is gone was begun is believed only
// as far as the files behind it vouch for it.
func TestRetentionByAgeAcrossEpochs(t *testing.T) {
	for _, forged := range []bool{false, true} {
		h := newKeyed(t)
		var reported []error
		policy := func(o *journal.Options) {
			o.Rotation = journal.Rotation{MaxSize: 1500, KeepFor: 24 * time.Hour}
			o.Report = func(err error) { reported = append(reported, err) }
		}
		j := h.open(3, policy)
		appendN(t, j, 40)
		h.check(j.Close())
		all := segments(t, h.path)
		if forged {
			b := bytes.Replace(readFile(t, all[1].Path), []byte(`"time":"2026`), []byte(`"time":"2020`), 1)
			h.check(os.WriteFile(all[1].Path, b, 0o600))
		} else {
			h.clock = h.clock.Add(48 * time.Hour)
		}
		j = h.open(3, policy)
		h.check(j.Rotate(t.Context()))
		h.check(j.Close())
		left := segments(t, h.path)
		if forged && (left[0].First != 1 || len(reported) == 0) {
			t.Errorf("files were removed: %d of %d are left; %v", len(left), len(all), reported)
		}
		if !forged && len(left) > 2 {
			t.Errorf("%d files are left; %v", len(left), reported)
		}
	}
}

// Retention goes by the beginnings of files that are under keys which are gone:
// they hold together by their leaves, and a planted file among them makes it
// remove nothing.
func TestRetentionAcrossEpochs(t *testing.T) {
	for _, planted := range []bool{false, true} {
		h := newKeyed(t)
		keep := func(o *journal.Options) { o.Rotation = journal.Rotation{MaxSize: 1500, Keep: 20} }
		j := h.open(3, keep)
		appendN(t, j, 40)
		h.check(j.Close())
		all := segments(t, h.path)
		if len(all) < 10 {
			t.Fatalf("%d files", len(all))
		}
		if planted {
			// A first line that nobody can check any more says something else.
			b := bytes.Replace(readFile(t, all[4].Path), []byte(`"previous":{"first":`), []byte(`"previous":{"first":9`), 1)
			h.check(os.WriteFile(all[4].Path, b, 0o600))
		}
		var reported []error
		j = h.open(3, func(o *journal.Options) {
			o.Rotation = journal.Rotation{MaxSize: 1500, Keep: 3}
			o.Report = func(err error) { reported = append(reported, err) }
		})
		h.check(j.Rotate(t.Context()))
		appendN(t, j, 20)
		h.check(j.Close())
		left := segments(t, h.path)
		if planted && (left[0].First != 1 || len(left) < len(all)) {
			t.Errorf("files were removed: %v", left)
		}
		if !planted && (len(left) > 6 || left[0].First == 1) {
			t.Errorf("nothing was removed: %d files, %v", len(left), reported)
		}
	}
}

// A step of the key does not take the tree from the writer: the lines before it
// could not be checked any more, and would have to be believed.
func TestTreeStaysThroughEpochs(t *testing.T) {
	h := newKeyed(t)
	var said reported
	for range 3 { // the first one begins with an empty tree, the others with a cache
		j := h.open(3, signing(t, -1), said.with)
		appendN(t, j, 10)
		if _, err := j.Checkpoint(t.Context()); err != nil {
			t.Error(err)
		}
		h.check(j.Close())
	}
	if e := h.proven().Epoch(); e < 6 {
		t.Errorf("epoch %d", e)
	}
	checkTree(t, h.path)
	if said.String() != "" {
		t.Errorf("said: %s", &said)
	}
}
