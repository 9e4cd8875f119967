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
		next, err := j.startOf(all[i+1])
		if err != nil {
			return through, n, err
		}
		if !next.genuine(j.c.sealer) || next.previous.First != all[i].First {
			return through, n, fmt.Errorf("%q does not go on from %q; nothing from there on is removed; run: auditchain verify %s", all[i+1].Path, all[i].Path, j.path)
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
	first := j.c.tail.First
	at, err := readStart(newReader(j.path, io.NewSectionReader(j.c.file, 0, 1<<62)))
	if err != nil {
		return 0, fmt.Errorf("%q: %w", j.path, err)
	}
	for range j.opts.Rotation.Keep {
		first = at.previous.First
		s, ok, err := j.finishedSegment(first)
		if err != nil || !ok || first == 0 {
			return 0, err
		}
		if at, err = j.startOf(s); err != nil {
			return 0, err
		}
		if !at.genuine(j.c.sealer) {
			return 0, fmt.Errorf("%q does not begin as a file of this chain; nothing is removed; run: auditchain verify %s", s.Path, j.path)
		}
	}
	return first, nil
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
