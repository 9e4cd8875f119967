// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
)

// rotate does what `auditchain key rotate` does.
func (h *keyed) rotate(j *journal.Journal, next integrity.Key) {
	h.Helper()
	h.check(h.store.Stage(integrity.KeyState{Key: next}))
	h.check(j.RotateKey(h.Context(), integrity.KeyState{Key: next}, h.store.Swap))
}

// From a forward-secure key to another one, to a static one, and back.
func TestRotateKey(t *testing.T) {
	h := newKeyed(t)
	keys := []integrity.Key{forwardKey(t, 'g'), testKey(t, 's'), forwardKey(t, 'h'), testKey(t, 'u'), testKey(t, 'v')}
	j, other := h.open(5), h.open(5)
	appendN(t, j, 12)
	for i, next := range keys {
		appendN(t, other, 3)
		before := h.state()
		h.rotate(j, next)
		appendN(t, other, 7)
		appendN(t, j, 7)
		kept, err := (&keyfile.Store{Path: h.store.KeptAs(before.Key.ID())}).Load()
		h.check(err)
		if !kept.Key.Same(before.Key) || kept.Key.Epoch() < before.Key.Epoch() {
			t.Errorf("%d: kept is %v at epoch %d", i, kept.Key, kept.Key.Epoch())
		}
		if _, err := os.Lstat(h.store.Path + keyfile.NextSuffix); err == nil {
			t.Error("the staged key is still there")
		}
		if last := h.proven(keys...); !last.Same(next) {
			t.Errorf("%d: the chain is under %v", i, last)
		}
	}
	h.check(errors.Join(j.Close(), other.Close()))
	j = h.open(5)
	appendN(t, j, 1)
	h.check(j.Close())
	h.proven(keys...)
	lines := h.lines()
	if n := countControl(lines, integrity.ControlKey); n != len(keys) {
		t.Errorf("%d key changes", n)
	}
	if n := countControl(lines, integrity.ControlBreak); n > 0 {
		t.Errorf("%d breaks", n)
	}
	if s := string(readFile(t, segments(t, h.path)[1].Path)); !strings.Contains(s[:600], `"reason":"key"`) {
		t.Errorf("%.300s", s)
	}
}

// A crash at any place between the staging of a key and its use, as the files
// are then: whoever opens the journal next completes it.
func TestRotateKeyInterrupted(t *testing.T) {
	for _, next := range []integrity.Key{forwardKey(t, 'g'), testKey(t, 's')} {
		for _, at := range []string{"sealed", "slots", "swapped", "begun"} {
			t.Run(next.Mode()+"/"+at, func(t *testing.T) {
				h := newKeyed(t)
				j := h.open(5)
				appendN(t, j, 12)
				oldKey, oldHead := readFile(t, h.store.Path), readFile(t, h.path+".head")
				h.check(h.store.Stage(integrity.KeyState{Key: next}))
				staged := readFile(t, h.store.Path+keyfile.NextSuffix)
				var head []byte
				stop := errors.New("stop")
				err := j.RotateKey(t.Context(), integrity.KeyState{Key: next}, func() error {
					head = readFile(t, h.path+".head")
					if at == "begun" {
						return h.store.Swap()
					}
					return stop
				})
				if (err != nil) != (at != "begun") {
					t.Fatal(err)
				}
				file := readFile(t, h.path)
				_ = j.Close() // completes it, which is undone
				if at != "begun" {
					first := segments(t, h.path)
					h.check(os.Remove(h.path))
					h.check(os.Rename(first[len(first)-2].Path, h.path))
					h.check(os.Truncate(h.path, int64(len(file))))
					h.check(os.WriteFile(h.path+".head", head, 0o600))
					h.check(os.WriteFile(h.store.Path, oldKey, 0o600))
					h.check(os.WriteFile(h.store.Path+keyfile.NextSuffix, staged, 0o600))
					os.Remove(h.store.KeptAs(h.zero.ID()))
				}
				switch at {
				case "sealed":
					h.check(os.WriteFile(h.path+".head", oldHead, 0o600))
				case "swapped":
					h.check(h.store.Swap())
				}
				j = h.open(5)
				appendN(t, j, 8)
				h.check(j.Close())
				if last := h.proven(next); !last.Same(next) {
					t.Errorf("under %v", last)
				}
				lines := h.lines()
				if n := countControl(lines, integrity.ControlBreak); n > 0 {
					t.Errorf("%d breaks", n)
				}
				for _, l := range lines {
					if strings.Contains(string(l.Payload), `"watermark"`) {
						t.Errorf("%s", l.Payload)
					}
				}
			})
		}
	}
}

