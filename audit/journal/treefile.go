// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/bits"
	"os"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// The cache of the tree, `.tree` (docs/SPEC.md, section 7). It begins with two
// slots of treeSlot bytes, written in turn: the state of the tree at a line, so
// that a writer need not read the chain to know it. Behind them stands an index
// of the blocks of blockSize leaves: the root of each, and where its first line
// is, so that a proof need not read the chain either.
//
// It is never trusted. A slot has a tag under the writer's key, and counts only
// where the line that it names stands in the chain. An entry of the index has a
// checksum and nothing more: what is computed with it must have the root of a
// checkpoint, or it is computed again without. Nothing of it is synced, but where
// a key steps (see treeFile.sync).
const (
	treeSuffix = ".tree"

	// blockSize is how many leaves a block has.
	blockSize = 4096

	treeSlot   = 4096
	treeBlocks = 2 * treeSlot
	blockBytes = 64
)

var treeMagic = [8]byte{'a', 'c', 't', 'r', 'e', 'e', '0', '1'}

// blockPlace is where the first line of a block stands: in the file that begins
// with line first, at byte off of it, decompressed. The zero value is that it
// is not known.
type blockPlace struct {
	first uint64
	off   int64
}

// slotHead is how a slot begins; the hashes of the tree follow, the charter of
// the chain, and the tag.
type slotHead struct {
	Magic      [8]byte
	Generation uint64
	Chain      integrity.ChainID
	KeyID      [16]byte
	Epoch      uint64
	// At is the line that the state is of: First, Seq and Size of a Position.
	First, Seq uint64
	MAC        integrity.Hash
	Size       int64
	// Where the block that is not whole begins.
	PlaceFirst uint64
	PlaceOff   int64
	// The last checkpoint up to there: its line, and when it was made.
	CheckSeq  uint64
	CheckTime int64
	Nodes     uint32
	Charter   uint32 // its bytes
}

var slotHeadSize = binary.Size(slotHead{})

// treeSaved is what a slot holds.
type treeSaved struct {
	generation uint64
	chain      integrity.ChainID
	keyID      string
	epoch      uint64
	at         integrity.Position
	place      blockPlace
	last       lastCheckpoint
	nodes      []integrity.Hash
	// charter is what the genesis says: where the file that repeats it is
	// gone, this is the last place that a writer can have it from.
	charter charter
}

// savedCharter is a charter as a slot holds it, in JSON.
type savedCharter struct {
	Retention     *integrity.Retention `json:"retention,omitempty"`
	CheckpointKey string               `json:"checkpoint_key,omitempty"`
	ErasureKey    string               `json:"erasure_key,omitempty"`
}

// maxCharter is how long that can be: a duration and two keys.
const maxCharter = 1024

// slot returns the slot, of treeSlot bytes, under k.
func (s *treeSaved) slot(k integrity.Key) []byte {
	h := slotHead{
		Magic: treeMagic, Generation: s.generation, Chain: s.chain, Epoch: k.Epoch(),
		First: s.at.First, Seq: s.at.Seq, MAC: s.at.MAC, Size: s.at.Size,
		PlaceFirst: s.place.first, PlaceOff: s.place.off,
		CheckSeq: s.last.seq, CheckTime: s.last.nanos, Nodes: uint32(len(s.nodes)), //nolint:gosec // 64 at the most
	}
	copy(h.KeyID[:], k.ID())
	says, err := json.Marshal(savedCharter{s.charter.retention, s.charter.checkpointKey, s.charter.erasureKey})
	if err != nil || len(says) > maxCharter {
		says = nil
	}
	h.Charter = uint32(len(says)) //nolint:gosec // bounded above
	b, err := binary.Append(make([]byte, 0, treeSlot), binary.BigEndian, &h)
	if err != nil {
		panic("journal: tree slot: " + err.Error()) // its size is fixed
	}
	for _, node := range s.nodes {
		b = append(b, node[:]...)
	}
	b = append(b, says...)
	tag := integrity.TreeTag(k, s.chain, b)
	return append(b, tag[:]...)[:treeSlot]
}

