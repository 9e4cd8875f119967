// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"io"
	"os"

	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds what a frame can make a reader hold in memory.
const zstdWindow = 8 << 20

// openSegment opens a segment for reading from its first byte, decompressed.
func openSegment(fsys vfs.FS, s Segment) (io.ReadCloser, error) {
	f, err := fsys.OpenFile(s.Path, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, s.Path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	in := io.NewSectionReader(f, 0, 1<<62)
	if !s.Compressed {
		return &segmentReader{Reader: in, close: f.Close}, nil
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("segment %q: %w", s.Path, err)
	}
	return &segmentReader{Reader: z, close: func() error { z.Close(); return f.Close() }}, nil
}

type segmentReader struct {
	io.Reader
	close func() error
}

func (r *segmentReader) Close() error { return r.close() }
