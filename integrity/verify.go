// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync/atomic"
)

// Input is what a verification judges.
type Input struct {
	// File is the name that the report gives the chain.
	File string
	// Lines is the chain where it is one file, from its first byte to the end
	// of what is judged.
	Lines io.Reader
	// Files are the files of the chain, the oldest first. Where they are set,
	// Lines is not read.
	Files []Source
	// Alone says that the one file is a segment that is judged without the
	// others: the verdict is at best PartlyProven.
	Alone bool
	// Key is the key of the chain. With the zero Key, the chain is verified
	// with PublicKey alone.
	Key Key
	// Keys are further keys of the chain: those before and behind a chain.key.
	Keys []Key
	// State is what the key file says of where the chain had got; the zero
	// value where it says nothing.
	State KeyState
	// PublicKey is the key of the checkpoints, as it was at the beginning of
	// the chain or is now: where it is set, the chain must name it. (docs/SPEC.md,
	// section 8.1)
	PublicKey PublicKey
	// Given are checkpoints that were kept elsewhere.
	Given []Given
	// Head is the contents of the watermark file; nil when there is none.
	Head []byte
	// Workers is the number of goroutines; 0 means one a processor.
	Workers int
}

// Given is a checkpoint that was kept elsewhere.
type Given struct {
	// Name says where it comes from, for the report.
	Name string
	// Note is the signed note.
	Note []byte
}

// Source is one file of a chain.
type Source struct {
	// File is the name that the report gives the file.
	File string
	// First is the sequence number that the name of a finished segment says;
	// 0 for the file that is being written.
	First uint64
	// Open returns the contents, from the first byte to the end of what is
	// judged. It is called once, when the file before is about to be read:
	// no more than two are open at a time.
	Open func() (io.ReadCloser, error)
}

// verification is one run of Verify.
type verification struct {
	in      Input
	report  *Report
	head    *Head // what the watermark says, where it is valid
	end     *Head // the same, where it pins the end of what is judged
	headErr error
	// claim is what the watermark says, where there is no key to check it with.
	claim   Head
	pinned  int // the file that the watermark is about; -1 when it is not there
	genesis Genesis
	genErr  error
	checker *checker // of the merger; nil until the chain is known
	ring    *ring
	// term is the key in force behind prev, latest a copy for those who check
	// the parts that follow.
	term     term
	latest   atomic.Pointer[term]
	evidence evidence
	seen     controlsSeen

	file   fileState // the file that is being judged, or was last
	before fileState // the file before it
	empty  int       // a file without a byte, since the one before; -1 when none
	prev   parsed    // the line before, in the order of the chain
	good   counts
	// broken says that the chain does not hold at some place, the first of
	// which is place bad of the report (-1 where the report has no room for
	// it) in file badFile. scene is where its kind is still to be told.
	broken   bool
	cut      bool // that place is an end which is cut off inside a line
	openEnd  bool // the end is no whole line, and nothing tells a crash from a cut
	headless bool // nothing accounts for what was before the first line
	bad      int
	badFile  int
	scene    *scene
	lastForm struct {
		file int
		off  int64
	}
	headLine *Bad // where the line stands that the watermark names, when elsewhere than it says
	headSeen bool
	pinEnd   *fileState // the file that the watermark is about, judged
	tail     *Bad       // where the crash tail begins
	turns    turnsTaken
}

// Verify verifies a chain, in constant memory and on several goroutines. It
// returns a report also when ctx ends or reading fails: then the verdict is
// CannotVerify.
func Verify(ctx context.Context, in Input) *Report {
	v := &verification{
		in: in, pinned: -1, empty: -1, bad: -1,
		report: &Report{File: in.File, Format: "auditchain/v1", KeyID: in.Key.ID(), Proven: []string{}, NotProven: []string{}},
	}
	v.lastForm.file = -1
	v.ring = newRing(&in)
	if len(v.ring.keys) == 0 {
		v.report.KeyID = ""
		if in.PublicKey.IsZero() {
			return v.report.cannot("there is no key to verify with: neither a key of the chain nor the public key of its checkpoints")
		}
	}
	if err := v.evidence.take(&in); err != nil {
		return v.report.cannot("%v", err)
	}
	if in.Files == nil && in.Lines != nil {
		v.in.Files = []Source{{File: in.File, Open: func() (io.ReadCloser, error) { return io.NopCloser(in.Lines), nil }}}
	}
	if in.Alone && len(v.in.Files) != 1 {
		return v.report.cannot("a segment is judged alone, and there are %d files", len(v.in.Files))
	}
	v.report.Segments = len(in.Files)
	head, degraded, err := ParseHead(in.Head, v.ring.keys...)
	if len(v.ring.keys) == 0 {
		err = errNoKeyForHead
		v.claim, _ = PeekHead(in.Head)
	}
	if err == nil {
		v.head, v.end = &head, &head
		v.report.Watermark = &Watermark{Seq: head.Seq, MAC: head.MAC, Time: head.Time, Degraded: degraded}
		v.pinned = v.pinnedFile()
	}
	v.headErr = err

	unknown, err := v.judge(ctx)
	switch {
	case err != nil:
		return v.report.cannot("%v", err)
	case unknown != nil:
		return v.unknownChain(unknown)
	}
	return v.conclude()
}

