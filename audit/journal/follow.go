// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/auditchain/auditchain/integrity"
	"github.com/auditchain/auditchain/internal/vfs"
)

// DefaultPoll is how often a Follower looks whether there is more.
const DefaultPoll = 200 * time.Millisecond

// FollowOptions configures a Follower. The zero value follows from the first
// line that is there, and checks nothing.
type FollowOptions struct {
	// Key, where it is given, authenticates the watermark, and every line is
	// checked against the one before it. Where that is missing, or is no
	// line, there is nothing to check against, and the line is taken as it
	// is: what comes before it is an error.
	// Lines under another key, or under an epoch of this one that is over, are not
	// checked: ErrUnchecked.
	Key integrity.Key
	// Keys are further keys that the chain has had, or has now.
	Keys []integrity.Key
	// After is the last line that is known already: those behind it are
	// read. Where another line has its place, that is ErrTampered.
	After *Mark
	// End begins behind the last line that is there: only new lines come.
	End bool
	// Last begins so many lines before the end. Match, where it is given,
	// chooses those that count.
	Last  int
	Match func(integrity.Line) bool
	// Stop ends with the line that the watermark names as the Follower is
	// made: behind it Next returns io.EOF. Where there is no watermark, that is
	// where nothing more is to be had for now.
	Stop bool
	// Poll is how often to look for more; 0 means DefaultPoll.
	Poll time.Duration
	// Wait, where it is given, is called instead of waiting for Poll, and
	// returns when there may be more. Its error ends Next.
	Wait func(context.Context) error
}

// Mark is a place in a chain: a follower that stops remembers it, and goes on
// there. Offsets would not do: files are renamed, compressed and removed.
type Mark struct {
	Seq uint64
	MAC integrity.Hash
}

// Follower reads the lines of a journal as they are acknowledged: it stops at
// the watermark (docs/SPEC.md, section 7.1), beyond which lines may still be
// taken back by a crash. Rotation, compression, retention, restarts of the
// writer and breaks do not stop it. It takes no lock and disturbs no writer.
// It is for one goroutine.
//
// Where there is no watermark at all, as beside a file that was copied, it
// reads what is there: an unfinished line waits, but what a crash left may be
// read and later be gone.
type Follower struct {
	path string
	fs   vfs.FS
	o    FollowOptions

	mark    Mark   // the last line that was passed; Seq 0 before there was one
	bad     uint64 // lines since, that were none
	seeking bool   // what comes is known, up to mark
	passed  uint64 // First of the last file that is behind us
	cur     *followedFile
	held    *integrity.Line // the line that a GapError came before
	check   chainCheck
	water   watermark
	files   []Segment // as they were listed last
	strays  strays
	stop    uint64 // seq of the last line that is wanted; 0 for no end
	waits   int    // for that one, since there was anything
	lost    bool   // a file vanished before it was read to its end
	told    string // the trouble that was reported last, while it lasts
}

// NewFollower begins to follow the journal at path: its name, or a folder
// that holds one.
func NewFollower(path string, o FollowOptions) (*Follower, error) {
	return newFollower(vfs.OS, path, o)
}

// beginTries is how often a watermark that is just being written is read
// again before a follower begins without: it must not begin behind it.
const beginTries = 1000

