// Copyright The auditchain Authors
// SPDX-License-Identifier: Apache-2.0

package integrity

import (
	"fmt"
	"time"
)

// Verdict is what a verification concluded (docs/SPEC.md, section 8).
type Verdict string

// The verdicts.
const (
	Verified          Verdict = "verified"
	VerifiedCrashTail Verdict = "verified, crash tail"
	Tampered          Verdict = "tampered"
	Truncated         Verdict = "truncated"
	PartlyProven      Verdict = "partly proven"
	CannotVerify      Verdict = "cannot verify"
)

// ExitCode is the exit code that a command gives for the verdict.
func (v Verdict) ExitCode() int {
	switch v {
	case Verified, VerifiedCrashTail:
		return 0
	case Tampered, Truncated:
		return 3
	case PartlyProven:
		return 4
	}
	return 1
}

// BadKind is in which way a place of a chain is bad.
type BadKind string

// The kinds of bad places.
const (
	Changed    BadKind = "changed"    // the line was altered
	Removed    BadKind = "removed"    // lines before it are missing
	Inserted   BadKind = "inserted"   // the line does not belong there
	Reordered  BadKind = "reordered"  // the line stands out of its place
	Duplicated BadKind = "duplicated" // the line stands there again
	Spliced    BadKind = "spliced"    // what follows belongs to another chain or another history
	IllFormed  BadKind = "ill-formed" // no line at all
	Missing    BadKind = "missing"    // the end of the chain is gone
	Forged     BadKind = "forged"     // a checkpoint, key change, signer or erasure that does not hold
	ErasedKind BadKind = "erased"     // a tombstone that nobody allowed
)

// Bad is a place where the chain does not hold.
type Bad struct {
	File string `json:"file"`
	// Line counts from 1, Offset in bytes from 0: where the line starts.
	Line   int64 `json:"line"`
	Offset int64 `json:"offset"`
	// Seq is the sequence number that belongs at this place.
	Seq    uint64  `json:"seq"`
	Kind   BadKind `json:"kind"`
	Reason string  `json:"reason"`
}

// Error makes a bad place an error.
func (b *Bad) Error() string {
	return fmt.Sprintf("%s: line %d (seq %d, byte %d): %s: %s", b.File, b.Line, b.Seq, b.Offset, b.Kind, b.Reason)
}

// Watermark is what the watermark said, in a report.
type Watermark struct {
	Seq  uint64    `json:"seq"`
	MAC  Hash      `json:"hmac"`
	Time time.Time `json:"time"`
	// Degraded says that one of the two slots was not valid: it may hide one
	// commit.
	Degraded bool `json:"degraded,omitempty"`
}

// Report is the result of a verification. What it does not say is not proven.
type Report struct {
	Verdict Verdict `json:"verdict"`
	File    string  `json:"file"`
	// Format is "auditchain/v1" or "tab-hmac", the older format.
	Format string `json:"format"`
	Chain  string `json:"chain_id,omitempty"`
	KeyID  string `json:"key_id,omitempty"`
	// Segments is how many files were judged, where Input.Files named them.
	Segments int `json:"segments,omitempty"`
	// Lines is how many lines hold, from the first one on without a gap;
	// Records, Controls and Tombstones are theirs by kind.
	Lines      int64 `json:"lines"`
	Records    int64 `json:"records"`
	Controls   int64 `json:"controls"`
	Tombstones int64 `json:"tombstones,omitempty"`
	// Unsigned counts lines without a tag, which only the older format has.
	Unsigned int64 `json:"unsigned,omitempty"`
	// LastSeq and LastMAC are those of the last line that holds.
	LastSeq   uint64     `json:"last_seq"`
	LastMAC   Hash       `json:"last_hmac"`
	Watermark *Watermark `json:"watermark,omitempty"`
	// Unacknowledged counts whole lines beyond the watermark: written, but
	// not acknowledged to whoever sent them.
	Unacknowledged uint64 `json:"unacknowledged,omitempty"`
	// TailBytes is the size of an unfinished end beyond the watermark.
	TailBytes int64 `json:"crash_tail_bytes,omitempty"`
	// AbandonedBytes is what stands in finished files behind the end that the
	// next one names: no part of the chain, and not judged, but where a writer
	// found something there.
	AbandonedBytes int64 `json:"abandoned_bytes,omitempty"`
	// Pruned says from where on the chain stands; nil where it stands from its
	// genesis on.
	Pruned *PrunedStart `json:"pruned,omitempty"`
	// Imported is the file of the older format that the chain says it began with
	// (docs/SPEC.md, section 9); nil where it began otherwise, or its genesis is
	// not here, or does not hold. KeyID in it says whether that file was verified.
	Imported *Imported `json:"imported,omitempty"`
	// Breaks are places where a writer sealed that it found less than it
	// should, or else than it left; at most MaxBad.
	Breaks []BreakFound `json:"breaks,omitempty"`
	// Fsync is the mode that was in force when the last writer opened.
	Fsync string `json:"fsync,omitempty"`
	// Recovered counts crash tails that were set aside in the past.
	Recovered int64 `json:"recovered,omitempty"`
	// Doubts are places where a writer sealed that it found a watermark that
	// was not as a writer leaves it; at most MaxBad.
	Doubts []Doubt `json:"doubts,omitempty"`
	// Unknown names control records that this version does not know.
	Unknown []string `json:"unknown_controls,omitempty"`
	// Epochs counts the epochs that the chain stepped through, where its key is
	// forward-secure.
	Epochs uint64 `json:"epochs,omitempty"`
	// ProvenFrom is the first line that a key at hand was in force for, where
	// that is not the beginning of the chain; lines before it are checked as
	// docs/SPEC.md, section 8.1, says.
	ProvenFrom uint64 `json:"proven_from,omitempty"`
	// Checkpoints says what was found of checkpoints; nil where the chain has
	// none.
	Checkpoints *Checkpoints `json:"checkpoints,omitempty"`
	// Given says what became of the checkpoints that the verifier was given.
	Given []GivenResult `json:"given_checkpoints,omitempty"`
	// PendingErasures counts lines of which the erasure is sealed, and whose
	// payload is still there.
	PendingErasures int64 `json:"pending_erasures,omitempty"`
	// Bad holds the places where the chain does not hold, the first first;
	// BadTotal counts them all, Bad holds at most MaxBad of them.
	Bad      []Bad `json:"bad,omitempty"`
	BadTotal int64 `json:"bad_total,omitempty"`
	// HoldsAfter counts lines after the first bad place that hold together
	// with the line before them: they were not altered one by one, but
	// nothing ties them to the proven part.
	HoldsAfter int64 `json:"holds_after,omitempty"`
	// Proven and NotProven say it in words.
	Proven    []string `json:"proven"`
	NotProven []string `json:"not_proven"`
}