// parseTreeSlot reads a slot. genuine says that its tag is that of k, in the
// chain that it names; what is not genuine may be anything.
func parseTreeSlot(b []byte, k integrity.Key) (s treeSaved, genuine, ok bool) {
	var h slotHead
	if _, err := binary.Decode(b, binary.BigEndian, &h); err != nil || h.Magic != treeMagic || int(h.Nodes) != bits.OnesCount64(h.Seq) {
		return s, false, false
	}
	says := slotHeadSize + int(h.Nodes)*integrity.HashSize
	end := says + int(min(h.Charter, maxCharter))
	if len(b) < end+integrity.HashSize {
		return s, false, false
	}
	s = treeSaved{
		generation: h.Generation, chain: h.Chain, keyID: string(h.KeyID[:]), epoch: h.Epoch,
		at:    integrity.Position{First: h.First, Seq: h.Seq, MAC: h.MAC, Size: h.Size},
		place: blockPlace{h.PlaceFirst, h.PlaceOff},
		last:  lastCheckpoint{seq: h.CheckSeq, nanos: h.CheckTime},
		nodes: make([]integrity.Hash, h.Nodes),
	}
	for i := range s.nodes {
		copy(s.nodes[i][:], b[slotHeadSize+i*integrity.HashSize:])
	}
	if k.IsZero() || s.keyID != k.ID() || s.epoch != k.Epoch() {
		return s, false, true
	}
	tag := integrity.TreeTag(k, s.chain, b[:end])
	if !tag.Equal(integrity.Hash(b[end : end+integrity.HashSize])) {
		return s, false, true
	}
	var c savedCharter
	if json.Unmarshal(b[says:end], &c) == nil {
		s.charter = charter{c.Retention, c.CheckpointKey, c.ErasureKey}
	}
	return s, true, true
}

// treeFile is the cache, open. Where it cannot be had, or fails, that costs
// time and nothing else.
type treeFile struct {
	fs         vfs.FS
	path       string
	file       vfs.File
	generation uint64 // of the newest slot
	stray      bool   // a slot may hold something else: both are written
	buf        []byte
}

// open opens the file, creating it where there is none. What somebody else
// could have chosen is not written to.
func (t *treeFile) open() error {
	if t.file != nil {
		return nil
	}
	f, err := openBeside(t.fs, t.path)
	if err != nil {
		return err
	}
	t.file = f
	return nil
}

// openBeside opens a file beside the journal that may be written without the
// lock's protection: never one that somebody else chose, or can change.
func openBeside(fsys vfs.FS, path string) (vfs.File, error) {
	f, err := fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%w: %q is not a regular file", ErrUnsafe, path)
	case vfs.Links(info) > 1:
		err = fmt.Errorf("%w: %q has another name too (a hard link)", ErrUnsafe, path)
	case info.Mode().Perm()&0o022 != 0:
		err = fmt.Errorf("%w: others can write %q (mode %04o); run: chmod 600 %s", ErrUnsafe, path, info.Mode().Perm(), path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (t *treeFile) close() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file = nil
	return f.Close()
}

// load returns the states that the file holds of a chain, under k, that of the
// most lines first.
func (t *treeFile) load(k integrity.Key, chain integrity.ChainID) (found []treeSaved) {
	t.stray = true
	if t.open() != nil {
		return nil
	}
	b := make([]byte, treeBlocks)
	n, err := t.file.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil
	}
	clear(b[n:])
	for i := range 2 {
		s, genuine, _ := parseTreeSlot(b[i*treeSlot:(i+1)*treeSlot], k)
		if !genuine || s.chain != chain || s.generation%2 != uint64(i) {
			continue
		}
		t.generation = max(t.generation, s.generation)
		if len(found) > 0 && found[0].at.Seq < s.at.Seq {
			found = []treeSaved{s, found[0]}
		} else {
			found = append(found, s)
		}
	}
	t.stray = len(found) < 2
	return found
}

// save writes the next slot, or both where one may hold something else: its
// chain would be taken for the one that the index is of.
func (t *treeFile) save(s treeSaved, k integrity.Key) error {
	if err := t.open(); err != nil {
		return err
	}
	if open, err := t.file.Stat(); err == nil {
		// One that was removed is made anew.
		if named, err := t.fs.Lstat(t.path); err != nil || !vfs.SameFile(open, named) {
			if err := errors.Join(t.close(), t.open()); err != nil {
				return err
			}
		}
	}
	t.load(k, s.chain) // another process may have saved since
	times := 1
	if t.stray {
		times = 2
	}
	for range times {
		t.generation++
		s.generation = t.generation
		if _, err := t.file.WriteAt(s.slot(k), int64(s.generation%2)*treeSlot); err != nil {
			t.stray = true
			return err
		}
	}
	t.stray = false
	return nil
}

