// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// headFile is the watermark file, open.
type headFile struct {
	file vfs.File
	key  integrity.HeadKey
	raw  integrity.Key
	// image is the file's contents as last read or written, gen the highest
	// generation in it.
	image [integrity.HeadSize]byte
	size  int
	gen   uint64
	slot  []byte
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
// none. contents is what it holds.
func openHead(fsys vfs.FS, path string, k integrity.Key, chain integrity.ChainID, contents []byte, gen uint64) (*headFile, error) {
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("watermark: %w", err)
	}
	h := &headFile{file: f, raw: k, key: integrity.NewHeadKey(k, chain), gen: gen}
	h.size = copy(h.image[:], contents)
	return h, nil
}

// refresh looks whether another process wrote a watermark since. removed
// says that the file is not the one that its path names any more, and that
// none is there now.
func (h *headFile) refresh(fsys vfs.FS, path string) (removed bool, err error) {
	open, err := h.file.Stat()
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
	head, _, err := integrity.ParseHead(now[:n], h.raw)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrNoWatermark, err)
	}
	h.image, h.size, h.gen = now, n, head.Generation
	return false, nil
}

// replaceHead makes the watermark anew that was removed under this writer,
// which knows from memory where the chain ends, and seals that it did.
func (j *Journal) replaceHead() error {
	c := &j.c
	path := j.path + headSuffix
	f, err := j.fs.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	_ = c.head.file.Close()
	c.head.file, c.head.size = f, 0
	clear(c.head.image[:])
	// Two, so that the pair is whole.
	for range 2 {
		if err := c.head.write(j.chain, c.tail, j.opts.Now()); err != nil {
			return j.fail(err)
		}
	}
	if err := c.head.file.Sync(); err != nil {
		return j.fail(fmt.Errorf("watermark: %w", err))
	}
	if err := j.fs.SyncDir(filepath.Dir(path)); err != nil {
		return j.fail(err)
	}
	at := c.begin()
	j.sealOpened(&at, integrity.WatermarkRemoved)
	return j.persist(at, true)
}

// write writes the next watermark. It is not synced: a watermark that a power
// loss takes back leaves genuine lines beyond it, which are accepted.
func (h *headFile) write(chain integrity.ChainID, t tail, now time.Time) error {
	head := integrity.Head{
		Generation: h.gen + 1, Chain: chain, Time: now,
		Position: integrity.Position{First: 1, Seq: t.seq, MAC: t.mac, Size: t.size},
	}
	h.slot = head.AppendSlot(h.slot[:0], h.key)
	off := int64(head.Generation%2) * integrity.SlotSize
	if _, err := h.file.WriteAt(h.slot, off); err != nil {
		return fmt.Errorf("watermark: %w", err)
	}
	h.gen = head.Generation
	copy(h.image[off:], h.slot)
	h.size = max(h.size, int(off)+integrity.SlotSize)
	return nil
}
