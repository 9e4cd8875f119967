// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/klauspost/compress/zstd"
)

// zstdWindow bounds what a frame can make a reader hold in memory.
const zstdWindow = 8 << 20

// openSegment opens a segment for reading from its first byte, decompressed.
// One that was compressed since it was listed is opened as it is now.
func openSegment(fsys vfs.FS, s Segment) (io.ReadCloser, error) {
	f, err := fsys.OpenFile(s.Path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) && !s.Compressed {
		s.Path, s.Compressed = s.Path+compressedSuffix, true
		f, err = fsys.OpenFile(s.Path, os.O_RDONLY, 0)
	}
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
		return &plainSegment{SectionReader: in, file: f}, nil
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("segment %q: %w", s.Path, err)
	}
	return &segmentReader{Reader: damageReader{z}, close: func() error { z.Close(); return f.Close() }}, nil
}

// plainSegment can be sought in.
type plainSegment struct {
	*io.SectionReader
	file vfs.File
}

func (s *plainSegment) Close() error { return s.file.Close() }

type segmentReader struct {
	io.Reader
	close func() error
}

func (r *segmentReader) Close() error { return r.close() }

// damageReader tells a file that cannot be decompressed from one that cannot
// be read.
type damageReader struct{ io.Reader }

func (r damageReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil && err != io.EOF && !isIO(err) {
		err = fmt.Errorf("%w: %w", integrity.ErrDamaged, err)
	}
	return n, err
}
