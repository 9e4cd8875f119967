// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/google/uuid"
)

// The ring of recent ids: a file of ringSlots slots, that of line seq being
// seq mod ringSlots. It covers twice the 65,536 records that are promised, so
// that control records take nothing from them. A slot is the id (zero for a
// line that has none to compare), the seq and the line's offset.
//
// It is a cache and never trusted: a hit is confirmed by reading the line
// itself, and a slot that does not name the seq that belongs there counts as
// missing. It is not synced; what a crash takes is read from the journal
// again.
const (
	ringSlots = 1 << 17
	slotBytes = 16 + 8 + 8
	ringBytes = ringSlots * slotBytes
)

type idEntry struct {
	seq uint64
	off int64
}

type idRing struct {
	file vfs.File
	// byID is nil until the first idempotent record needs it.
	byID   map[uuid.UUID]idEntry
	inRing [][16]byte // the id in each slot, to forget what is overwritten
	staged []stagedID
	buf    []byte
}

type stagedID struct {
	id [16]byte
	idEntry
}

func openIDs(fsys vfs.FS, path string) (*idRing, error) {
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("ids: %w", err)
	}
	return &idRing{file: f}, nil
}

func (r *idRing) close() error { return r.file.Close() }

// stage notes a line that is about to be written.
func (r *idRing) stage(id [16]byte, seq uint64, off int64) {
	s := stagedID{id, idEntry{seq, off}}
	r.staged = append(r.staged, s)
	if r.byID != nil {
		r.put(s)
	}
}

func (r *idRing) put(s stagedID) {
	slot := s.seq % ringSlots
	if old := r.inRing[slot]; old != ([16]byte{}) && r.byID[old].seq%ringSlots == slot {
		delete(r.byID, old)
	}
	r.inRing[slot] = s.id
	if s.id != ([16]byte{}) {
		r.byID[s.id] = s.idEntry
	}
}

// unstage forgets what was staged and not written.
func (r *idRing) unstage() {
	if len(r.staged) > 0 {
		r.drop()
	}
	r.staged = r.staged[:0]
}

// drop makes the next lookup read the ring again.
func (r *idRing) drop() { r.byID, r.inRing = nil, nil }

// store writes the staged slots, which the lines up to at belong to. A
// failure costs only time: the slots count as missing.
func (r *idRing) store(at tail) {
	for len(r.staged) > 0 {
		first := r.staged[0].seq % ringSlots
		n := min(len(r.staged), ringSlots-int(first))
		r.buf = r.buf[:0]
		for _, s := range r.staged[:n] {
			r.buf = append(r.buf, s.id[:]...)
			r.buf = binary.BigEndian.AppendUint64(r.buf, s.seq)
			r.buf = binary.BigEndian.AppendUint64(r.buf, uint64(s.off))
		}
		_, _ = r.file.WriteAt(r.buf, int64(first)*slotBytes)
		r.staged = append(r.staged[:0], r.staged[n:]...)
	}
	if cap(r.buf) > 1<<20 {
		r.buf = nil
	}
}

// absorb takes in lines from+1..to, which another process wrote.
func (r *idRing) absorb(from, to uint64) {
	if r.byID == nil || from >= to {
		return
	}
	if to-from > ringSlots/2 {
		r.drop()
		return
	}
	for seq := from + 1; seq <= to; seq++ {
		var b [slotBytes]byte
		if _, err := r.file.ReadAt(b[:], int64(seq%ringSlots)*slotBytes); err != nil {
			r.drop()
			return
		}
		s := parseSlotID(b[:])
		if s.seq != seq {
			r.drop()
			return
		}
		r.put(s)
	}
}

func parseSlotID(b []byte) stagedID {
	return stagedID{
		id:      [16]byte(b[:16]),
		idEntry: idEntry{seq: binary.BigEndian.Uint64(b[16:]), off: int64(binary.BigEndian.Uint64(b[24:]))},
	}
}

// load reads the ring, and from the journal what the ring lacks. Its cost is
// bounded by the size of the ring, whatever the journal's.
func (r *idRing) load(file io.ReaderAt, t tail) error {
	r.byID = make(map[uuid.UUID]idEntry, 1024)
	r.inRing = make([][16]byte, ringSlots)
	b := make([]byte, ringBytes)
	n, err := r.file.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("ids: %w", err)
	}
	b = b[:n-n%slotBytes]
	lowest := uint64(1)
	if t.seq > ringSlots {
		lowest = t.seq - ringSlots + 1
	}
	missing := uint64(0) // the lowest seq that the ring lacks
	for seq := t.seq; seq >= lowest && seq > 0; seq-- {
		i := int(seq%ringSlots) * slotBytes
		if i < len(b) {
			if s := parseSlotID(b[i:]); s.seq == seq && s.off >= 0 && s.off < t.size {
				r.put(s)
				continue
			}
		}
		missing = seq
	}
	if missing == 0 {
		return nil
	}
	back := newBackReader(file, t.size)
	for seq := t.seq; seq >= missing; seq-- {
		line, err := back.next()
		if err != nil {
			return fmt.Errorf("ids: line of seq %d: %w", seq, err)
		}
		if line.Seq != seq {
			return fmt.Errorf("ids: %w: seq %d stands where %d belongs", ErrTampered, line.Seq, seq)
		}
		s := stagedID{idEntry: idEntry{seq: seq, off: line.Offset}}
		if id, ok := lineID(line); ok {
			s.id = id
		}
		r.put(s)
	}
	return nil
}

// lineID reads the id of a record's line.
func lineID(l integrity.Line) (uuid.UUID, bool) {
	if l.Kind != integrity.Record {
		return uuid.UUID{}, false
	}
	var p struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(append(append([]byte(nil), l.Payload...), '}'), &p) != nil {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(p.ID)
	return id, err == nil
}
