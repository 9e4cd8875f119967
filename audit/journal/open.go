// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/google/uuid"
)

// checkFolder explains a folder that cannot hold a journal.
func (j *Journal) checkFolder() error {
	dir := filepath.Dir(j.path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("folder %q does not exist; make it with: mkdir -p -m 700 %s", dir, dir)
	case err != nil:
		return fmt.Errorf("journal folder: %w", err)
	case !info.IsDir():
		return fmt.Errorf("%q is not a folder", dir)
	}
	return nil
}

// checkStart refuses somebody else's file, before a lock file is made beside
// it.
func (j *Journal) checkStart() error {
	f, err := j.fs.OpenFile(j.path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	if _, err := j.fs.Lstat(j.path + headSuffix); err == nil {
		return nil // a journal; what is wrong with it is said where it is opened
	}
	start := make([]byte, 64<<10)
	n, err := f.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("journal: %w", err)
	}
	if integrity.IsLegacy(start[:n]) {
		return fmt.Errorf("%w: %q is in the older format, which is read and never written: append to a new file", ErrUnsafe, j.path)
	}
	if !isOwnStart(start[:n]) {
		return fmt.Errorf("%w: %q is no journal: nothing is appended to it; name another file", ErrUnsafe, j.path)
	}
	return nil
}

// checkFiles refuses files that somebody else could have chosen or can change.
func (j *Journal) checkFiles() error {
	for _, suffix := range []string{"", lockSuffix, headSuffix, idsSuffix} {
		path := j.path + suffix
		info, err := j.fs.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return fmt.Errorf("journal: %w", err)
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%w: %q is a symbolic link; name the file itself", ErrUnsafe, path)
		case info.IsDir():
			return fmt.Errorf("%w: %q is a directory, where a file should be", ErrUnsafe, path)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, path)
		case vfs.Links(info) > 1:
			return fmt.Errorf("%w: %q has another name too (a hard link), and would be written through it; copy it instead", ErrUnsafe, path)
		case info.Mode().Perm()&0o022 != 0:
			return fmt.Errorf("%w: others can write %q (mode %04o); run: chmod 600 %s", ErrUnsafe, path, info.Mode().Perm(), path)
		}
	}
	return nil
}

// open finds the end of the chain, under the lock: in constant time, from the
// watermark, however long the file is.
func (j *Journal) open(ctx context.Context) error {
	file, err := j.fs.OpenFile(j.path, os.O_RDWR, 0)
	exists := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %w", err)
	}
	j.c.file = file
	if !exists {
		j.c.file = nil
	}
	if exists {
		// Freed when the file is closed, or at the end of Open.
		if err := lockFile(ctx, file, j.path, true, j.opts.LockTimeout); err != nil {
			return err
		}
	}
	contents, err := readHead(j.fs, j.path+headSuffix)
	if err != nil {
		return err
	}
	head, degraded, headErr := integrity.ParseHead(contents, j.opts.Key)
	switch {
	case !exists && (len(contents) > 0 || j.lock.marked()):
		return fmt.Errorf("%w: %q is gone, and what stands beside it says that it had records; put it back, or move %q and %q away to begin a new chain",
			ErrTruncated, j.path, filepath.Base(j.path)+headSuffix, filepath.Base(j.path)+lockSuffix)
	case !exists:
		return j.begin(ctx)
	case headErr == nil:
		return j.resume(head, degraded, contents)
	}
	return j.withoutHead(headErr)
}

