// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package keyfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
)

func forward(t testing.TB, fill byte) integrity.KeyState {
	t.Helper()
	secret := bytes.Repeat([]byte{fill}, 32)
	static, err := integrity.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	st, err := integrity.ParseKeyState(fmt.Appendf(nil, "auditchain-key v1 forward-secure id=%s epoch=0 secret=%x\n", static.ID(), secret))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// next is the state of the epoch behind line seq.
func next(st integrity.KeyState, seq uint64) integrity.KeyState {
	st.Key = st.Key.Next()
	st.Chain, st.Since = integrity.ChainID{1, 2, 3}, time.Unix(100, 0).UTC()
	st.Position = integrity.Position{First: 1, Seq: seq, MAC: integrity.Hash{4}, Size: 1000}
	return st
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newStore(t testing.TB, st integrity.KeyState) *Store {
	t.Helper()
	s := &Store{Path: filepath.Join(t.TempDir(), "audit.key")}
	must(t, Create(s.Path, st.Key))
	return s
}

func TestStoreSteps(t *testing.T) {
	zero := forward(t, 'a')
	s := newStore(t, zero)
	// Whoever has the old file open finds that it was overwritten.
	old, err := os.Open(s.Path)
	must(t, err)
	defer old.Close()
	one := next(zero, 7)
	must(t, s.Save(one))
	got, err := s.Load()
	must(t, err)
	if !bytes.Equal(got.Text(), one.Text()) {
		t.Errorf("loaded %v at epoch %d", got.Key, got.Key.Epoch())
	}
	b := make([]byte, 300)
	n, _ := old.ReadAt(b, 0)
	if n == 0 || len(bytes.Trim(b[:n], "\x00")) > 0 {
		t.Error("what was there before can be read")
	}
	info, err := os.Stat(s.Path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := s.Save(zero); err == nil || !strings.Contains(err.Error(), "go back") {
		t.Errorf("it went back: %v", err)
	}
	if names, _ := os.ReadDir(filepath.Dir(s.Path)); len(names) != 1 {
		t.Errorf("%v", names)
	}
}

func TestStoreRefuses(t *testing.T) {
	zero := forward(t, 'a')
	for _, c := range []struct {
		name  string
		spoil func(path string) error
		want  string
	}{
		{"readable by others", func(p string) error { return os.Chmod(p, 0o644) }, "chmod 600"},
		{"directory", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, "not a regular file"},
		{"fifo", func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, "not a regular file"},
		{"zeros", func(p string) error { return os.WriteFile(p, make([]byte, 100), 0o600) }, "zeros"},
		{"cut", func(p string) error { return os.Truncate(p, 60) }, "not whole"},
		{"large", func(p string) error { return os.Truncate(p, 2000) }, "larger than"},
		{"gone", os.Remove, "auditchain key new"},
	} {
		s := newStore(t, zero)
		must(t, c.spoil(s.Path))
		if _, err := s.Load(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
		if c.name != "gone" {
			if err := s.Save(next(zero, 7)); err == nil {
				t.Errorf("%s: it was replaced", c.name)
			}
		}
	}
}

// A key that is mounted as a link stays where it is, and the link too.
func TestStoreThroughALink(t *testing.T) {
	zero := forward(t, 'a')
	s := newStore(t, zero)
	link := filepath.Join(t.TempDir(), "linked.key")
	must(t, os.Symlink(s.Path, link))
	l := &Store{Path: link}
	must(t, l.Save(next(zero, 7)))
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if st, err := s.Load(); err != nil || st.Key.Epoch() != 1 {
		t.Errorf("%v %v", st.Key.Epoch(), err)
	}
}

func TestStoreRotates(t *testing.T) {
	a, b := forward(t, 'a'), forward(t, 'b')
	s := newStore(t, a)
	if _, err := s.Find(b.Key.ID()); !errors.Is(err, journal.ErrWrongKey) {
		t.Errorf("found: %v", err)
	}
	must(t, s.Swap()) // there is nothing to do
	must(t, s.Stage(b))
	must(t, s.Stage(b))
	if err := s.Stage(forward(t, 'c')); err == nil {
		t.Error("a key that waits was overwritten")
	}
	if st, err := s.Find(b.Key.ID()); err != nil || !st.Key.Same(b.Key) {
		t.Errorf("%v", err)
	}
	if st, err := s.Load(); err != nil || !st.Key.Same(a.Key) {
		t.Errorf("finding the key changed the file: %v", err)
	}
	must(t, os.WriteFile(s.KeptAs(a.Key.ID()), forward(t, 'c').Text(), 0o600))
	if err := s.Swap(); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("another file was overwritten: %v", err)
	}
	must(t, os.Remove(s.KeptAs(a.Key.ID())))
	must(t, s.Swap())
	if st, err := s.Load(); err != nil || !st.Key.Same(b.Key) {
		t.Errorf("%v", err)
	}
	kept := &Store{Path: s.KeptAs(a.Key.ID())}
	if st, err := kept.Load(); err != nil || !st.Key.Same(a.Key) {
		t.Errorf("%v", err)
	}
	if _, err := s.Staged(); !errors.Is(err, ErrNoKey) {
		t.Errorf("it still waits: %v", err)
	}
}

// A key is kept as it is at last, also where an attempt left it there as it was
// before; and under another name where its chain rests.
func TestKeptKey(t *testing.T) {
	a := integrity.KeyState{Key: forward(t, 'a').Key.Next().Next()}
	for _, suffix := range []string{"", RestsSuffix} {
		s := &Store{Path: filepath.Join(t.TempDir(), "audit.key"), KeptSuffix: suffix}
		must(t, os.WriteFile(s.Path, a.Text(), 0o600))
		name := s.Path + "." + a.Key.ID() + suffix
		must(t, os.WriteFile(name, forward(t, 'a').Text(), 0o600))
		must(t, s.Save(forward(t, 'b')))
		if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, a.Text()) {
			t.Errorf("%q: %v, %q", suffix, err, b)
		}
		// Of a later epoch, or of another chain, it is no earlier attempt.
		must(t, os.WriteFile(s.Path, forward(t, 'a').Text(), 0o600))
		if err := s.Save(forward(t, 'b')); err == nil || !strings.Contains(err.Error(), "move it away") {
			t.Errorf("%q: %v", suffix, err)
		}
	}
}

// At any moment of a step and of a rotation, the key file is whole, and one of
// the two; and what Save has returned from is there.
func TestStoreCrashes(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		disk := crashfs.New("/disk", rng, crashfs.Options{TearSectors: seed%2 == 0})
		s := &Store{Path: "/disk/audit.key", FS: disk}
		states := []integrity.KeyState{forward(t, 'a')}
		must(t, s.Save(states[0]))
		for i := range 3 {
			states = append(states, next(states[i], uint64(7*i+7)))
		}
		other := forward(t, 'b')
		states = append(states, other, next(other, 50))
		disk.CrashAt(1 + rng.IntN(50))
		saved := 0
		for i, st := range states[1:] {
			if st.Key.Same(other.Key) && st.Key.Epoch() == 0 && s.Stage(st) != nil {
				break
			}
			if s.Save(st) != nil {
				break
			}
			saved = i + 1
		}
		s = &Store{Path: s.Path, FS: disk.Crash(rng)}
		got, err := s.Load()
		must(t, err)
		at := -1
		for i, st := range states {
			if bytes.Equal(st.Text(), got.Text()) {
				at = i
			}
		}
		if at < saved || at > saved+1 {
			t.Fatalf("seed %d: saved state %d, and %d is there", seed, saved, at)
		}
		if at >= 4 {
			if st, err := (&Store{Path: s.KeptAs(states[0].Key.ID()), FS: s.FS}).Load(); err != nil || !st.Key.Same(states[0].Key) {
				t.Fatalf("seed %d: what was replaced is not kept: %v", seed, err)
			}
		}
		// It goes on.
		for _, st := range states[at+1:] {
			must(t, s.Save(st))
		}
	}
}

// What fails leaves the file as it was, or replaced, and can be tried again.
func TestStoreFaults(t *testing.T) {
	zero := forward(t, 'a')
	for _, op := range []faultfs.Op{faultfs.Open, faultfs.Write, faultfs.Sync, faultfs.SyncDir, faultfs.Rename, faultfs.Remove, faultfs.Read} {
		for skip := range 4 {
			s := newStore(t, zero)
			disk := faultfs.New()
			s.FS = disk
			disk.Fail(op, "", skip, 1, faultfs.Fault{Err: syscall.EIO, Partial: 10})
			err := s.Save(next(zero, 7))
			disk.Heal()
			st, lerr := s.Load()
			must(t, lerr)
			if err == nil && st.Key.Epoch() != 1 {
				t.Errorf("%s %d: it said that it did, and did not", op, skip)
			}
			must(t, s.Save(next(zero, 7)))
		}
	}
}

// xor is no encryption.
type xor struct{}

func (xor) Encrypt(_ context.Context, b []byte) ([]byte, error) {
	out := []byte("sealed:")
	for _, c := range b {
		out = append(out, c^0x55)
	}
	return out, nil
}

func (xor) Decrypt(_ context.Context, b []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(b, []byte("sealed:"))
	if !ok {
		return nil, errors.New("it is not sealed")
	}
	out := make([]byte, len(rest))
	for i, c := range rest {
		out[i] = c ^ 0x55
	}
	return out, nil
}

func TestStoreEncrypted(t *testing.T) {
	zero := forward(t, 'a')
	s := &Store{Path: filepath.Join(t.TempDir(), "audit.key"), Crypt: xor{}}
	must(t, s.Save(zero))
	must(t, s.Stage(forward(t, 'b')))
	must(t, s.Save(next(zero, 7)))
	must(t, s.Swap())
	if st, err := s.Load(); err != nil || st.Key.ID() != forward(t, 'b').Key.ID() {
		t.Errorf("%v", err)
	}
	names, err := os.ReadDir(filepath.Dir(s.Path))
	must(t, err)
	if len(names) != 2 {
		t.Errorf("%v", names)
	}
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(s.Path), n.Name()))
		must(t, err)
		if bytes.Contains(b, []byte("secret=")) {
			t.Errorf("%s is not encrypted", n.Name())
		}
	}
}

func TestOpenKeys(t *testing.T) {
	zero := forward(t, 'a')
	s := newStore(t, zero)
	k, store, err := OpenKeys(Source{File: s.Path})
	if err != nil || store == nil || !k.Same(zero.Key) {
		t.Errorf("%v %v %v", k, store, err)
	}
	t.Setenv("AUDITCHAIN_TEST_FORWARD", string(zero.Text()))
	k, store, err = OpenKeys(Source{Env: "AUDITCHAIN_TEST_FORWARD"})
	if err != nil || store != nil || !k.Same(zero.Key) {
		t.Errorf("%v %v %v", k, store, err)
	}
	if _, _, err := OpenKeys(Source{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("%v", err)
	}
}