// Checkpoints is what was found of checkpoints in a chain.
type Checkpoints struct {
	Count int64 `json:"count"`
	// Timestamps counts time stamps of them that are about the right note.
	Timestamps int64 `json:"timestamps,omitempty"`
	// Size, Root, Time and KeyID are of the last one that holds: it covers the
	// lines up to seq Size.
	Size  uint64 `json:"size"`
	Root  Hash   `json:"root"`
	Time  string `json:"time,omitempty"`
	KeyID string `json:"key_id"`
}

// GivenResult is what became of a checkpoint that the verifier was given.
type GivenResult struct {
	Name string `json:"name"`
	Size uint64 `json:"size"`
	// Holds says that the chain is the one that the checkpoint is about.
	Holds bool `json:"holds"`
	// Reason says why it does not.
	Reason string `json:"reason,omitempty"`
}

// Doubt is a chain.opened whose writer found something wrong with the
// watermark.
type Doubt struct {
	Seq uint64 `json:"seq"`
	// Watermark is what the writer sealed: "degraded" or "removed".
	Watermark string `json:"watermark"`
}

// BreakFound is a chain.break.
type BreakFound struct {
	Seq uint64 `json:"seq"`
	// Found is what the writer found, one of the constants Break…; Reason is
	// what a person said who had it written, and KeptIn the name of the file
	// that was set aside.
	Found  string `json:"found"`
	Reason string `json:"reason,omitempty"`
	KeptIn string `json:"kept_in,omitempty"`
}

// PrunedStart is the beginning of a chain of which segments were removed.
type PrunedStart struct {
	// FirstSeq is that of the first line that is there, and SealedAt that of
	// the chain.pruned that says so.
	FirstSeq uint64 `json:"first_seq"`
	SealedAt uint64 `json:"sealed_at"`
}

// MaxBad is how many bad places a report names.
const MaxBad = 20

// ExitCode is the verdict's exit code.
func (r *Report) ExitCode() int { return r.Verdict.ExitCode() }

// First returns the first bad place, or nil.
func (r *Report) First() *Bad {
	if len(r.Bad) == 0 {
		return nil
	}
	return &r.Bad[0]
}

func (r *Report) addBad(b Bad) {
	r.BadTotal++
	if len(r.Bad) < MaxBad {
		if b.File == "" {
			b.File = r.File
		}
		r.Bad = append(r.Bad, b)
	}
}

func (r *Report) proven(format string, args ...any) {
	r.Proven = append(r.Proven, fmt.Sprintf(format, args...))
}

func (r *Report) notProven(format string, args ...any) {
	r.NotProven = append(r.NotProven, fmt.Sprintf(format, args...))
}

// cannot makes r the report of a verification that could not be done.
func (r *Report) cannot(format string, args ...any) *Report {
	r.Verdict = CannotVerify
	r.notProven(format, args...)
	return r
}