// begin begins a chain in a new file. A crash before the watermark leaves a
// file with nothing acknowledged in it, which withoutHead begins anew.
func (j *Journal) begin(ctx context.Context) error {
	file, err := j.fs.OpenFile(j.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.c.file = file
	if err := lockFile(ctx, file, j.path, true, j.opts.LockTimeout); err != nil {
		return err
	}
	// Somebody who got past a removed lock file may have been faster.
	if info, err := file.Stat(); err != nil || info.Size() > 0 {
		return errors.Join(err, fmt.Errorf("%w: another process began %q at the same moment; try again", ErrLocked, j.path))
	}
	return j.genesis()
}

func (j *Journal) genesis() error {
	j.chain = integrity.ChainID(uuid.New())
	j.c.sealer = integrity.NewSealer(j.opts.Key, j.chain)
	j.c.tail = tail{}
	if err := j.openSides(nil, 0); err != nil {
		return err
	}
	j.c.ids.whole = true
	at := j.c.begin()
	j.sealControl(&at, integrity.NewGenesis(j.chain, j.opts.Key, j.opts.Now()))
	j.sealOpened(&at, "")
	// Bytes and name of the file are durable before there is a watermark, and
	// the watermark before anything is acknowledged: one that a crash could
	// take back whole would look like one that was taken away.
	if _, err := j.c.file.WriteAt(j.c.buf, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	if err := j.c.file.Sync(); err != nil {
		return fmt.Errorf("sync %q: %w", j.path, err)
	}
	if err := j.fs.SyncDir(filepath.Dir(j.path)); err != nil {
		return err
	}
	j.c.tail = at
	j.c.ids.store()
	if err := j.c.head.write(j.chain, at, j.opts.Now()); err != nil {
		return err
	}
	if err := j.c.head.file.Sync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	return j.lock.mark()
}

// openSides opens the watermark and the ids of the chain.
func (j *Journal) openSides(contents []byte, gen uint64) (err error) {
	j.c.head, err = openHead(j.fs, j.path+headSuffix, j.opts.Key, j.chain, contents, gen)
	if err != nil {
		return err
	}
	j.c.ids, err = openIDs(j.fs, j.path+idsSuffix)
	return err
}

func (j *Journal) sealOpened(at *tail, watermark string) {
	j.sealControl(at, integrity.Opened{
		Control: integrity.ControlOpened, Time: j.now(), Writer: j.writer.String(),
		Host: hostname(), PID: os.Getpid(), Version: j.opts.Version, Fsync: j.opts.Fsync.String(),
		Watermark: watermark,
	})
}

// resume goes on where the watermark says that the chain ended.
func (j *Journal) resume(head integrity.Head, degraded bool, contents []byte) error {
	info, err := j.c.file.Stat()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if info.Size() < head.Size {
		return fmt.Errorf("%w: %q has %d bytes, and its watermark of %s says %d (seq %d); run: auditchain verify %s; then put the file back, or move %s* away to begin a new chain",
			ErrTruncated, j.path, info.Size(), integrity.FormatTime(head.Time), head.Size, head.Seq, j.path, j.path)
	}
	line, err := lastLine(j.c.file, head.Size)
	if err == nil && (line.Seq != head.Seq || line.MAC != head.MAC) {
		err = errors.New("the line there has another sequence number or tag")
	}
	if err != nil {
		return fmt.Errorf("%w: %q is not as its watermark says at byte %d (seq %d): %w; run: auditchain verify %s",
			ErrTampered, j.path, head.Size, head.Seq, err, j.path)
	}
	j.chain = head.Chain
	j.c.sealer = integrity.NewSealer(j.opts.Key, j.chain)
	j.c.tail = tail{seq: head.Seq, mac: head.MAC, size: head.Size}
	if err := j.openSides(contents, head.Generation); err != nil {
		return err
	}
	// The last writer synced the ring, and then closed the chain.
	last, err := j.c.ids.slot(line.Seq)
	j.c.ids.whole = line.ControlName() == integrity.ControlClosed && err == nil && last.seq == line.Seq
	if !j.lock.marked() {
		if err := j.lock.mark(); err != nil {
			return err
		}
	}
	watermark := ""
	if degraded {
		// It is sealed before anything else, so that writing on hides nothing.
		watermark = integrity.WatermarkDegraded
	}
	return j.continueAt(info.Size(), watermark)
}

// continueAt takes in what stands beyond the end that is known, and announces
// this writer.
func (j *Journal) continueAt(size int64, watermark string) error {
	if size > j.c.tail.size {
		if err := j.catchUp(size); err != nil {
			return err
		}
	}
	at := j.c.begin()
	j.sealOpened(&at, watermark)
	return j.persist(at, true)
}

// genesisStart is how every journal begins.
var genesisStart = []byte(`{"control":"` + integrity.ControlGenesis + `","time":"`)

// isOwnStart reports whether a file's first bytes are those of a journal, as
// far as a crash let them come to disk: the file of somebody else must never
// be taken for an unfinished journal.
func isOwnStart(b []byte) bool {
	b = bytes.TrimRight(b, "\x00")
	n := min(len(b), len(genesisStart))
	return bytes.Equal(b[:n], genesisStart[:n])
}

// withoutHead judges a file that has no valid watermark. Only a journal whose
// very first opening did not get to its end has an innocent reason.
func (j *Journal) withoutHead(headErr error) error {
	start := make([]byte, len(genesisStart))
	n, err := j.c.file.ReadAt(start, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("journal: %w", err)
	}
	own := isOwnStart(start[:n])
	r := newReader(j.path, io.NewSectionReader(j.c.file, 0, 1<<62))
	first, err := r.Next()
	if err == nil {
		g, gerr := integrity.ParseGenesis(first)
		if gerr == nil && g.KeyID != j.opts.Key.ID() {
			return fmt.Errorf("%w: %q is of key %s, the key given is %s", ErrWrongKey, j.path, g.KeyID, j.opts.Key.ID())
		}
	}
	var bad *LineError
	unfinished := err == io.EOF || errors.As(err, &bad) && r.atEnd()
	if err == nil && first.ControlName() == integrity.ControlGenesis {
		// Genesis and opened are written together; the rest can be missing.
		second, err := r.Next()
		unfinished = err == io.EOF || errors.As(err, &bad) && r.atEnd()
		if err == nil && second.ControlName() == integrity.ControlOpened {
			_, err = r.Next()
			unfinished = err == io.EOF
		}
	}
	if !unfinished || !own || j.lock.marked() {
		return fmt.Errorf("%w beside %q: %w; nothing says where its end should be, so nothing is appended. Run: auditchain verify %s; then put the watermark back, or move the files away to begin a new chain",
			ErrNoWatermark, j.path, headErr, j.path)
	}
	if err := j.c.file.Truncate(0); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return j.genesis()
}
