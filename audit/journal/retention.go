// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/auditchain/auditchain/integrity"
)

// prune removes the segments that the policy lets go, after it was sealed and
// is durable that they are. What keeps it from doing so is reported: an Append
// must not fail for it.
//
// A crash between the sealing and the removal leaves segments that the chain
// says were removed: they verify as before, and go the next time.
func (j *Journal) prune() {
	policy := j.opts.Rotation.policy()
	if policy == nil {
		return
	}
	if err := j.pruneBy(*policy); err != nil {
		j.report(fmt.Errorf("retention: %w", err))
	}
}

func (j *Journal) pruneBy(policy integrity.Retention) error {
	c := &j.c
	switch _, err := j.fs.Lstat(j.path + holdSuffix); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return err
	}
	through, n, err := j.removable(all)
	if err != nil || n == 0 {
		return err
	}
	at := c.begin()
	j.sealControl(&at, integrity.Pruned{
		Control: integrity.ControlPruned, Time: j.now(), Writer: j.writer.String(),
		Through: through, Retention: policy,
	})
	if err := j.persist(context.Background(), at, true); err != nil {
		return err
	}
	// Whatever the fsync mode: files must not be gone, and what says so too.
	if c.unsynced {
		if err := c.file.Sync(); err != nil {
			return j.abandon(context.Background(), err)
		}
		c.unsynced = false
	}
	if err := c.head.file.Sync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	c.segments = nil
	for _, s := range all[:n] {
		delete(c.roots, s.First)
		removed, rerr := j.removeSegment(s.First)
		if err = rerr; err != nil || !removed {
			break // it goes the next time
		}
	}
	// A record that was removed may be sent and sealed again: then the first
	// one must not come back.
	c.unsyncedNames = true
	return errors.Join(err, j.syncNames())
}