// sync makes what was saved durable. It is done when a key steps: of the lines
// under one that is spent, no writer can tell any more whether they are as they
// were sealed. At any other time, a state that is lost costs time.
func (t *treeFile) sync() {
	if t.file != nil {
		_ = t.file.Sync()
	}
}

// block is an entry of the index.
type block struct {
	index uint64
	root  integrity.Hash
	blockPlace
}

// saveBlock writes an entry of the index.
func (t *treeFile) saveBlock(chain integrity.ChainID, b block) error {
	if err := t.open(); err != nil {
		return err
	}
	e := append(t.buf[:0], b.root[:]...)
	e = binary.BigEndian.AppendUint64(e, b.first)
	e = binary.BigEndian.AppendUint64(e, uint64(b.off)) //nolint:gosec // not negative
	e = append(e, chain[:12]...)
	t.buf = binary.BigEndian.AppendUint32(e, blockSum(chain, b.index, e))
	_, err := t.file.WriteAt(t.buf, treeBlocks+int64(b.index)*blockBytes) //nolint:gosec // far below
	return err
}

func blockSum(chain integrity.ChainID, index uint64, e []byte) uint32 {
	var salt [24]byte
	copy(salt[:], chain[:])
	binary.BigEndian.PutUint64(salt[16:], index)
	return crc32.Update(crc32.Checksum(salt[:], castagnoli), castagnoli, e)
}

// blocks reads the index of a cache of the tree. Nothing of it is trusted: see
// openBlocks.
type blocks struct {
	file  vfs.File
	chain integrity.ChainID
	count uint64
}

// openBlocks opens the index of the cache of the journal at path: for each
// block of blockSize leaves, i.e. of lines i*blockSize+1 to (i+1)*blockSize,
// its root and where its first line stands. It takes no lock and no key, so
// what it says may be out of date or false: a root counts once the tree that is
// made of it has the root of a checkpoint, and a place once the line that
// stands there has the sequence number. Where either does not hold, the lines
// are read.
func openBlocks(fsys vfs.FS, path string) (*blocks, error) {
	f, err := fsys.OpenFile(path+treeSuffix, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, vfs.ErrSymlink) {
		return &blocks{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cache of the tree: %w", err)
	}
	b := &blocks{file: f}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cache of the tree: %w", err), f.Close())
	}
	if !info.Mode().IsRegular() {
		return b, nil
	}
	head := make([]byte, treeBlocks)
	if _, err := f.ReadAt(head, 0); err != nil {
		return b, nil //nolint:nilerr // it costs time, and nothing else
	}
	newest, found := uint64(0), false
	for i := range 2 {
		if s, _, ok := parseTreeSlot(head[i*treeSlot:(i+1)*treeSlot], integrity.Key{}); ok && (!found || s.generation > newest) {
			newest, found, b.chain = s.generation, true, s.chain
		}
	}
	if n := info.Size() - treeBlocks; found && n > 0 {
		b.count = uint64(n) / blockBytes
	}
	return b, nil
}

// Count returns how many blocks the index may have entries of.
func (b *blocks) Count() uint64 { return b.count }

// Block returns the entry of block i: its root, the first line of the file that
// line i*blockSize+1 stands in, and where it begins in that file, decompressed.
// ok is false where there is no entry: then only the lines tell.
func (b *blocks) Block(i uint64) (root integrity.Hash, first uint64, off int64, ok bool) {
	if i >= b.count {
		return root, 0, 0, false
	}
	var e [blockBytes]byte
	if _, err := b.file.ReadAt(e[:], treeBlocks+int64(i)*blockBytes); err != nil { //nolint:gosec // below the file's size
		return root, 0, 0, false
	}
	sum := e[blockBytes-4:]
	if !bytes.Equal(e[48:60], b.chain[:12]) || binary.BigEndian.Uint32(sum) != blockSum(b.chain, i, e[:60]) {
		return root, 0, 0, false
	}
	copy(root[:], e[:])
	first = binary.BigEndian.Uint64(e[32:])
	off = int64(binary.BigEndian.Uint64(e[40:])) //nolint:gosec // checked next
	return root, first, off, first > 0 && off >= 0
}

// Close closes the file.
func (b *blocks) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// lastCheckpoint is the newest checkpoint that a writer knows of: its line, and
// when it was made. The zero value is that none is known.
type lastCheckpoint struct {
	seq   uint64
	nanos int64
}
