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
	"slices"
	"strings"

	"github.com/auditchain/auditchain/integrity"
)

// eraseSuffix ends the name of the marker: while it stands, there may be lines
// of which it is sealed that they are erased, and which still have their
// payload. It is durable before that is sealed, so that an opening after a
// crash need not read the chain to know. It says where to look and is not
// trusted: what counts is chain.erased.
const eraseSuffix = ".erase"

// markerStart is how a marker begins; the chain's id follows. Then comes a line
// for each erasure: the line, the first line of the file that holds it, and
// that of the file that was being written when it was sealed.
const markerStart = "auditchain-erase v1 "

// maxMarker is far above any marker.
const maxMarker = 16 << 20

// pending is what a marker says of one erasure.
type pending struct{ seq, first, from uint64 }

func (j *Journal) writeMarker(targets []*target, from uint64) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n", markerStart, j.chain)
	for _, t := range targets {
		fmt.Fprintf(&b, "%d %d %d\n", t.seq, t.first, from)
	}
	name := j.path + eraseSuffix
	part := name + partSuffix
	if err := j.fs.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("erasure: %w", err)
	}
	f, err := j.fs.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	_, err = f.WriteAt([]byte(b.String()), 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = j.fs.Rename(part, name)
	}
	if err == nil {
		err = j.fs.SyncDir(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("erasure: %q: %w; nothing is erased", name, err)
	}
	return nil
}

// readMarker reads the marker; what is no marker of this chain says nothing.
func (j *Journal) readMarker() ([]pending, error) {
	name := j.path + eraseSuffix
	info, err := j.fs.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxMarker {
		return nil, fmt.Errorf("%w: %q is no marker of an erasure; move it away, and run: auditchain erase --complete %s", ErrUnsafe, name, j.path)
	}
	f, err := j.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxMarker))
	if err != nil {
		return nil, fmt.Errorf("erasure: %q: %w", name, err)
	}
	lines := strings.Split(string(b), "\n")
	if lines[0] != markerStart+j.chain.String() {
		return nil, nil
	}
	var all []pending
	for _, line := range lines[1:] {
		var p pending
		if n, _ := fmt.Sscanf(line, "%d %d %d", &p.seq, &p.first, &p.from); n == 3 {
			all = append(all, p)
		}
	}
	return all, nil
}

// removeMarker removes the marker, durably. One that comes back after a crash
// would only be looked at in vain.
func (j *Journal) removeMarker() error {
	removed := false
	for _, name := range []string{j.path + eraseSuffix + partSuffix, j.path + eraseSuffix} {
		err := j.fs.Remove(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("erasure: %w", err)
		}
		removed = removed || err == nil
	}
	if !removed {
		return nil
	}
	return j.fs.SyncDir(filepath.Dir(j.path))
}

// completeAtOpening completes what an interrupted erasure left. What keeps it
// from that is reported: records must be sealed all the same, and the next
// opening tries again.
func (j *Journal) completeAtOpening(ctx context.Context) {
	switch _, err := j.fs.Lstat(j.path + eraseSuffix); {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		j.report(fmt.Errorf("erasure: %w", err))
		return
	}
	err := j.notHeld()
	if err == nil {
		var key integrity.PublicKey
		if key, err = j.erasureKey(); err == nil {
			_, err = j.completePending(ctx, key)
		}
	}
	if err != nil {
		j.report(fmt.Errorf("an erasure that was interrupted is not complete yet: %w; the next opening tries again, as does: auditchain erase --complete %s", err, j.path))
	}
}

// completePending completes the erasures that the marker names, as far as the
// chain says that they are erased, and removes the marker.
func (j *Journal) completePending(ctx context.Context, key integrity.PublicKey) ([]ErasureResult, error) {
	all, err := j.readMarker()
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, j.removeMarker()
	}
	from := all[0].from
	for _, p := range all {
		from = min(from, p.from)
	}
	return j.completeFrom(ctx, key, from, func(seq uint64) bool {
		return slices.ContainsFunc(all, func(p pending) bool { return p.seq == seq })
	})
}

