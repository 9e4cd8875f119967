// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// refresh looks whether another process wrote a watermark since.
func (h *headFile) refresh() error {
	var now [integrity.HeadSize]byte
	n, err := h.file.ReadAt(now[:], 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("watermark: %w", err)
	}
	if n == h.size && now == h.image {
		return nil
	}
	head, _, err := integrity.ParseHead(now[:n], h.raw)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoWatermark, err)
	}
	h.image, h.size, h.gen = now, n, head.Generation
	return nil
}

// write writes the next watermark. It is not synced: a watermark that a power
// loss takes back leaves genuine lines beyond it, which are accepted.
func (h *headFile) write(chain integrity.ChainID, t tail, now time.Time) error {
	head := integrity.Head{Generation: h.gen + 1, Chain: chain, Seq: t.seq, MAC: t.mac, Size: t.size, Time: now}
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