// pinnedFile finds the file that the watermark is about (docs/SPEC.md,
// section 7.3).
func (v *verification) pinnedFile() int {
	last := len(v.in.Files) - 1
	for i, s := range v.in.Files {
		if s.First != 0 && s.First == v.head.First {
			return i
		}
	}
	if last >= 0 && v.in.Files[last].First == 0 {
		return last
	}
	return -1
}

// judge judges the files in order. It returns the first one with a line where
// nothing says which chain it is.
func (v *verification) judge(ctx context.Context) (unknown *openFile, err error) {
	files := v.in.Files
	var cur, next *openFile
	defer func() {
		cur.close()
		next.close()
	}()
	if len(files) > 0 {
		cur = openSource(files[0])
	}
	for i := range files {
		if cur.err != nil {
			return nil, cur.err
		}
		if i+1 < len(files) {
			next = openSource(files[i+1])
		}
		if cur.empty() {
			v.empty = i
		} else {
			if v.checker == nil {
				chain, known := v.begin(cur.line)
				if !known {
					return cur, nil
				}
				v.start(chain, cur)
			}
			v.look(cur)
			v.look(next)
			if err := v.judgeFile(ctx, i, cur, next); err != nil {
				return nil, err
			}
		}
		if i == v.pinned {
			v.pinEnd = &fileState{index: i, name: files[i].File}
			if v.file.index == i && !cur.empty() {
				*v.pinEnd = v.file
			}
		}
		cur.close()
		cur, next = next, nil
	}
	return nil, ctx.Err()
}

// begin finds out which chain it is that begins with line p.
func (v *verification) begin(p parsed) (ChainID, bool) {
	switch v.genErr = p.err; {
	case p.err != nil:
	case p.ControlName() == ControlSegment:
		var s Segment
		if v.genErr = ParseControl(p.Payload, &s); v.genErr == nil {
			v.genesis = Genesis{
				Chain: s.Chain, Format: s.Format, KeyID: s.KeyID, KeyMode: s.KeyMode, Epoch: s.Epoch,
				CheckpointKey: s.CheckpointKey, ErasureKey: s.ErasureKey, Retention: s.Retention,
			}
		}
	default:
		v.genesis, v.genErr = ParseGenesis(p.Line)
	}
	switch {
	case v.head != nil:
		// The watermark is authentic, so its chain id is that of the key's
		// chain, whatever the first line says.
		v.report.Chain = v.head.Chain.String()
		return v.head.Chain, true
	case v.genErr == nil && v.genesis.Chain != ChainID{}:
		v.report.Chain = v.genesis.Chain.String()
		return v.genesis.Chain, true
	}
	return ChainID{}, false
}

// start begins to check the lines of the chain, of which f is the first file
// that holds any.
func (v *verification) start(chain ChainID, f *openFile) {
	v.checker = &checker{chain: chain, ring: v.ring, head: v.head, bounds: unbounded}
	v.look(f)
	g := &v.genesis
	v.term = v.checker.firstTerm(f.first.data, g.KeyID, g.KeyMode, g.Epoch)
	v.evidence.begin(v, g, f)
}

// newChecker returns a checker for parts of a file.
func (v *verification) newChecker(b bounds) *checker {
	return &checker{
		chain: v.chain(), ring: v.ring, head: v.head, bounds: b,
		tree: v.evidence.treeKnown, sizes: v.evidence.sizes, latest: &v.latest,
	}
}

// unknownChain is the report where neither the first line nor a watermark
// says which chain it is: no tag can be checked.
func (v *verification) unknownChain(f *openFile) *Report {
	if f.line.err != nil || f.line.Seq == 1 {
		return v.report.cannot("the first line is no %s or %s record and there is no valid watermark: this is not a journal, or its first line was altered", ControlGenesis, ControlSegment)
	}
	v.report.Verdict = Tampered
	v.report.addBad(Bad{File: f.source.File, Line: 1, Seq: 1, Kind: Removed, Reason: "the file begins with a later line: those before it are missing"})
	v.report.notProven("every line: without the first line (or a watermark) nothing says which chain this is")
	return v.report
}

type readError struct {
	file string
	off  int64
	err  error
}

func (e *readError) Error() string {
	s := "the file"
	if e.file != "" {
		s = "the file " + strconv.Quote(e.file)
	}
	return s + " cannot be read further than byte " + formatInt(e.off) + ": " + e.err.Error()
}

func (e *readError) Unwrap() error { return e.err }

// wrongKey reports whether nothing at all speaks for the keys given.
func (v *verification) wrongKey() bool {
	if v.checker == nil || v.public() || v.evidence.keyed > 0 || v.genErr != nil || v.head != nil && v.head.KeyID != v.genesis.KeyID {
		return false
	}
	if s := &v.in.State; s.Bound() && s.Chain == v.chain() {
		return false // it says where the chain should be
	}
	return v.evidence.unproven > 0 || !slices.ContainsFunc(v.ring.keys, func(k Key) bool { return k.ID() == v.genesis.KeyID })
}

var (
	errNoFirstLine  = errors.New("the file is empty")
	errNoKeyForHead = errors.New("the watermark is for those who have a key of the chain")
)
