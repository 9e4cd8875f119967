// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
	"github.com/google/uuid"
)

// The ring of recent ids: a file of ringSlots slots, that of line seq being
// seq mod ringSlots. It covers twice the 65,536 records that are promised, so
// that control records take nothing from them. A slot is the id (zero for a
// line that has none to compare), the seq, the line's offset in its segment,
// and a checksum. Before the slots stand two bytes of each id, so that one
// lookup reads 256 KiB and not 4 MiB: a program that appends one record and
// ends must not pay for a table.
//
// The ring is a cache and never trusted: a hit is confirmed by reading the
// line itself (of one that was erased, the ring alone knows the id), and a slot that does not name the seq that belongs there
// counts as missing. It is synced when a journal is closed; where the last
// writer did not come to that, what is missing is read from the journal.
const (
	ringSlots = 1 << 17
	markBytes = 2
	slotBytes = 16 + 6 + 6 + 4
	slotsFrom = ringSlots * markBytes
	ringBytes = slotsFrom + ringSlots*slotBytes
)

// maxScans is how many ids are looked for in the file before it is loaded.
const maxScans = 64

type idEntry struct {
	seq uint64
	off int64
}

type idRing struct {
	file vfs.File
	// whole says that no slot is missing in the file, as far as this writer
	// knows.
	whole bool
	scans int
	// byID is nil until it is loaded.
	byID   map[uuid.UUID]idEntry
	inRing [][16]byte // the id in each slot, to forget what is overwritten
	staged []stagedID // of the commit that is being made
	buf    []byte
}

type stagedID struct {
	id [16]byte
	idEntry
	erased bool // the line does not say its id any more
}

