// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/keyfile"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
	"github.com/auditchain/auditchain/internal/vfs/faultfs"
)

// Once chain.signer is in the file, nothing follows it there and nothing is
// signed by the key before, also where the watermark could not be written.
func TestRotateSignerWithoutWatermark(t *testing.T) {
	for _, next := range []string{"append", "close", "again"} {
		t.Run(next, func(t *testing.T) {
			h := newKeyed(t)
			disk := faultfs.New()
			a, b := signer(t, 'a'), signer(t, 'b')
			with := func(s integrity.SigningKey) func(*journal.Options) {
				return func(o *journal.Options) {
					o.FS, o.Checkpoint = disk, journal.Checkpoint{Signer: s, Records: 3, Every: -1}
				}
			}
			j := h.open(0, with(a))
			appendN(t, j, 4)
			disk.Fail(faultfs.Write, ".head", 0, 1, faultfs.Fault{Err: syscall.ENOSPC})
			wantError(t, j.RotateSigner(t.Context(), b), journal.ErrUncertain)
			switch next {
			case "append":
				appendN(t, j, 4)
			case "again":
				h.check(j.RotateSigner(t.Context(), b))
			}
			h.check(j.Close())
			j = h.open(0, with(b))
			appendN(t, j, 4)
			h.check(j.Close())
			h.proven()
			for _, key := range []integrity.PublicKey{a.Public(), b.Public()} {
				r, err := journal.Verify(t.Context(), h.path, h.zero.ForVerifying(), journal.VerifyOptions{PublicKey: key})
				h.check(err)
				if r.Verdict != integrity.Verified {
					t.Errorf("%s: %v", r.Verdict, r.Bad)
				}
			}
		})
	}
}

// A writer that knows the tree knows it behind a step of its key, too, and so
// does who comes after it, and after a crash: lines under a key that is spent
// need not be read, and cannot be checked any more.
func TestTreeBehindEpochs(t *testing.T) {
	h := newKeyed(t)
	sign := func(s integrity.SigningKey) func(*journal.Options) {
		return func(o *journal.Options) {
			o.Checkpoint = journal.Checkpoint{Signer: s, Records: 7, Every: -1}
			o.Report = func(err error) { t.Error(err) }
		}
	}
	a, b := signer(t, 'a'), signer(t, 'b')
	j := h.open(5, sign(a))
	for n := range 40 {
		appendN(t, j, 1)
		if n%3 > 0 {
			continue
		}
		// As it would be if the process were killed now.
		dead := *h
		dead.path, dead.store = filepath.Join(t.TempDir(), "audit.jsonl"), &keyfile.Store{}
		dead.store.Path = filepath.Join(filepath.Dir(dead.path), "audit.key")
		h.check(os.CopyFS(filepath.Dir(dead.path), os.DirFS(filepath.Dir(h.path))))
		for _, name := range []string{dead.path, dead.path + ".lock", dead.path + ".head", dead.path + ".ids", dead.path + ".tree", dead.store.Path} {
			h.check(os.Chmod(name, 0o600))
		}
		next := dead.open(5, sign(a))
		appendN(t, next, 9)
		h.check(next.Close())
		dead.proven()
	}
	h.check(j.RotateSigner(t.Context(), b))
	h.rotate(j, forwardKey(t, 'g'))
	for range 40 {
		appendN(t, j, 1)
	}
	h.check(j.Close())
	h.open(5, sign(b)).Close()
	h.proven(forwardKey(t, 'g'))
}

// Who alters a line of an epoch that is over while the writer goes on gets no
// checkpoint for it.
func TestAlteredBehindEpoch(t *testing.T) {
	h := newKeyed(t)
	a := signer(t, 'a')
	j := h.open(5, func(o *journal.Options) { o.Checkpoint = journal.Checkpoint{Signer: a, Records: 4, Every: -1} })
	appendN(t, j, 4)
	was := readFile(t, h.path)
	for h.state().Key.Epoch() == 0 {
		appendN(t, j, 1)
	}
	now := readFile(t, h.path)
	i := bytes.LastIndex(was, []byte(`"session_id":"s1"`))
	copy(now[i:], `"session_id":"s2"`)
	h.check(os.WriteFile(h.path, now, 0o600))
	appendN(t, j, 9)
	h.check(j.Close())
	r, err := journal.Verify(t.Context(), h.path, integrity.Key{}, journal.VerifyOptions{PublicKey: a.Public()})
	h.check(err)
	if r.Verdict != integrity.Tampered {
		t.Errorf("%s: a checkpoint was made of lines that were altered", r.Verdict)
	}
}

// A write of the watermark that fails may leave a piece of one, which counts for
// nothing once the power fails. Two such writes, each by a process of its own
// that knows nothing of the other, leave a slot all the same.
func TestWatermarkWritesFail(t *testing.T) {
	for seed := range uint64(520) {
		dir := t.TempDir()
		path := filepath.Join(dir, "audit.jsonl")
		disk := crashfs.New(dir, rand.New(rand.NewPCG(seed, 1)), crashfs.Options{})
		with := func(o *journal.Options) { o.FS = disk }
		j := open(t, path, with)
		appendN(t, j, 3)
		disk.Inject(crashfs.Fault{Call: crashfs.Write, Suffix: ".head", Times: 2})
		for range 2 {
			if other, err := journal.Open(t.Context(), path, journal.Options{Key: testKey(t, 'k'), FS: disk}); err == nil {
				_ = other.Close()
			}
		}
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