// completeFrom completes the erasures that are sealed in the file that begins
// with line from, and in those behind it; all, or those that wanted chooses.
func (j *Journal) completeFrom(ctx context.Context, key integrity.PublicKey, from uint64, wanted func(uint64) bool) ([]ErasureResult, error) {
	targets, err := j.sealedErasures(key, from, wanted)
	if err != nil {
		return nil, err
	}
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	targets = slices.DeleteFunc(targets, func(t *target) bool {
		if t.seq >= j.c.tail.First {
			t.first = j.c.tail.First
			return false
		}
		for _, s := range all {
			if s.First > 0 && s.First <= t.seq {
				t.first = s.First
			}
		}
		return t.first == 0 // retention removed it
	})
	for _, first := range firsts(targets) {
		if err := j.findIn(first, targets); err != nil {
			return nil, err
		}
	}
	targets, err = j.withPayload(targets)
	if err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		return nil, j.removeMarker()
	}
	var results []ErasureResult
	for _, t := range targets {
		if t.leaf != t.order.Leaf {
			return nil, fmt.Errorf("%w: line %d is not the one that line %d says is erased; run: auditchain verify %s", ErrTampered, t.seq, t.sealed, j.path)
		}
		results = append(results, ErasureResult{Seq: t.seq, Leaf: t.leaf, Sealed: t.sealed, Already: true, File: filepath.Base(j.fileOf(t))})
	}
	files, unlock, err := j.makeReady(ctx, targets)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := j.makeFirm(ctx); err != nil {
		return nil, err
	}
	if err := j.carryOut(files, targets, results); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfinished, err)
	}
	return results, nil
}

// withPayload leaves out the lines of which nothing is left to be taken out:
// the line is a tombstone, and no compressed twin of its file stands beside
// it.
func (j *Journal) withPayload(targets []*target) ([]*target, error) {
	var left []*target
	for _, t := range targets {
		if t.done {
			plain := segmentPath(j.path, t.first)
			_, errPlain := j.fs.Lstat(plain)
			_, errTwin := j.fs.Lstat(plain + compressedSuffix)
			for _, err := range []error{errPlain, errTwin} {
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return nil, fmt.Errorf("erasure: %w", err)
				}
			}
			if errPlain != nil || errTwin != nil {
				continue
			}
		}
		left = append(left, t)
	}
	return left, nil
}

// sealedErasures reads the chain.erased records from the file on that begins
// with line from. One that is not genuine, or not signed, says nothing.
func (j *Journal) sealedErasures(key integrity.PublicKey, from uint64, wanted func(uint64) bool) ([]*target, error) {
	all, err := listSegments(j.fs, j.path)
	if err != nil {
		return nil, fmt.Errorf("erasure: %w", err)
	}
	var files []uint64
	for _, s := range all {
		if s.First >= from && s.First > 0 && s.First < j.c.tail.First {
			files = append(files, s.First)
		}
	}
	files = append(files, j.c.tail.First)
	var targets []*target
	for i, first := range files {
		below := j.c.tail.Seq + 1
		if i+1 < len(files) {
			below = files[i+1] // what stands beyond was given up
		}
		if err := j.readErasures(first, below, key, func(t *target) {
			if (wanted == nil || wanted(t.seq)) && find1(targets, t.seq) == nil {
				targets = append(targets, t)
			}
		}); err != nil {
			return nil, err
		}
	}
	return targets, nil
}

func (j *Journal) readErasures(first, below uint64, key integrity.PublicKey, take func(*target)) error {
	in, path, err := j.openTarget(first)
	if err != nil {
		return fmt.Errorf("erasure: %w", err)
	}
	defer in.Close()
	lines := newTagReader(j, path, in)
	for {
		line, _, genuine, err := lines.next()
		if err == io.EOF || err == nil && line.Seq >= below {
			return nil
		}
		if err != nil {
			return err
		}
		var e integrity.Erased
		if !genuine || line.ControlName() != integrity.ControlErased || integrity.ParseControl(line.Payload, &e) != nil {
			continue
		}
		if e.Check(j.chain, key) && e.Line < line.Seq {
			take(&target{seq: e.Line, order: e, sealed: line.Seq})
		}
	}
}
