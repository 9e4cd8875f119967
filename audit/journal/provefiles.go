// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// prover reads a journal as it was at one moment, without a key. Lines that
// are there stay as they are, or become tombstones in a file of their own: so
// it keeps writers waiting for that moment only. Nothing that it reads is
// trusted, because the proof that comes out is checked.
type prover struct {
	*snapshot
	fs      vfs.FS
	path    string
	workers int
	files   []proveFile
	chain   integrity.ChainID
	last    *lineSeen // the newest chain.checkpoint, once it was looked for
}

// proveFile is a file of a journal with what its first line says.
type proveFile struct {
	integrity.Source
	// first is the sequence number of its first line.
	first uint64
	// tree is that of the lines before the file, where its first line says so.
	tree []integrity.Hash
	// key is the checkpoint key in force in the file.
	key string
	// end is where the file stops to count, as the next one says; 0 where
	// nothing says so.
	end int64
	// bad says that its first line is none of this chain: nothing is read of
	// it.
	bad bool
}

func openProver(ctx context.Context, path string, o ReadOptions) (r *prover, err error) {
	path, alone, err := find(o.FS, path)
	if err != nil {
		return nil, err
	}
	r = &prover{snapshot: &snapshot{}, fs: o.FS, path: path, workers: o.Workers}
	if alone != nil {
		r.snapshot.files = []integrity.Source{source(o.FS, *alone, nil)}
	} else {
		s, err := takeSnapshot(ctx, path, integrity.Key{}, VerifyOptions{LockTimeout: o.LockTimeout, FS: o.FS})
		if err != nil {
			return nil, err
		}
		r.snapshot = s
		err = s.free()
		if err != nil {
			s.release()
			return nil, err
		}
	}
	if err := r.readHeads(); err != nil {
		r.release()
		if r.vanished {
			return r, err
		}
		return nil, err
	}
	return r, nil
}

// readHeads reads the first line of each file.
func (r *prover) readHeads() error {
	chains := make([]integrity.ChainID, len(r.snapshot.files))
	for i, src := range r.snapshot.files {
		line, err := firstLine(src)
		if err != nil {
			return err
		}
		if line == nil && i > 0 && src.First == 0 {
			break // a crash left it while it was begun
		}
		f := proveFile{Source: src, first: src.First, bad: true}
		if line != nil && (src.First == 0 || src.First == line.Seq) {
			f.first = line.Seq
			switch line.ControlName() {
			case integrity.ControlGenesis:
				g, err := integrity.ParseGenesis(*line)
				chains[i], f.key, f.bad = g.Chain, g.CheckpointKey, err != nil
			case integrity.ControlSegment:
				var s integrity.Segment
				err := integrity.ParseControl(line.Payload, &s)
				chains[i], f.key, f.tree, f.bad = s.Chain, s.CheckpointKey, s.Tree, err != nil
				if i > 0 && !f.bad {
					r.files[i-1].end = max(s.Previous.Size, 0)
				}
			}
		}
		r.files = append(r.files, f)
		if !f.bad {
			r.chain = chains[i] // the newest file that says so tells which chain it is
		}
	}
	whole := 0
	for i := range r.files {
		if f := &r.files[i]; f.bad || chains[i] != r.chain {
			f.bad, f.key, f.tree = true, "", nil
			continue
		}
		whole++
	}
	if whole == 0 {
		return fmt.Errorf("%q is no journal of this format, or the first line of each of its files was altered; auditchain verify says more", r.path)
	}
	if !slices.ContainsFunc(r.files, func(f proveFile) bool { return f.key != "" }) {
		return fmt.Errorf("%w: the chain was begun without a checkpoint key, so that nothing of it can be proven without its secret key", ErrNoCheckpoint)
	}
	return nil
}

// firstLine reads the first line of a file; nil where that is none.
func firstLine(src integrity.Source) (*integrity.Line, error) {
	in, err := src.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	line, ok := peekLine(in)
	if !ok {
		return nil, nil
	}
	line.Payload = bytes.Clone(line.Payload)
	return &line, nil
}

// fileOf finds the file that holds a line.
func (r *prover) fileOf(seq uint64) int {
	i := len(r.files) - 1
	for i > 0 && r.files[i].first > seq {
		i--
	}
	return i
}

// lastOf is the last line of a file that counts, as the next one says; of the
// last file, the largest number.
func (r *prover) lastOf(i int) uint64 {
	if i+1 < len(r.files) {
		return r.files[i+1].first - 1
	}
	return 1<<64 - 1
}