// syncNames makes the removals durable.
func (j *Journal) syncNames() error {
	if !j.c.unsyncedNames {
		return nil
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	j.c.unsyncedNames = false
	return nil
}

// allows reports whether the policy of a genesis covers what r removes.
func allows(genesis *integrity.Retention, r Rotation) bool {
	if genesis == nil {
		return false
	}
	keepFor, err := time.ParseDuration(genesis.KeepFor)
	if err != nil && genesis.KeepFor != "" {
		return false
	}
	return r.Keep >= genesis.Keep && r.KeepFor >= keepFor
}

// removeSegment removes a finished segment, in both of its forms. It does
// nothing while the segment is being compressed, which would bring it back.
func (j *Journal) removeSegment(first uint64) (bool, error) {
	plain := segmentPath(j.path, first)
	f, err := j.fs.OpenFile(plain, os.O_RDWR, 0)
	switch {
	case err == nil:
		defer f.Close()
		if ok, err := f.TryLock(true); err != nil || !ok {
			return false, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	for _, path := range []string{plain, plain + compressedSuffix, plain + compressedSuffix + partSuffix} {
		if err := j.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	return true, nil
}

// removable returns how many of the oldest segments may go, and where the last
// of them ends. Segments of which the next one does not say so genuinely stay:
// they are evidence of something else.
func (j *Journal) removable(all []Segment) (through integrity.Position, n int, err error) {
	o := j.opts.Rotation
	stays, err := j.oldestToStay()
	if err != nil || stays == 0 {
		return through, 0, err
	}
	for i := 0; i+1 < len(all) && all[i].First > 0 && all[i].First < stays; i++ {
		next, err := j.rootOf(all[i+1])
		if err == errUnvouched || err == nil && next.previous.First != all[i].First {
			return through, n, fmt.Errorf("%q does not go on from %q; nothing from there on is removed; run: auditchain verify %s", all[i+1].Path, all[i].Path, j.path)
		}
		if err != nil {
			return through, n, err
		}
		if o.KeepFor > 0 && (next.began.IsZero() || j.opts.Now().Sub(next.began) < o.KeepFor) {
			break
		}
		through, n = next.previous, i+1
	}
	return through, n, nil
}

// oldestToStay returns the first line of the oldest file that the number of
// files to keep protects; 0 when that is all of them. It counts what the chain
// itself names, and no file that somebody put beside it.
func (j *Journal) oldestToStay() (uint64, error) {
	at, err := j.newestRoot()
	if err == errUnvouched {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for range j.opts.Rotation.Keep {
		s, ok, err := j.finishedSegment(at.previous.First)
		if err != nil || !ok || at.previous.First == 0 {
			return 0, err
		}
		at, err = j.rootBefore(at, s)
		if err == errUnvouched {
			return 0, fmt.Errorf("%q does not begin as a file of this chain; nothing is removed; run: auditchain verify %s", s.Path, j.path)
		}
		if err != nil {
			return 0, err
		}
	}
	return at.first, nil
}

// root is what retention goes by of the beginning of a file, once it was found
// genuine.
type root struct {
	first        uint64
	leaf         integrity.Hash
	previous     integrity.Position
	previousLeaf integrity.Hash
	began        time.Time
}

// errUnvouched says that nothing that is at hand vouches for a beginning.
var errUnvouched = errors.New("nothing vouches for the beginning of the file")

// vouch keeps a beginning that was found genuine.
func (c *committer) vouch(b *beginning) root {
	r := root{first: b.seq, leaf: b.leaf(), previous: b.previous, previousLeaf: b.previousLeaf, began: b.began}
	if c.roots == nil {
		c.roots = make(map[uint64]root)
	}
	c.roots[b.seq] = r
	return r
}

// newestRoot is the beginning of the file that is being written. That of a file
// which was begun in an epoch that is over, by somebody else, cannot be checked
// any more: then nothing is removed until the next file is begun.
func (j *Journal) newestRoot() (root, error) {
	c := &j.c
	if r, ok := c.roots[c.tail.First]; ok {
		return r, nil
	}
	b, err := readStart(newReader(j.path, io.NewSectionReader(c.file, 0, 1<<62)))
	switch {
	case err != nil:
		return root{}, fmt.Errorf("%q: %w", j.path, err)
	case b.seq != c.tail.First || b.leaf() != c.firstLeaf:
		return root{}, fmt.Errorf("%q does not begin as it did; nothing is removed; run: auditchain verify %s", j.path, j.path)
	case c.unvouched == b.seq:
		return root{}, errUnvouched
	}
	return c.vouch(&b), nil
}

// rootBefore is the beginning of the file s, before the one that begins with
// at. The lines of epochs that are over cannot be checked with the key, but
// the beginnings of all files hold together by their leaves.
func (j *Journal) rootBefore(at root, s Segment) (root, error) {
	if r, ok := j.c.roots[s.First]; ok {
		return r, nil
	}
	b, err := j.startOf(s)
	switch {
	case err != nil:
		return root{}, err
	case b.seq != s.First || s.First != at.previous.First:
		return root{}, errUnvouched
	case b.leaf() != at.previousLeaf && (at.previousLeaf != integrity.Hash{} || !j.isGenuine(&b)):
		return root{}, errUnvouched
	}
	return j.c.vouch(&b), nil
}

// rootOf is the beginning of any file of the chain.
func (j *Journal) rootOf(s Segment) (root, error) {
	if s.First == 0 {
		return j.newestRoot()
	}
	if r, ok := j.c.roots[s.First]; ok {
		return r, nil
	}
	b, err := j.startOf(s)
	if err != nil {
		return root{}, err
	}
	if b.seq == s.First && b.chain == j.chain && j.isGenuine(&b) {
		return j.c.vouch(&b), nil
	}
	// From the newest one backwards.
	at, err := j.newestRoot()
	for err == nil && at.first > s.First {
		before, ok, ferr := j.finishedSegment(at.previous.First)
		if ferr != nil {
			return root{}, ferr
		}
		if !ok {
			return root{}, errUnvouched
		}
		at, err = j.rootBefore(at, before)
	}
	if err == nil && at.first != s.First {
		err = errUnvouched
	}
	return at, err
}

func (j *Journal) startOf(s Segment) (beginning, error) {
	in, err := openSegment(j.fs, s)
	if err != nil {
		return beginning{}, err
	}
	defer in.Close()
	b, err := readStart(newReader(s.Path, in))
	if err != nil {
		return b, fmt.Errorf("%q: %w", s.Path, err)
	}
	return b, nil
}
