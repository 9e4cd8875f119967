// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/auditchain/auditchain/integrity"
)

// scanChunk is how much one worker takes at a time.
const scanChunk = 1 << 20

// eachChunk cuts a stream into chunks of whole lines (the last one may end
// without a LF), has them worked on by several goroutines, and hands what comes
// out to take, in order, until it wants no more. A worker must not keep what it
// is given.
func eachChunk[T any](ctx context.Context, in io.Reader, workers int, newWorker func() func(data []byte) T, take func(T) (more bool, err error)) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()

	type job struct {
		data []byte
		out  chan T
	}
	jobs := make(chan job)
	results := make(chan chan T, workers+2) // bounds what is in memory
	buffers := sync.Pool{New: func() any { return new([]byte) }}
	for range workers {
		wg.Go(func() {
			work := newWorker()
			for j := range jobs {
				j.out <- work(j.data)
				if cap(j.data) <= 4*scanChunk {
					buffers.Put(&j.data)
				}
			}
		})
	}
	var readErr error
	wg.Go(func() {
		defer close(results)
		defer close(jobs)
		var carry []byte
		for eof := false; !eof; {
			buf := append((*buffers.Get().(*[]byte))[:0], carry...)
			var end int
			for want := len(buf) + scanChunk; ; want = min(2*len(buf), integrity.MaxLine+scanChunk) {
				buf = slices.Grow(buf, want-len(buf))
				n, err := io.ReadFull(in, buf[len(buf):want])
				buf = buf[:len(buf)+n]
				if eof = err == io.EOF || err == io.ErrUnexpectedEOF; err != nil && !eof {
					readErr = err
					return
				}
				if end = bytes.LastIndexByte(buf, '\n') + 1; eof {
					end = len(buf)
				}
				if end > 0 || eof {
					break
				}
				if len(buf) >= integrity.MaxLine {
					readErr = fmt.Errorf("%w: %w", errBesides, errTooLong)
					return
				}
			}
			if end == 0 {
				return
			}
			carry = append(carry[:0], buf[end:]...)
			out := make(chan T, 1)
			for _, send := range []func() bool{
				func() bool {
					select {
					case results <- out:
						return true
					case <-ctx.Done():
						return false
					}
				},
				func() bool {
					select {
					case jobs <- job{buf[:end], out}:
						return true
					case <-ctx.Done():
						return false
					}
				},
			} {
				if !send() {
					return
				}
			}
		}
	})
	for out := range results {
		select {
		case t := <-out:
			if more, err := take(t); err != nil || !more {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return readErr // read after results was closed
}

// gathering is what one way to compute a path works on.
type gathering struct {
	path *integrity.PathBuilder
	// want are the lines of which the payload is needed, upTo the last one
	// that is read.
	want     []uint64
	upTo     uint64
	payloads map[uint64][]byte
}

// next is the sequence number of the line that comes next.
func (g *gathering) next() uint64 { return g.path.At() + 1 }

// leaves is what a worker found in a chunk: its lines from seq first on, which
// follow each other up to next-1.
type leaves struct {
	first, next uint64
	ranges      []integrity.Range
	payloads    map[uint64][]byte
	err         error // what the line after those is, if it is none
}

// leafWorker hashes the lines from seq from up to upTo, in ranges that end at
// the cuts of the path.
func (g *gathering) leafWorker(from, upTo uint64) func() func([]byte) leaves {
	cuts := g.path.Cuts()
	return func() func([]byte) leaves {
		var hasher integrity.LeafHasher
		return func(data []byte) leaves {
			var l leaves
			var r integrity.Range
			for len(data) > 0 {
				i := bytes.IndexByte(data, '\n')
				if i < 0 {
					l.err = errNoNewline
					break
				}
				line, err := integrity.ParseLine(data[:i])
				data = data[i+1:]
				if err != nil {
					l.err = err
					break
				}
				if l.first == 0 {
					l.first, l.next = line.Seq, line.Seq
				}
				if line.Seq > upTo {
					break
				}
				if line.Seq != l.next {
					l.err = fmt.Errorf("seq %d stands where seq %d should", line.Seq, l.next)
					break
				}
				l.next++
				if line.Seq < from {
					continue
				}
				if slices.Contains(g.want, line.Seq) {
					if l.payloads == nil {
						l.payloads = make(map[uint64][]byte)
					}
					l.payloads[line.Seq] = bytes.Clone(line.Payload)
				}
				index := line.Seq - 1
				if _, cut := slices.BinarySearch(cuts, index); cut || r.Size() != index {
					if r.Size() > r.From() {
						l.ranges = append(l.ranges, r)
					}
					r = integrity.NewRange(index)
				}
				r.Add(line.Leaf(&hasher))
			}
			if r.Size() > r.From() {
				l.ranges = append(l.ranges, r)
			}
			return l
		}
	}
}

// read takes in the lines from where the path stands up to upTo, from file i
// on, at an offset where a line begins that is not behind those.
func (r *prover) read(ctx context.Context, g *gathering, i int, off int64, upTo uint64) error {
	for ; g.next() <= upTo; i, off = i+1, 0 {
		if i == len(r.files) {
			return fmt.Errorf("%w: they end before line %d", errBesides, g.next())
		}
		if err := r.readFile(ctx, g, i, off, min(upTo, r.lastOf(i))); err != nil {
			return err
		}
	}
	return nil
}

func (r *prover) readFile(ctx context.Context, g *gathering, i int, off int64, upTo uint64) error {
	in, err := r.open(i, off)
	if err != nil {
		return err
	}
	defer in.Close()
	expect := uint64(0)
	err = eachChunk(ctx, in, r.workers, g.leafWorker(g.next(), upTo), func(l leaves) (bool, error) {
		if l.first != 0 {
			if expect != 0 && l.first != expect || expect == 0 && l.first > g.next() {
				return false, fmt.Errorf("%w: %q has seq %d where seq %d should be", errBesides, r.files[i].File, l.first, max(expect, g.next()))
			}
			expect = l.next
		}
		for j := range l.ranges {
			if err := g.path.Append(&l.ranges[j]); err != nil {
				return false, fmt.Errorf("%w: %w", errBesides, err)
			}
		}
		for seq, payload := range l.payloads {
			g.payloads[seq] = payload
		}
		if g.next() > upTo {
			return false, nil
		}
		if l.err != nil {
			return false, fmt.Errorf("%w: %q, behind seq %d: %w", errBesides, r.files[i].File, max(l.next, 1)-1, l.err)
		}
		return true, nil
	})
	if errors.Is(err, integrity.ErrDamaged) {
		err = fmt.Errorf("%w: %q: %w", errBesides, r.files[i].File, err)
	}
	if err == nil && g.next() <= upTo && i+1 < len(r.files) {
		err = fmt.Errorf("%w: %q ends before line %d", errBesides, r.files[i].File, g.next())
	}
	return err
}

// errNoWay: this way to compute a path cannot be gone.
var errNoWay = errors.New("no way")

// fromFile computes a path from file i on: what is before it, its first line
// says.
func (r *prover) fromFile(ctx context.Context, g *gathering, i int) error {
	f := r.files[i]
	if f.first > 1 {
		before, err := integrity.TreeOf(f.first-1, f.tree)
		if err != nil {
			return errNoWay
		}
		if err := g.path.Append(&before); err != nil {
			return fmt.Errorf("%w: lines before line %d are needed, which were removed", ErrNoRecord, f.first)
		}
	}
	return r.read(ctx, g, i, 0, g.upTo)
}

// findID finds the first record with an id.
func (r *prover) findID(ctx context.Context, id string) (uint64, error) {
	mark := []byte(`"id":"` + id + `"`)
	for i := range r.files {
		in, err := r.open(i, 0)
		if err != nil {
			return 0, altered(err)
		}
		var seq uint64
		err = eachChunk(ctx, in, r.workers, func() func([]byte) uint64 {
			return func(data []byte) uint64 { return seqOfID(data, mark, id, r.lastOf(i)) }
		}, func(found uint64) (bool, error) {
			seq = found
			return found == 0, nil
		})
		_ = in.Close()
		if err != nil || seq > 0 {
			return seq, altered(err)
		}
	}
	return 0, fmt.Errorf("%w: none has the id %s (one that was erased has none any more: name it by its sequence number)", ErrNoRecord, id)
}

// altered sorts what kept a line from being found.
func altered(err error) error {
	if errors.Is(err, errBesides) || errors.Is(err, integrity.ErrDamaged) {
		return fmt.Errorf("%w (%w)", ErrDoesNotHold, err)
	}
	return err
}

// seqOfID returns the sequence number of the first record in data that has an
// id; 0 for none.
func seqOfID(data, mark []byte, id string, last uint64) uint64 {
	for {
		at := bytes.Index(data, mark)
		if at < 0 {
			return 0
		}
		start := bytes.LastIndexByte(data[:at], '\n') + 1
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			return 0
		}
		end += at
		line, err := integrity.ParseLine(data[start:end])
		if err == nil && line.Kind == integrity.Record && line.Seq <= last && hasID(line.Payload, id) {
			return line.Seq
		}
		data = data[end+1:]
	}
}

// hasID reports whether the member id of a record is id: what stands deeper, or
// in a string, is not.
func hasID(payload []byte, id string) bool {
	d := json.NewDecoder(io.MultiReader(bytes.NewReader(payload), bytes.NewReader([]byte{'}'})))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return false
		}
		if name == "id" {
			return string(value) == `"`+id+`"`
		}
	}
	return false
}

// lastForwards is lastIn for a file that is read from the beginning only.
func (r *prover) lastForwards(ctx context.Context, i int, match func([]byte) bool) (*lineSeen, error) {
	in, err := r.open(i, 0)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var last *lineSeen
	err = eachChunk(ctx, in, r.workers, func() func([]byte) *lineSeen {
		return func(data []byte) *lineSeen {
			for len(data) > 0 {
				start := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
				if match(data[start:]) {
					line, err := integrity.ParseLine(bytes.TrimSuffix(data[start:], []byte{'\n'}))
					if err == nil && line.Seq <= r.lastOf(i) {
						return &lineSeen{line.Seq, bytes.Clone(line.Payload)}
					}
				}
				data = data[:start]
			}
			return nil
		}
	}, func(l *lineSeen) (bool, error) {
		if l != nil {
			last = l
		}
		return true, nil
	})
	return last, err
}