// open opens a file at an offset, up to where it stops to count.
func (r *prover) open(i int, off int64) (io.ReadCloser, error) {
	f := r.files[i]
	if f.bad {
		return nil, fmt.Errorf("%w: %q does not begin as a file of this chain does", errBesides, f.File)
	}
	if f.First == 0 && r.active != nil {
		return io.NopCloser(io.NewSectionReader(r.active, off, 1<<62)), nil
	}
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	if seeker, ok := in.(io.Seeker); ok {
		_, err = seeker.Seek(off, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, in, off)
	}
	if err != nil {
		_ = in.Close()
		return nil, fmt.Errorf("%w: %w", errBesides, err)
	}
	if f.end > 0 {
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(in, max(f.end-off, 0)), in}, nil
	}
	return in, nil
}

// lineSeen is a line that was found.
type lineSeen struct {
	seq     uint64
	payload []byte
}

var checkpointStart = []byte(`{"control":"` + integrity.ControlCheckpoint + `"`)

func isCheckpoint(payload []byte) bool { return bytes.HasPrefix(payload, checkpointStart) }

// lastCheckpoint finds the newest chain.checkpoint.
func (r *prover) lastCheckpoint(ctx context.Context) (*lineSeen, error) {
	if r.last != nil {
		return r.last, nil
	}
	line, err := r.lastThat(ctx, isCheckpoint)
	if err != nil {
		return nil, err
	}
	if line == nil {
		return nil, fmt.Errorf("%w: the journal holds none yet; run auditchain checkpoint, or wait for the writer's first one", ErrNoCheckpoint)
	}
	r.last = line
	return line, nil
}

// lastSeq is the sequence number of the last line.
func (r *prover) lastSeq(ctx context.Context) (uint64, error) {
	line, err := r.lastThat(ctx, func([]byte) bool { return true })
	if err != nil || line == nil {
		return 0, err
	}
	return line.seq, nil
}

// lastThat finds the last line that matches, from the end on; nil where there
// is none.
func (r *prover) lastThat(ctx context.Context, match func(payload []byte) bool) (*lineSeen, error) {
	for i := len(r.files) - 1; i >= 0; i-- {
		if r.files[i].bad {
			continue
		}
		line, err := r.lastIn(ctx, i, match)
		if line != nil || err != nil {
			return line, err
		}
	}
	return nil, nil
}

func (r *prover) lastIn(ctx context.Context, i int, match func([]byte) bool) (*lineSeen, error) {
	file, size, done, err := r.readerAt(i)
	if err != nil {
		return nil, err
	}
	if file == nil {
		return r.lastForwards(ctx, i, match)
	}
	defer done()
	end, err := lastNewline(file, size)
	if err != nil {
		return nil, err
	}
	back := newBackReader(file, end)
	for {
		before := back.end
		line, err := back.next()
		switch {
		case err == io.EOF:
			return nil, ctx.Err()
		case err == nil && line.Seq <= r.lastOf(i) && match(line.Payload):
			return &lineSeen{line.Seq, bytes.Clone(line.Payload)}, ctx.Err()
		case err != nil && back.end == before:
			return nil, fmt.Errorf("%s: byte %d: %w", r.files[i].File, before, err)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// readerAt opens a file that can be read from the end on: one that is not
// compressed. file is nil for any other.
func (r *prover) readerAt(i int) (file io.ReaderAt, size int64, done func(), err error) {
	f := r.files[i]
	if f.First == 0 && r.active != nil {
		info, err := r.active.Stat()
		if err != nil {
			return nil, 0, nil, fmt.Errorf("journal: %w", err)
		}
		return r.active, info.Size(), func() {}, nil
	}
	in, err := f.Open()
	if err != nil {
		return nil, 0, nil, err
	}
	if plain, ok := in.(*plainSegment); ok {
		if info, err := plain.file.Stat(); err == nil {
			size := info.Size()
			if f.end > 0 {
				size = min(size, f.end)
			}
			return plain, size, func() { _ = in.Close() }, nil
		}
	}
	return nil, 0, nil, in.Close()
}

// lastNewline returns the offset behind the last LF before size.
func lastNewline(file io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(buf)))
		if _, err := file.ReadAt(buf[:n], size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("journal: %w", err)
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return size - n + int64(i) + 1, nil
		}
		size -= n
	}
	return 0, nil
}
