// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/auditchain/auditchain/audit/journal"
	"github.com/auditchain/auditchain/integrity"
)

// What a journal does when it is opened, it seals. So what recover says was
// done is read from the chain: from the control records of the writer that
// recover was, near the ends of the newest files.
const (
	newestFiles = 4       // opening a journal begins two at most
	nearTheEnd  = 4 << 20 // other writers may have sealed something since
)

// control is a control record: the members that are looked at here.
type control struct {
	Control   string             `json:"control"`
	Time      string             `json:"time"`
	Writer    string             `json:"writer"`
	Host      string             `json:"host"`
	PID       int                `json:"pid"`
	Watermark string             `json:"watermark"`
	Reason    string             `json:"reason"`
	Found     string             `json:"found"`
	KeptIn    string             `json:"kept_in"`
	Bytes     int64              `json:"bytes"`
	SHA256    string             `json:"sha256"`
	Previous  integrity.Position `json:"previous"`
	Follows   *integrity.Follows `json:"follows"`

	seq  uint64
	file string
}

// read finds what this process sealed into the journal since then.
func (r *recovery) read(path string, since time.Time) error {
	segments, err := journal.Segments(path)
	if err != nil {
		return err
	}
	var all []control
	for _, s := range segments[max(0, len(segments)-newestFiles):] {
		if s.Compressed {
			continue // it was finished before
		}
		some, err := controlsNearTheEnd(s.Path)
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	writer := ""
	for _, c := range all {
		if c.Control == integrity.ControlOpened && c.PID == os.Getpid() && c.Host == host && c.Time >= integrity.FormatTime(since) {
			writer = c.Writer
		}
	}
	if writer == "" {
		return fmt.Errorf("no %s of this process is near the end of %q", integrity.ControlOpened, path)
	}
	for i, c := range all {
		begun := c.Control == integrity.ControlGenesis && i+1 < len(all) && all[i+1].Writer == writer
		if c.Writer == writer || begun {
			r.add(c)
		}
	}
	return nil
}

// controlsNearTheEnd reads the control records near the end of a file.
func controlsNearTheEnd(path string) (out []control, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(0, info.Size()-nearTheEnd)
	data, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return nil, err
	}
	if from > 0 {
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	for text := range bytes.Lines(data) {
		text, whole := bytes.CutSuffix(text, []byte("\n"))
		line, err := integrity.ParseLine(text)
		if err != nil || !whole || line.Kind != integrity.Control {
			continue
		}
		c := control{seq: line.Seq, file: filepath.Base(path)}
		if integrity.ParseControl(line.Payload, &c) == nil {
			out = append(out, c)
		}
	}
	return out, nil
}

// add takes in one record that was sealed.
func (r *recovery) add(c control) {
	if r.FirstSeq == 0 {
		r.FirstSeq = c.seq
	}
	r.LastSeq = c.seq
	r.Sealed = append(r.Sealed, sealedRecord{c.seq, c.Control, c.file})
	switch c.Control {
	case integrity.ControlGenesis:
		r.become(stateNewChain)
		if f := c.Follows; f != nil {
			r.OldChain = &oldChain{f.KeptIn, f.Chain, f.Seq, f.MAC, f.Reason}
		}
	case integrity.ControlOpened:
		switch c.Watermark {
		case integrity.WatermarkDegraded:
			r.become(stateRecovered)
			r.Found = append(r.Found, fmt.Sprintf("the watermark was damaged: what was sealed last before seq %d may be missing", c.seq))
		case integrity.WatermarkRemoved:
			r.become(stateRecovered)
			r.Found = append(r.Found, fmt.Sprintf("the watermark was removed: something may be missing before seq %d", c.seq))
		}
	case integrity.ControlSegment:
		switch c.Reason {
		case integrity.SegmentCrash:
			r.become(stateRecovered)
			r.Found = append(r.Found, "a file was finished, and a crash kept the next one from being begun")
		case integrity.SegmentSync:
			r.become(stateRecovered)
			r.Found = append(r.Found, "the disk had refused to sync the file: what is not known to be on it is given up")
		}
	case integrity.ControlRecovered:
		r.become(stateRecovered)
		r.SetAside = append(r.SetAside, setAside{c.seq, c.Bytes, c.SHA256, c.KeptIn})
		r.Found = append(r.Found, fmt.Sprintf("%s of an unfinished end, as a crash leaves it: kept in %s", count(c.Bytes, "byte"), c.KeptIn))
	case integrity.ControlBreak:
		r.Breaks = append(r.Breaks, foundBreak{c.seq, c.Found, c.Reason, c.KeptIn})
		if c.Found == integrity.BreakRestored {
			r.become(stateRestored)
			r.Found = append(r.Found, fmt.Sprintf("the files that were put back end with seq %d; what was acknowledged after the backup is missing", r.FirstSeq-1))
			break
		}
		r.become(stateBroken)
		r.Found = append(r.Found, foundText(c))
	}
	r.say()
}

var states = []string{stateInOrder, stateRecovered, stateBroken, stateRestored, stateNewChain}

// become makes a state that outdoes the one at hand the recovery's.
func (r *recovery) become(state string) {
	if slices.Index(states, state) > slices.Index(states, r.State) {
		r.State = state
	}
}

// foundText says what a break found.
func foundText(c control) string {
	text := map[string]string{
		integrity.BreakMissing:     "the file that was being written is gone",
		integrity.BreakReplaced:    "another file stands in the journal's place",
		integrity.BreakShorter:     "the file was cut: it ends before the last record that was acknowledged",
		integrity.BreakAltered:     "the file was altered: the last line that was acknowledged is another one",
		integrity.BreakForeign:     "behind the end stood lines that nobody with the key had made",
		integrity.BreakNoWatermark: "there is no valid watermark: more may have stood behind the last line that is there",
	}[c.Found]
	if text == "" {
		text = fmt.Sprintf("the journal was not as it was left (%q)", c.Found)
	}
	if c.KeptIn != "" {
		text += "; what stood there is kept in " + c.KeptIn
	}
	return text
}

// say puts into words what was done.
func (r *recovery) say() {
	r.Done = nil
	if o := r.OldChain; o != nil && o.KeptIn != "" {
		text := "the files of the old chain are in " + o.KeptIn
		if o.Chain != "" {
			text += fmt.Sprintf(" (chain %s, up to seq %d)", o.Chain, o.Seq)
		}
		r.Done = append(r.Done, text+"; the new chain says so at its beginning")
	}
	if len(r.SetAside) > 0 {
		r.Done = append(r.Done, integrity.ControlRecovered+" says what was set aside")
	}
	for _, b := range r.Breaks {
		text := fmt.Sprintf("seq %d, %s, says for ever: %s", b.Seq, integrity.ControlBreak, b.Found)
		if b.Reason != "" {
			text += fmt.Sprintf(", %q", b.Reason)
		}
		r.Done = append(r.Done, text)
	}
	var names []string
	for _, s := range r.Sealed {
		names = append(names, s.Control)
	}
	r.Done = append(r.Done, fmt.Sprintf("sealed: seq %d to %d (%s)", r.FirstSeq, r.LastSeq, strings.Join(names, ", ")))
}