// Without the incoming key nobody goes on.
func TestRotateKeyWithoutTheKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	next := testKey(t, 'n')
	j, other := open(t, path), open(t, path)
	appendN(t, j, 2)
	if err := j.RotateKey(t.Context(), integrity.KeyState{Key: next}, nil); err != nil {
		t.Fatal(err)
	}
	appendN(t, j, 1)
	err := other.Append(t.Context(), []journal.Record{record([16]byte{1}, "x")}, make([]journal.Receipt, 1))
	wantError(t, err, journal.ErrWrongKey, next.ID(), testKey(t, 'k').ID())
	_, err = journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k')})
	wantError(t, err, journal.ErrWrongKey, next.ID(), testKey(t, 'k').ID())
	if err := errors.Join(j.Close()); err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
	j, err = journal.Open(t.Context(), path, journal.Options{Key: next})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRotateKeyRefuses(t *testing.T) {
	h := newKeyed(t)
	j := h.open(5)
	defer j.Close()
	for _, st := range []integrity.KeyState{
		{},
		{Key: forwardKey(t, 'g').ForVerifying()},
		{Key: forwardKey(t, 'g'), Chain: integrity.ChainID{1}},
	} {
		if err := j.RotateKey(t.Context(), st, nil); err == nil {
			t.Errorf("%v was taken", st.Key)
		}
	}
	// One that is kept nowhere would be lost with this process.
	err := j.RotateKey(t.Context(), integrity.KeyState{Key: forwardKey(t, 'g')}, nil)
	wantError(t, err, journal.ErrWrongKey, "nothing was changed")
	h.check(h.store.Stage(integrity.KeyState{Key: forwardKey(t, 'g')}))
	wantError(t, h.store.Stage(integrity.KeyState{Key: forwardKey(t, 'h')}), nil, "was not completed")
	appendN(t, j, 3)
	h.proven()
}

func signer(t testing.TB, fill byte) integrity.SigningKey {
	t.Helper()
	s, err := integrity.NewSigningKey(integrity.KindCheckpoint, []byte(strings.Repeat(string(fill), 32)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRotateSigner(t *testing.T) {
	h := newKeyed(t)
	with := func(s integrity.SigningKey) func(*journal.Options) {
		return func(o *journal.Options) { o.Checkpoint = journal.Checkpoint{Signer: s, Records: -1, Every: -1} }
	}
	a, b := signer(t, 'a'), signer(t, 'b')
	j := h.open(5, with(a))
	appendN(t, j, 3)
	h.check(j.RotateSigner(t.Context(), b))
	appendN(t, j, 3)
	h.check(j.Close())
	_, err := h.try(5, with(a))
	wantError(t, err, journal.ErrWrongKey, "key rotate --checkpoint-key OLD --new-checkpoint-key", a.ID(), b.ID())
	j = h.open(5, with(b))
	h.check(j.Rotate(t.Context()))
	h.check(j.Close())
	h.proven()
	var change *integrity.SignerChange
	lines := h.lines()
	key := a.Public()
	for i, l := range lines {
		switch l.ControlName() {
		case integrity.ControlSigner:
			change = new(integrity.SignerChange)
			h.check(integrity.ParseControl(l.Payload, change))
			key, err = change.Check(integrity.ChainID(j.Chain()), l.Seq, lines[i-1].MAC, key)
			h.check(err)
		case integrity.ControlSegment:
			var s integrity.Segment
			h.check(integrity.ParseControl(l.Payload, &s))
			if s.CheckpointKey != key.Base64() {
				t.Errorf("seq %d names another key: %s", l.Seq, l.Payload)
			}
		}
	}
	if change == nil || key != b.Public() {
		t.Error("no change was sealed")
	}
}

// A crash behind chain.signer, before the file that must follow.
func TestRotateSignerInterrupted(t *testing.T) {
	h := newKeyed(t)
	with := func(o *journal.Options) {
		o.Checkpoint = journal.Checkpoint{Signer: signer(t, 'b'), Records: -1, Every: -1}
	}
	j := h.open(0, func(o *journal.Options) {
		with(o)
		o.Checkpoint.Signer = signer(t, 'a')
	})
	appendN(t, j, 3)
	oldHead := readFile(t, h.path+".head")
	h.check(j.RotateSigner(t.Context(), signer(t, 'b')))
	h.check(j.Close())
	h.check(os.Remove(h.path))
	h.check(os.Rename(segments(t, h.path)[0].Path, h.path))
	h.check(os.WriteFile(h.path+".head", oldHead, 0o600))
	j = h.open(0, with)
	appendN(t, j, 1)
	h.check(j.Close())
	h.proven()
	if s := string(readFile(t, h.path)); !strings.Contains(s, `"reason":"key"`) || !strings.Contains(s[:800], signer(t, 'b').Public().Base64()) {
		t.Errorf("%.800s", s)
	}
}
