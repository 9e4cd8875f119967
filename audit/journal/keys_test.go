// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/google/uuid"
)

// What the tests of keys need: a key file, and a verifier of their own, which
// has the keys of epoch 0 and nothing of package journal.

// forwardKey is a forward-secure key of a fixed secret, at epoch 0.
func forwardKey(t testing.TB, fill byte) integrity.Key {
	t.Helper()
	static := testKey(t, fill)
	text := fmt.Sprintf("auditchain-key v1 forward-secure id=%s epoch=0 secret=%s\n", static.ID(), strings.TrimSpace(string(static.Text())))
	s, err := integrity.ParseKeyState([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Key
}

// keyed is a journal with a key file.
type keyed struct {
	testing.TB
	path  string
	store *keyfile.Store
	zero  integrity.Key // the verification key
	clock time.Time
}

func newKeyed(t testing.TB) *keyed {
	t.Helper()
	dir := t.TempDir()
	h := &keyed{TB: t, path: filepath.Join(dir, "audit.jsonl"), store: &keyfile.Store{Path: filepath.Join(dir, "audit.key")}, zero: forwardKey(t, 'f')}
	h.clock = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	h.check(keyfile.Create(h.store.Path, h.zero))
	return h
}

func (h *keyed) check(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *keyed) dir() string { return filepath.Dir(h.path) }

// options are for epochs of n lines; 0 means that only the clock ends one.
func (h *keyed) options(n int64) journal.Options {
	if n == 0 {
		n = -1
	}
	return journal.Options{Keys: h.store, Epoch: journal.Epoch{Every: time.Hour, Records: n}, Version: "test", Now: func() time.Time { return h.clock }}
}

func (h *keyed) open(n int64, more ...func(*journal.Options)) *journal.Journal {
	h.Helper()
	j, err := h.try(n, more...)
	h.check(err)
	return j
}

func (h *keyed) try(n int64, more ...func(*journal.Options)) (*journal.Journal, error) {
	o := h.options(n)
	for _, f := range more {
		f(&o)
	}
	return journal.Open(h.Context(), h.path, o)
}

func (h *keyed) state() integrity.KeyState {
	h.Helper()
	st, err := h.store.Load()
	h.check(err)
	return st
}

func (h *keyed) lines() []integrity.Line {
	h.Helper()
	r, err := journal.NewReader(h.path)
	h.check(err)
	defer r.Close()
	var lines []integrity.Line
	for {
		l, err := r.Next()
		if err == io.EOF {
			return lines
		}
		h.check(err)
		l.Payload = slices.Clone(l.Payload)
		lines = append(lines, l)
	}
}

// proven checks every line under its key, and that the watermark and the key
// file are where the chain ends. It returns the epoch at the end.
func (h *keyed) proven(more ...integrity.Key) integrity.Key {
	h.Helper()
	key, _, err := checkChain(h.lines(), append([]integrity.Key{h.zero}, more...))
	h.check(err)
	b, err := os.ReadFile(h.path + ".head")
	h.check(err)
	head, degraded, err := integrity.ParseHead(b, h.state().Key)
	h.check(err)
	if degraded {
		h.Error("the watermark is degraded")
	}
	if head.Epoch != key.Epoch() || head.KeyID != key.ID() {
		h.Errorf("the watermark is under epoch %d of key %s, the chain under epoch %d of %s", head.Epoch, head.KeyID, key.Epoch(), key.ID())
	}
	if st := h.state(); st.Key.Epoch() != key.Epoch() || st.Key.ID() != key.ID() || key.Forward() && st.Chain != head.Chain {
		h.Errorf("key file: epoch %d of key %s, chain %s; the chain is under epoch %d of %s", st.Key.Epoch(), st.Key.ID(), st.Chain, key.Epoch(), key.ID())
	}
	return key
}

// checkChain checks lines from the beginning of a file on, each under its key,
// which is one of keys in epoch 0. It returns the key behind the last one, and
// how many hold.
func checkChain(lines []integrity.Line, keys []integrity.Key) (key integrity.Key, n int, err error) {
	var chain integrity.ChainID
	var prev integrity.Hash
	use := func(id, mode string, epoch uint64) error {
		i := slices.IndexFunc(keys, func(k integrity.Key) bool { return k.ID() == id && k.Mode() == mode })
		if i < 0 {
			return fmt.Errorf("key %s (%s) is none of the chain's", id, mode)
		}
		var err error
		key, err = keys[i].At(epoch)
		return err
	}
	mustEnd := false
	var sealer *integrity.Sealer
	var of integrity.Key
	var leaf integrity.LeafHasher
	for i, l := range lines {
		if i == 0 {
			var s integrity.Segment // a genesis has its members
			if err := integrity.ParseControl(l.Payload, &s); err != nil {
				return key, i, err
			}
			chain, prev = s.Chain, s.Previous.MAC
			if err := use(s.KeyID, s.KeyMode, s.Epoch); err != nil {
				return key, i, err
			}
		}
		if l.Seq != lines[0].Seq+uint64(i) {
			return key, i, fmt.Errorf("seq %d at place %d", l.Seq, i+1)
		}
		if sealer == nil || of.ID() != key.ID() || of.Epoch() != key.Epoch() {
			sealer, of = integrity.NewSealer(key, chain), key
		}
		if sealer.MAC(prev, l.Seq, l.Leaf(&leaf)) != l.MAC {
			return key, i, fmt.Errorf("seq %d does not hold under epoch %d of key %s: %s", l.Seq, key.Epoch(), key.ID(), l.Payload)
		}
		if mustEnd && l.ControlName() != integrity.ControlSegment {
			return key, i, fmt.Errorf("seq %d follows another key and begins no file: %s", l.Seq, l.Payload)
		}
		mustEnd = false
		switch l.ControlName() {
		case integrity.ControlSegment:
			var s integrity.Segment
			if err := integrity.ParseControl(l.Payload, &s); err != nil {
				return key, i, err
			}
			if s.KeyID != key.ID() || s.KeyMode != key.Mode() || s.Epoch != key.Epoch() {
				return key, i, fmt.Errorf("seq %d: a file that begins under epoch %d of key %s says %d and %s", l.Seq, key.Epoch(), key.ID(), s.Epoch, s.KeyID)
			}
		case integrity.ControlEpoch:
			var e integrity.Epoch
			if err := integrity.ParseControl(l.Payload, &e); err != nil {
				return key, i, err
			}
			if e.Epoch != key.Epoch()+1 {
				return key, i, fmt.Errorf("seq %d: epoch %d follows epoch %d", l.Seq, e.Epoch, key.Epoch())
			}
			key = key.Next()
		case integrity.ControlKey:
			var c integrity.KeyChange
			if err := integrity.ParseControl(l.Payload, &c); err != nil {
				return key, i, err
			}
			outgoing := key.ID()
			if err := use(c.KeyID, c.KeyMode, c.Epoch); err != nil {
				return key, i, err
			}
			if integrity.KeyProof(key, chain, l.Seq, prev, outgoing) != c.Proof {
				return key, i, fmt.Errorf("seq %d: the proof does not hold", l.Seq)
			}
			mustEnd = true
		case integrity.ControlSigner:
			mustEnd = true
		}
		prev = l.MAC
	}
	return key, len(lines), nil
}

func countControl(lines []integrity.Line, name string) (n int) {
	for _, l := range lines {
		if l.ControlName() == name {
			n++
		}
	}
	return n
}

func appendN(t testing.TB, j *journal.Journal, n int) {
	t.Helper()
	for i := range n {
		appendOne(t, j, record(uuid.New(), strconv.Itoa(i)))
	}
}

func wantError(t testing.TB, err, is error, words ...string) {
	t.Helper()
	if err == nil || is != nil && !errors.Is(err, is) {
		t.Fatalf("%v, want %v", err, is)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v, want %q in it", err, w)
		}
	}
}