func newFollower(fsys vfs.FS, path string, o FollowOptions) (*Follower, error) {
	journal, only, err := find(fsys, path)
	if err != nil {
		return nil, err
	}
	if only != nil {
		return nil, fmt.Errorf("%q is a finished segment, to which nothing is added; follow %q", path, journal)
	}
	f := &Follower{path: journal, fs: fsys, o: o, check: newChainCheck(o)}
	if f.o.Poll <= 0 {
		f.o.Poll = DefaultPoll
	}
	segments, err := listSegments(f.fs, journal)
	if err == nil && len(segments) == 0 && !isJournal(f.fs, journal) {
		err = notExist(path)
	}
	if err == nil {
		err = f.water.read(f)
		for range beginTries {
			if err != errCaughtUp {
				break
			}
			err = f.water.read(f)
		}
		if err == errCaughtUp {
			err = fmt.Errorf("%w in %q that holds still: it is written all the time; try again", ErrNoWatermark, journal+headSuffix)
		}
	}
	if err == nil {
		if o.Stop && f.water.known {
			f.stop = f.water.Seq
		}
		err = f.start()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// start goes to where the options say.
func (f *Follower) start() error {
	switch {
	case f.o.After != nil:
		f.mark = *f.o.After
		f.check.prev, f.check.known = f.mark.MAC, true
		f.seek(f.mark.Seq)
	case f.o.End:
		return f.seekLast(0, nil)
	case f.o.Last > 0:
		return f.seekLast(f.o.Last, f.o.Match)
	}
	return nil
}

// Path names the file that the last line, or LineError, came from.
func (f *Follower) Path() string {
	if f.cur == nil {
		return f.path
	}
	return f.cur.path
}

// Mark is the place behind the last line that Next returned: what
// FollowOptions.After takes.
func (f *Follower) Mark() Mark { return f.mark }

// Next returns the next line, waiting for it until ctx ends; the line is
// valid until the next call. A line that is none, or with a wrong tag, is a
// *LineError, lines that are missing a *GapError. What the watermark shows to
// be wrong (ErrTruncated, ErrTampered, ErrReplaced, ErrNoWatermark) is an
// error once. With FollowOptions.Stop, io.EOF is the end. After each of them Next may be called again, and goes on with
// what follows.
func (f *Follower) Next(ctx context.Context) (integrity.Line, error) {
	if f.held != nil {
		line := *f.held
		f.held = nil
		if f.stop > 0 && line.Seq > f.stop {
			return integrity.Line{}, io.EOF
		}
		return line, nil
	}
	for {
		if f.stop > 0 && f.mark.Seq >= f.stop && len(f.strays.queue) == 0 {
			return integrity.Line{}, io.EOF
		}
		if err := ctx.Err(); err != nil {
			return integrity.Line{}, err
		}
		line, err := f.step(ctx)
		if err != errCaughtUp {
			f.waits = 0
			if err == nil && f.stop > 0 && line.Seq > f.stop {
				return integrity.Line{}, io.EOF
			}
			return line, err
		}
		if f.o.Stop && f.ends() {
			return integrity.Line{}, io.EOF
		}
		if err := f.wait(ctx); err != nil {
			return integrity.Line{}, err
		}
	}
}

// stopWaits is how often a Follower that is to stop waits for a line that the
// watermark names, and that it cannot find: files are renamed meanwhile.
const stopWaits = 10

// ends reports whether one that is to stop has caught up for good.
func (f *Follower) ends() bool {
	if f.stop == 0 || f.told != "" || f.cur != nil && f.water.First == f.cur.first && f.cur.r.off >= f.water.Size {
		return true
	}
	f.waits++
	return f.waits > stopWaits
}

var errCaughtUp = errors.New("nothing more for now")

func (f *Follower) wait(ctx context.Context) error {
	if f.o.Wait != nil {
		return f.o.Wait(ctx)
	}
	t := time.NewTimer(f.o.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// step returns the next line, or errCaughtUp. It may pass over many lines and
// files before there is one.
func (f *Follower) step(ctx context.Context) (integrity.Line, error) {
	for {
		if err := ctx.Err(); err != nil {
			return integrity.Line{}, err
		}
		if stray := f.strays.take(); stray != nil {
			return integrity.Line{}, stray
		}
		if f.cur == nil {
			if err := f.openNext(); err != nil {
				return integrity.Line{}, err
			}
		}
		line, err := f.cur.next()
		var bad *LineError
		switch {
		case err == nil:
			line, err, ok := f.pass(line)
			if ok {
				return line, err
			}
		case err == io.EOF:
			if err := f.goOn(); err != nil {
				return integrity.Line{}, err
			}
		case errors.As(err, &bad):
			if f.seeking {
				continue // it was reported when it was read the first time
			}
			f.bad++
			return integrity.Line{}, err
		default:
			f.closeFile()
			return integrity.Line{}, err
		}
	}
}

// pass takes a line that was read. ok is false for one that is passed over.
func (f *Follower) pass(line integrity.Line) (_ integrity.Line, err error, ok bool) {
	begins := f.cur.fresh
	f.cur.fresh = false
	if begins && line.Seq <= f.mark.Seq && f.cur.seg.First > 0 && f.water.known && !f.seeking {
		stray := strayError(f.cur.seg, "seq %d of its first line stands behind seq %d", line.Seq, f.mark.Seq)
		f.passed = f.cur.first
		f.closeFile()
		return integrity.Line{}, stray, true
	}
	if begins && line.Seq <= f.mark.Seq {
		f.seeking = true // its beginning is known
	}
	if f.seeking {
		switch {
		case line.Seq < f.mark.Seq:
			return line, nil, false
		case line.Seq == f.mark.Seq:
			f.seeking, f.bad = false, 0
			known := f.mark
			f.mark.MAC = line.MAC
			f.check.anchor(f, line)
			if known.MAC != line.MAC {
				return integrity.Line{}, f.lineError(line, fmt.Errorf("%w: seq %d has another tag than the line that was read there; what came before it may have changed too", ErrTampered, line.Seq)), true
			}
			return line, nil, false
		}
		f.seeking = false
	}
	if f.mark.Seq > 0 && line.Seq <= f.mark.Seq {
		f.bad++
		return integrity.Line{}, f.lineError(line, fmt.Errorf("seq %d stands behind seq %d", line.Seq, f.mark.Seq)), true
	}
	var gap *GapError
	if (f.mark.Seq > 0 || f.lost) && line.Seq-f.mark.Seq-1 > f.bad {
		gap = &GapError{Path: f.cur.path, After: f.mark.Seq, Next: line.Seq}
	}
	wrong := f.check.line(f, line)
	f.mark, f.bad, f.lost = Mark{line.Seq, line.MAC}, 0, false
	switch {
	case wrong != nil:
		return integrity.Line{}, errors.Join(gapOrNil(gap), f.lineError(line, wrong)), true
	case gap != nil:
		f.held = &line
		if note := f.check.takeNote(); note != nil {
			return integrity.Line{}, errors.Join(gap, note), true
		}
		return integrity.Line{}, gap, true
	}
	if note := f.check.takeNote(); note != nil {
		f.held = &line
		return integrity.Line{}, note, true
	}
	return line, nil, true
}

func gapOrNil(gap *GapError) error {
	if gap == nil {
		return nil
	}
	return gap
}

func (f *Follower) lineError(line integrity.Line, reason error) error {
	return &LineError{Path: f.cur.path, Line: line.Number, Offset: line.Offset, Reason: reason}
}

// seek makes what is read next be passed over, up to the line seq.
func (f *Follower) seek(seq uint64) {
	f.closeFile()
	f.seeking, f.passed = true, 0
	if err := f.list(); err != nil {
		return // openNext says so
	}
	for _, s := range f.files {
		if s.First > 0 && s.First <= seq {
			f.passed = s.First - 1
		}
	}
}

// once reports a trouble the first time that it is met.
func (f *Follower) once(err error) error {
	if f.told == err.Error() {
		return errCaughtUp
	}
	f.told = err.Error()
	return err
}

func (f *Follower) closeFile() {
	if f.cur != nil {
		f.cur.close()
		f.cur = nil
	}
}

// Close closes the file that is open.
func (f *Follower) Close() error {
	f.closeFile()
	return nil
}
