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
	"sync/atomic"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// identity remembers which file an open one is: that cannot change while it is
// open, and need not be asked for at each commit.
type identity struct {
	file vfs.File
	info fs.FileInfo
}

// of returns what vfs.SameFile compares, and nothing that changes: neither the
// size of f nor its times.
func (id *identity) of(f vfs.File) (fs.FileInfo, error) {
	if id.file != f {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		id.file, id.info = f, info
	}
	return id.info, nil
}

// headFile is the watermark file, open.
type headFile struct {
	file vfs.File
	is   identity
	key  integrity.HeadKey
	raw  integrity.Key
	// image is the file's contents as last read or written, last the newest
	// watermark in it.
	image [integrity.HeadSize]byte
	size  int
	last  integrity.Head
	slot  []byte
	// torn says that one slot may hold a piece of a watermark, on the disk too: the
	// other one is not touched before a whole one is durable in its place. found
	// says that what stands there is of a writer that did not close the journal:
	// it may have met a write that failed, and neither slot is touched before both
	// are durable as they are.
	torn, found bool
	// settled, where it is not nil, is told which file the watermark is about.
	settled *atomic.Uint64
}

// readHead reads a watermark file; nil without an error means that there is
// none.
func readHead(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("watermark: %w", err)
	}
	defer f.Close()
	b := make([]byte, integrity.HeadSize)
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("watermark %q: %w", path, err)
	}
	return b[:n], nil
}

// openHead opens the watermark file for writing, creating it where there is
// none. contents is what it holds, last the newest watermark in it.
func openHead(fsys vfs.FS, path string, k integrity.Key, chain integrity.ChainID, contents []byte, last integrity.Head) (*headFile, error) {
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("watermark: %w", err)
	}
	h := &headFile{file: f, raw: k, key: integrity.NewHeadKey(k, chain), last: last, found: len(contents) > 0}
	h.size = copy(h.image[:], contents)
	return h, nil
}

// use makes k the key that watermarks are written under from now on.
func (h *headFile) use(k integrity.Key, chain integrity.ChainID) {
	h.raw, h.key = k, integrity.NewHeadKey(k, chain)
}

// errOtherKey says that the newest watermark is under another key than the one
// that this writer knows.
var errOtherKey = errors.New("the watermark is under another key")

// refresh looks whether another process wrote a watermark since. lost says
// that there is none any more that this writer could have left or that
// follows the one it knows: it was removed, overwritten, or put back to an
// older one. errOtherKey says that it may be that of a writer who went on under
// another key.
func (h *headFile) refresh(fsys vfs.FS, path string) (lost bool, err error) {
	open, err := h.is.of(h.file)
	if err != nil {
		return false, fmt.Errorf("watermark: %w", err)
	}
	named, err := fsys.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("watermark: %w", err)
	case !vfs.SameFile(open, named):
		// Another writer found it removed, and made it anew.
		f, err := fsys.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return false, fmt.Errorf("watermark: %w", err)
		}
		_ = h.file.Close()
		h.file, h.size = f, 0
	}
	var now [integrity.HeadSize]byte
	n, err := h.file.ReadAt(now[:], 0)
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("watermark: %w", err)
	}
	if n == h.size && now == h.image {
		return false, nil
	}
	head, degraded, err := integrity.ParseHead(now[:n], h.raw)
	h.torn = h.torn || degraded
	if err != nil {
		for _, slot := range integrity.PeekSlots(now[:n]) {
			if slot.Chain == h.last.Chain && slot.KeyID != h.raw.ID() {
				return false, errOtherKey
			}
		}
	}
	if err != nil || head.Chain != h.last.Chain || head.Generation < h.last.Generation {
		return true, nil //nolint:nilerr // whatever it is, it is no watermark
	}
	h.image, h.size, h.last = now, n, head
	if h.settled != nil {
		h.settled.Store(head.First)
	}
	return false, nil
}

// replaceHead makes the watermark anew where it was removed or overwritten
// under this writer, which knows from memory where the chain ends, and seals
// that it did. how is integrity.WatermarkRemoved where that is the whole
// chain, else integrity.WatermarkDegraded.
func (j *Journal) replaceHead(ctx context.Context, how string) error {
	at := j.c.begin()
	j.sealOpened(&at, how)
	return j.persist(ctx, at, true)
}

// makeHead writes a whole watermark file that names at.
func (j *Journal) makeHead(at integrity.Position) error {
	c := &j.c
	path := j.path + headSuffix
	f, err := j.fs.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	_ = c.head.file.Close()
	c.head.file, c.head.size = f, 0
	clear(c.head.image[:])
	c.head.torn = true // whatever stands there
	// Two, so that the pair is whole.
	for range 2 {
		if err := c.head.write(j.chain, at, j.opts.Now()); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync watermark: %w", err)
	}
	return j.fs.SyncDir(filepath.Dir(path))
}

// write writes the next watermark. It is not synced: a watermark that a power
// loss takes back leaves genuine lines beyond it, which are accepted.
func (h *headFile) write(chain integrity.ChainID, at integrity.Position, now time.Time) error {
	head := integrity.Head{Generation: h.last.Generation + 1, Chain: chain, KeyID: h.raw.ID(), Epoch: h.raw.Epoch(), Position: at, Time: now}
	h.slot = head.AppendSlot(h.slot[:0], h.key)
	off := int64(head.Generation%2) * integrity.SlotSize
	if h.found {
		if err := h.file.Sync(); err != nil {
			return fmt.Errorf("sync watermark: %w", err)
		}
		h.found = false
	}
	if _, err := h.file.WriteAt(h.slot, off); err != nil {
		// What it left may read whole until the power fails, to this writer and to
		// those beside it, who then write the other slot. So it stays as it reads.
		h.torn = true
		return fmt.Errorf("watermark: %w", errors.Join(err, h.file.Sync()))
	}
	if h.torn {
		if err := h.file.Sync(); err != nil {
			return fmt.Errorf("sync watermark: %w", err)
		}
		h.torn = false
	}
	h.last = head
	if h.settled != nil {
		h.settled.Store(at.First)
	}
	copy(h.image[off:], h.slot)
	h.size = max(h.size, int(off)+integrity.SlotSize)
	return nil
}
