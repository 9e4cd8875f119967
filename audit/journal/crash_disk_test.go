// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs/crashfs"
	"github.com/klauspost/compress/zstd"
)

// What the harness knows about how a journal lies on a disk is in this file.

// diskFile is one file of a chain, as it lies on a disk.
type diskFile struct {
	path  string
	first uint64 // of its name; 0 for the file that is being written
	data  []byte
}

var diskSegment = regexp.MustCompile(`^audit-([0-9]{20})\.jsonl(\.zst)?$`)

// filesOnDisk reads the files of the journal, oldest first. Finished ones may
// be compressed meanwhile: then it looks again.
func filesOnDisk(disk *crashfs.FS, path string) ([]diskFile, error) {
	for range 100 {
		files, err := listDisk(disk, path)
		if !errors.Is(err, fs.ErrNotExist) {
			return files, err
		}
	}
	return nil, errors.New("the files of the journal never hold still")
}

func listDisk(disk *crashfs.FS, path string) ([]diskFile, error) {
	dir := filepath.Dir(path)
	names, err := disk.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []diskFile
	for _, name := range names { // sorted: the plain form comes first
		m := diskSegment.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		first, err := strconv.ParseUint(m[1], 10, 64)
		if err != nil {
			return nil, err
		}
		if n := len(files); n > 0 && files[n-1].first == first {
			continue
		}
		f := diskFile{path: filepath.Join(dir, name), first: first}
		if f.data, err = disk.ReadFile(f.path); err != nil {
			return nil, err
		}
		if m[2] != "" {
			z, err := zstd.NewReader(bytes.NewReader(f.data), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return nil, err
			}
			f.data, err = io.ReadAll(z)
			z.Close()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		files = append(files, f)
	}
	b, err := disk.ReadFile(path)
	if err == nil {
		files = append(files, diskFile{path: path, data: b})
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return files, nil
}

// judgeDisk verifies the journal on a disk, with package integrity alone:
// nothing of package journal has a part in the verdict.
func judgeDisk(disk *crashfs.FS, path string, key integrity.Key) (*integrity.Report, error) {
	files, err := filesOnDisk(disk, path)
	if err != nil {
		return nil, err
	}
	head, err := readDisk(disk, path+".head")
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		files = []diskFile{{path: path}}
	}
	in := integrity.Input{File: path, Key: key, Head: head, Workers: 1}
	for _, f := range files {
		in.Files = append(in.Files, integrity.Source{File: f.path, First: f.first, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(f.data)), nil
		}})
	}
	return integrity.Verify(context.Background(), in), nil
}

// chainOnDisk returns the lines of the journal on a disk, up to the first that
// is none or stands out of turn. Of a file that another one follows, it takes
// what that one says.
func chainOnDisk(disk *crashfs.FS, path string) ([]integrity.Line, error) {
	files, err := filesOnDisk(disk, path)
	if err != nil {
		return nil, err
	}
	var chain []integrity.Line
	for i, f := range files {
		b := f.data
		if i+1 < len(files) {
			if first, err := firstLine(files[i+1].data); err == nil {
				var s integrity.Segment
				if err := integrity.ParseControl(first.Payload, &s); err == nil && s.Previous.Size <= int64(len(b)) {
					b = b[:s.Previous.Size]
				}
			}
		}
		for {
			one, rest, whole := bytes.Cut(b, []byte{'\n'})
			if !whole {
				break
			}
			line, err := integrity.ParseLine(one)
			if err != nil || len(chain) > 0 && line.Seq != chain[len(chain)-1].Seq+1 {
				break //nolint:nilerr // where the chain ends is the answer
			}
			chain, b = append(chain, line), rest
		}
	}
	return chain, nil
}

func firstLine(b []byte) (integrity.Line, error) {
	one, _, whole := bytes.Cut(b, []byte{'\n'})
	if !whole {
		return integrity.Line{}, io.ErrUnexpectedEOF
	}
	return integrity.ParseLine(one)
}

// readDisk reads a file; nil where there is none.
func readDisk(disk *crashfs.FS, name string) ([]byte, error) {
	b, err := disk.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}