// mark is the part of an id by which it is looked for: bytes that are random
// in every version of UUID that is in use. 0 stands for no id.
func mark(id [16]byte) uint16 {
	if id == ([16]byte{}) {
		return 0
	}
	return max(1, binary.BigEndian.Uint16(id[14:]))
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
	s := stagedID{id: id, idEntry: idEntry{seq, off}}
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
func (r *idRing) drop() { r.byID, r.inRing, r.whole = nil, nil, false }

// store writes the staged slots. A failure costs only time: the slots count
// as missing.
func (r *idRing) store() {
	for len(r.staged) > 0 {
		first := int64(r.staged[0].seq % ringSlots)
		n := min(len(r.staged), ringSlots-int(first))
		r.buf = r.buf[:0]
		for _, s := range r.staged[:n] {
			r.buf = s.appendSlot(r.buf)
		}
		_, err := r.file.WriteAt(r.buf, slotsFrom+first*slotBytes)
		r.buf = r.buf[:0]
		for _, s := range r.staged[:n] {
			r.buf = binary.BigEndian.AppendUint16(r.buf, mark(s.id))
		}
		if err == nil {
			_, err = r.file.WriteAt(r.buf, first*markBytes)
		}
		if err != nil {
			r.whole = false
		}
		r.staged = append(r.staged[:0], r.staged[n:]...)
	}
	if cap(r.buf) > 1<<20 {
		r.buf = nil
	}
}

// absorb takes in lines from+1..to, which another process wrote, or one that
// did not get to write its slots.
func (r *idRing) absorb(from, to uint64) {
	if from >= to {
		return
	}
	if to-from > ringSlots/2 {
		r.drop()
		return
	}
	for seq := from + 1; seq <= to; {
		n := min(to-seq+1, ringSlots-seq%ringSlots, 1024)
		slots, marks := make([]byte, n*slotBytes), make([]byte, n*markBytes)
		if _, err := r.file.ReadAt(slots, slotsFrom+int64(seq%ringSlots)*slotBytes); err != nil {
			r.drop()
			return
		}
		if _, err := r.file.ReadAt(marks, int64(seq%ringSlots)*markBytes); err != nil {
			r.drop()
			return
		}
		for i := range n {
			s := parseSlotID(slots[i*slotBytes:])
			if s.seq != seq || binary.BigEndian.Uint16(marks[i*markBytes:]) != mark(s.id) {
				r.drop()
				return
			}
			if r.byID != nil {
				r.put(s)
			}
			seq++
		}
	}
}

// slot reads the slot where seq belongs.
func (r *idRing) slot(seq uint64) (stagedID, error) {
	var b [slotBytes]byte
	if _, err := r.file.ReadAt(b[:], slotsFrom+int64(seq%ringSlots)*slotBytes); err != nil {
		return stagedID{}, err
	}
	return parseSlotID(b[:]), nil
}

// appendSlot appends the slot of a line: 16 bytes of id, 6 of seq, 6 of offset
// and the CRC-32C of them, by which a slot shows that a crash tore.
func (s stagedID) appendSlot(dst []byte) []byte {
	dst = append(dst, make([]byte, slotBytes)...)
	b := dst[len(dst)-slotBytes:] // an array of its own would be put on the heap, one a record
	// Of each number the low 6 bytes count: what comes next overwrites the rest.
	binary.BigEndian.PutUint64(b[20:], uint64(s.off))
	binary.BigEndian.PutUint64(b[14:], s.seq)
	copy(b, s.id[:])
	binary.BigEndian.PutUint32(b[28:], crc32.Checksum(b[:28], castagnoli))
	return dst
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseSlotID is the inverse of appendSlot; the zero value, which is that of
// no line, where the slot is not whole.
func parseSlotID(b []byte) stagedID {
	if binary.BigEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli) {
		return stagedID{}
	}
	var seq, off [8]byte
	copy(seq[2:], b[16:22])
	copy(off[2:], b[22:28])
	return stagedID{
		id:      [16]byte(b[:16]),
		idEntry: idEntry{seq: binary.BigEndian.Uint64(seq[:]), off: int64(binary.BigEndian.Uint64(off[:]))},
	}
}

// find looks for the line of an id, among those of the file up to t and those
// of the commit that is being made.
func (r *idRing) find(id uuid.UUID, t integrity.Position, open func() *history) (idEntry, bool, error) {
	if r.byID == nil && r.whole && r.scans < maxScans {
		r.scans++
		e, found, err := r.scan(id, t)
		if err != nil || r.whole {
			return e, found, err
		}
	}
	if r.byID == nil {
		if err := r.load(t, open); err != nil {
			r.drop()
			return idEntry{}, false, err
		}
		for _, s := range r.staged {
			r.put(s)
		}
	}
	e, ok := r.byID[id]
	return e, ok, nil
}

// scan looks for an id in the file. Where it meets a slot that cannot be, the
// ring is not whole any more.
func (r *idRing) scan(id uuid.UUID, t integrity.Position) (idEntry, bool, error) {
	for _, s := range r.staged {
		if s.id == id {
			return s.idEntry, true, nil
		}
	}
	if cap(r.buf) < slotsFrom {
		r.buf = make([]byte, slotsFrom)
	}
	marks := r.buf[:min(uint64(slotsFrom), (t.Seq+1)*markBytes)]
	n, err := r.file.ReadAt(marks, 0)
	if err != nil && err != io.EOF {
		return idEntry{}, false, fmt.Errorf("ids: %w", err)
	}
	want := mark(id)
	hi, lo := byte(want>>8), byte(want)
	for i := 0; i+1 < n; i += markBytes {
		if marks[i] != hi || marks[i+1] != lo {
			continue
		}
		s, err := r.slot(uint64(i / markBytes))
		switch {
		case err != nil && err != io.EOF:
			return idEntry{}, false, fmt.Errorf("ids: %w", err)
		case err != nil || !r.belongs(s, uint64(i/markBytes), t) || mark(s.id) != want:
			r.whole = false
			return idEntry{}, false, nil //nolint:nilerr // that the ring is not whole is the answer
		case s.id == id:
			return s.idEntry, true, nil
		}
	}
	return idEntry{}, false, nil
}

// belongs reports whether a slot can be that of a line up to t.
func (r *idRing) belongs(s stagedID, slot uint64, t integrity.Position) bool {
	return s.seq%ringSlots == slot && s.seq > 0 && s.seq <= t.Seq && s.seq+ringSlots > t.Seq && s.off >= 0 &&
		(s.seq < t.First || s.off < t.Size)
}

// load reads the ring, and from the journal what the ring lacks. Its cost is
// bounded by the size of the ring, whatever the journal's.
func (r *idRing) load(t integrity.Position, open func() *history) error {
	lowest := uint64(1)
	if t.Seq > ringSlots {
		lowest = t.Seq - ringSlots + 1
	}
	r.byID = make(map[uuid.UUID]idEntry, t.Seq-lowest+1)
	r.inRing = make([][16]byte, ringSlots)
	b := make([]byte, min(ringBytes, slotsFrom+(t.Seq+1)*slotBytes))
	n, err := r.file.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("ids: %w", err)
	}
	b = b[:n]
	missing := uint64(0) // the lowest seq that the ring lacks
	for seq := t.Seq; seq >= lowest && seq > 0; seq-- {
		slot := int(seq % ringSlots)
		if at := slotsFrom + slot*slotBytes; at+slotBytes <= len(b) {
			s := parseSlotID(b[at:])
			if s.seq == seq && r.belongs(s, seq%ringSlots, t) && binary.BigEndian.Uint16(b[slot*markBytes:]) == mark(s.id) {
				r.put(s)
				continue
			}
		}
		missing = seq
	}
	if missing == 0 {
		r.whole = true
		return nil
	}
	return r.read(t, open, lowest, missing)
}

