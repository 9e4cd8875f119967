// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// LastCheckpoint returns the newest checkpoint that the files of the journal at
// path hold, up to the watermark. It takes no lock, writes nothing and needs no
// key. That the note is signed by the key that its file names is checked;
// whether the chain holds, and its tree has that root, only Verify tells.
// Errors: ErrNoCheckpoint, ErrNoTree where the chain has none, and ErrTampered.
func LastCheckpoint(path string) (Published, error) {
	path, _, err := find(vfs.OS, path)
	if err != nil {
		return Published{}, err
	}
	segments, err := listSegments(vfs.OS, path)
	if err != nil {
		return Published{}, err
	}
	if len(segments) == 0 {
		return Published{}, notExist(path)
	}
	contents, err := readHead(vfs.OS, path+headSuffix)
	if err != nil {
		return Published{}, err
	}
	l := lastFinder{journal: path}
	l.head, l.known = integrity.PeekHead(contents)
	for i := len(segments) - 1; i >= 0; i-- {
		p, err := l.in(segments[i])
		if err != nil || p != nil {
			return deref(p), err
		}
	}
	return Published{}, fmt.Errorf("%w: %q", ErrNoCheckpoint, path)
}

func deref(p *Published) Published {
	if p == nil {
		return Published{}
	}
	return *p
}

// lastFinder looks for a checkpoint from the end of a journal on, file by file.
type lastFinder struct {
	journal string
	head    integrity.Head
	known   bool // there is a watermark
	// previous is where the file ends that comes next, as the one behind it
	// says.
	previous integrity.Position
}

// in looks for the last checkpoint in a file; nil where there is none.
func (l *lastFinder) in(s Segment) (*Published, error) {
	in, err := openSegment(vfs.OS, s)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r := newReader(s.Path, in)
	b, err := readStart(r)
	if err != nil {
		return nil, l.doubt(s, err)
	}
	if b.charter.checkpointKey == "" {
		return nil, fmt.Errorf("%w: %q", ErrNoTree, l.journal)
	}
	end := int64(-1)
	switch {
	case l.known && b.seq > l.head.First:
		return nil, nil // it is beyond the watermark
	case l.known && b.seq == l.head.First:
		end = l.head.Size
	case l.previous.First == b.seq:
		end = l.previous.Size
	}
	l.previous = b.previous
	line, err := l.find(s, r, in, end)
	if err != nil || line == nil {
		return nil, err
	}
	return l.open(s, &b, line)
}

// find returns the last line up to end that is a checkpoint; end is negative
// where the file is all of it.
func (l *lastFinder) find(s Segment, r *Reader, in io.Reader, end int64) (*integrity.Line, error) {
	if plain, ok := in.(*plainSegment); ok {
		if end < 0 {
			info, err := plain.file.Stat()
			if err != nil {
				return nil, err
			}
			end = info.Size()
		}
		back := newBackReader(plain, end)
		for {
			line, err := back.next()
			switch {
			case err == io.EOF:
				return nil, nil
			case err != nil:
				return nil, l.doubt(s, err)
			case line.ControlName() == integrity.ControlCheckpoint:
				return &line, nil
			}
		}
	}
	var last *integrity.Line
	for end < 0 || r.off < end {
		line, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, l.doubt(s, err)
		}
		if line.ControlName() == integrity.ControlCheckpoint {
			line.Payload = append([]byte(nil), line.Payload...)
			last = &line
		}
	}
	return last, nil
}

// open reads the checkpoint that a line holds.
func (l *lastFinder) open(s Segment, b *beginning, line *integrity.Line) (*Published, error) {
	var c integrity.Checkpointed
	if err := integrity.ParseControl(line.Payload, &c); err != nil {
		return nil, l.doubt(s, err)
	}
	key, err := integrity.ParsePublicKey(integrity.KindCheckpoint, []byte(b.charter.checkpointKey))
	if err != nil {
		return nil, l.doubt(s, err)
	}
	point, err := integrity.OpenCheckpoint([]byte(c.Note), key)
	if err == nil && (point.Chain != b.chain || point.Size != line.Seq-1) {
		err = errors.New("it is of another chain, or of other lines than those before it")
	}
	if err != nil {
		return nil, l.doubt(s, fmt.Errorf("the checkpoint at seq %d: %w", line.Seq, err))
	}
	made, err := time.Parse(integrity.TimeFormat, c.Time)
	if err != nil {
		return nil, l.doubt(s, errors.New("a checkpoint has no time"))
	}
	return &Published{Checkpoint: point, Seq: line.Seq, Note: []byte(c.Note), Time: made}, nil
}

// doubt says that something is wrong with a file, where it is not the system.
func (l *lastFinder) doubt(s Segment, err error) error {
	if isIO(err) {
		return err
	}
	return fmt.Errorf("%w: %q: %w; run: auditchain verify %s", ErrTampered, s.Path, err, l.journal)
}