// rebuild makes the ring anew from the journal alone.
func (r *idRing) rebuild(t integrity.Position, open func() *history) error {
	lowest := uint64(1)
	if t.Seq > ringSlots {
		lowest = t.Seq - ringSlots + 1
	}
	r.byID = make(map[uuid.UUID]idEntry, t.Seq-lowest+1)
	r.inRing = make([][16]byte, ringSlots)
	if err := r.read(t, open, lowest, lowest); err != nil {
		r.drop()
		return err
	}
	for _, s := range r.staged {
		r.put(s)
	}
	return nil
}

// read takes the ids of lines from missing on out of the journal, and makes
// the file whole again.
func (r *idRing) read(t integrity.Position, open func() *history, lowest, missing uint64) error {
	h := open()
	defer h.close()
	for seq := t.Seq; seq >= missing; seq-- {
		s, err := h.next()
		if isIO(err) {
			return fmt.Errorf("ids: %w", err)
		}
		intact := err == nil && s.seq == seq
		if !intact {
			// It was altered below the watermark, for `verify` to name, or
			// removed by retention. What is further back cannot be recognised
			// when it is sent again.
			break
		}
		if s.erased {
			// Only the ring still knows the id: a record that was erased must
			// not be sealed again.
			if known, err := r.slot(seq); err == nil && known.seq == seq && known.off == s.off {
				s.id = known.id
			}
		}
		r.put(s)
	}
	r.rewrite(t, lowest)
	return nil
}

// rewrite makes the file whole again from what was loaded.
func (r *idRing) rewrite(t integrity.Position, lowest uint64) {
	b := make([]byte, ringBytes)
	for seq := lowest; seq <= t.Seq; seq++ {
		slot := seq % ringSlots
		id := r.inRing[slot]
		binary.BigEndian.PutUint16(b[slot*markBytes:], mark(id))
		s := stagedID{id: id, idEntry: idEntry{seq, r.byID[id].off}}
		copy(b[slotsFrom+slot*slotBytes:], s.appendSlot(nil))
	}
	end := ringBytes
	if t.Seq < ringSlots {
		end = slotsFrom + int(t.Seq+1)*slotBytes
	}
	_, err := r.file.WriteAt(b[:end], 0)
	r.whole = err == nil
}

// seal makes the ring durable before its writer leaves. One that is not whole
// loses its last slot, so that the next writer does not take it for whole.
func (r *idRing) seal(seq uint64) {
	if r.whole && r.file.Sync() == nil {
		return
	}
	r.staged = slices.DeleteFunc(r.staged, func(s stagedID) bool { return s.seq == seq })
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
